"""Work timed beside its rivals, in turn, in one process: ratios with their spread."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Row:
    """A line of the report: how many times faster than a rival, or how many times a floor."""

    work: str
    against: str
    target: str
    ratios: tuple[float, ...]  # rival / ours, or ours / floor
    seconds: float  # median of ours
    note: str = ""

    @property
    def median(self) -> float:
        """The ratio that is compared with the target."""
        return statistics.median(self.ratios)

    def cells(self) -> list[str]:
        """Print the row of a table."""
        spread = f"{min(self.ratios):.2f} to {max(self.ratios):.2f}"
        return [self.work, self.against, self.target, f"{self.median:.2f}", spread,
                str(len(self.ratios)), f"{self.seconds:.2f} s", self.note]  # fmt: skip


HEADINGS = ["work", "against", "target", "ratio", "spread", "n", "ours", "note"]


def alternate(
    works: Mapping[str, Callable[[], object]], repetitions: int, *, warm: bool = True
) -> dict[str, np.ndarray]:
    """Time every work in turn, so often; the first round, which compiles and loads, is left out."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for i in range(repetitions + warm):
        for name, work in works.items():
            gc.collect()
            start = time.perf_counter()
            work()
            seconds = time.perf_counter() - start
            if i >= warm:
                found[name].append(seconds)
                print(f"  {name}: {seconds:.2f} s", flush=True)
    return {name: np.array(seconds) for name, seconds in found.items()}


def faster(work: str, against: str, target: str, ours: np.ndarray, rival: np.ndarray,
           note: str = "") -> Row:  # fmt: skip
    """How many times faster we are than a rival, round by round."""
    return Row(work, against, target, tuple(rival / ours), float(np.median(ours)), note)


def floor(work: str, against: str, target: str, ours: np.ndarray, least: np.ndarray,
          note: str = "") -> Row:  # fmt: skip
    """How many times the least possible time we take, round by round."""
    return Row(work, against, target, tuple(ours / least), float(np.median(ours)), note)


def peak_of(process: int | str = "self") -> float:
    """Most memory that a process has had, in MiB; 0 if it is gone.

    Not `ru_maxrss`, into which a new process takes over what its parent has.
    """
    try:
        lines = Path(f"/proc/{process}/status").read_text("utf-8").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def forget_peak() -> float:
    """Start to count the peak anew (Linux); gives what is in use, in MiB."""
    Path("/proc/self/clear_refs").write_text("5", "utf-8")
    return peak_of()

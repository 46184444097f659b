"""Whole commands: a comparison on a warm cache, and `--help`."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measures import made_vectors
from timing import Row, alternate, floor, peak_of

from alignkit.tables import Dataset

ALIGNKIT = [sys.executable, "-m", "alignkit"]


def whole(dataset: Dataset, data: str, repetitions: int) -> list[Row]:
    """Run commands as a user does."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        rng = np.random.default_rng(0)
        for label, strength in (("a", 0.2), ("b", 0.6)):
            sides = made_vectors(rng, dataset, strength)
            ids = np.concatenate([side.texts.frame["id"].to_numpy(str) for side in sides])
            vectors = np.concatenate([side.vectors for side in sides])
            np.savez(place / f"{label}.npz", ids=ids, embeddings=vectors)
        environment = os.environ | {"ALIGNKIT_CACHE": str(place / "cache")}
        command = [*ALIGNKIT, "compare", str(place / "a.npz"), str(place / "b.npz"), "--data", data,
                   "--no-umap", "--out", str(place / "run"), "--force", "--quiet"]  # fmt: skip
        run(command, environment)
        rows = [
            repeated("compare on a warm cache, no UMAP", "≤ 2.5", [command] * repetitions,
                     environment),
            # Vectors, data and ranks are kept, and what depends on the seed is not.
            repeated("the same with a seed not used before", "",
                     [[*command, "--seed", str(n + 1)] for n in range(repetitions)], environment),
        ]  # fmt: skip
    seconds = alternate(
        {
            "alignkit --help": lambda: run([*ALIGNKIT, "--help"], dict(os.environ)),
            "import click": lambda: run([sys.executable, "-c", "import click"], dict(os.environ)),
        },
        max(repetitions, 10),
    )
    more = 1000 * np.median(seconds["alignkit --help"] - seconds["import click"])
    rows.append(floor("alignkit --help", "python -c 'import click'", "+ 100 ms",
                      seconds["alignkit --help"], seconds["import click"],
                      f"{more:.0f} ms more"))  # fmt: skip
    return rows


def repeated(work: str, target: str, commands: list[list[str]], environment: dict[str, str]) -> Row:
    """Run commands one after the other, and give their times and the highest peak."""
    times, peaks = zip(*(run(command, environment) for command in commands), strict=True)
    print(f"  {work}: {np.median(times):.2f} s, {max(peaks):,.0f} MiB", flush=True)
    note = f"peak {max(peaks):,.0f} MiB, target 1,024"
    return Row(work, "one second", target, times, float(np.median(times)), note)


def run(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Run a command; its seconds and peak memory in MiB."""
    start = time.perf_counter()
    peak = 0.0
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, peak_of(process.pid))
            time.sleep(0.005)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return seconds, peak

"""Which precision `--dtype auto` stands for: bfloat16 where it is fast, unless it moves vectors.

The machine is asked without torch, and what a model answered is kept, so that a run on a warm cache
loads neither.
"""

import hashlib
import json
import platform
from collections.abc import Callable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Literal

import numpy as np

from alignkit.cache_folder import cache_folder
from alignkit.checkpoints._device import NVIDIA

Half = Literal["bfloat16", "float32"]
LEAST_COSINE = 0.995


def agreement(
    fingerprint: str, device: str, embed: Callable[[Half, list[str]], np.ndarray]
) -> float | None:
    """Say how well bfloat16 does where it is fast; None where it is not.

    Gives the least cosine between the vectors of 64 texts in both precisions. `embed` makes them;
    a model is tried once on a machine. `fingerprint` is of the model in float32.
    """
    if not _may_be_fast(device):
        return None
    kept = cache_folder() / "precision" / f"{_key(fingerprint, device)}.json"
    try:
        return float(json.loads(kept.read_text("utf-8"))["cosine"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    if not _is_fast(device):
        return None
    texts = probes()
    cosine = least_cosine(embed("float32", texts), embed("bfloat16", texts))
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps({"cosine": cosine}), "utf-8")
    except OSError:
        pass  # it is tried again next time
    return cosine


def probes() -> list[str]:
    """Read 64 texts, in all scripts of the bundled sample."""
    return Path(__file__).with_name("probes.txt").read_text("utf-8").splitlines()


def least_cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Give the least cosine of rows with the same number; -1 where a row is no number."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosines = np.divide((a * b).sum(axis=1), lengths, out=np.zeros(len(a)), where=lengths > 0)
    return float(np.where(np.isfinite(lengths), cosines, -1.0).min(initial=1.0))


def _key(fingerprint: str, device: str) -> str:
    words = (fingerprint, device, _processor(), _gpus(), metadata.version("torch"))
    return hashlib.blake2b(repr(words).encode(), digest_size=20).hexdigest()


@cache
def _processor() -> str:
    """Name what the processor can do."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith("flags")), platform.processor())


@cache
def _gpus() -> tuple[str, ...]:
    try:
        return tuple(sorted(path.name for path in NVIDIA.iterdir()))
    except OSError:
        return ()


def _may_be_fast(device: str) -> bool:
    """Say no, where that is certain, without torch."""
    on_gpu = device.startswith("cuda") or (device == "auto" and (_gpus() or _is_windows()))
    return bool(on_gpu) or (device in ("auto", "cpu") and "amx_bf16" in _processor())


def _is_windows() -> bool:
    return platform.system() == "Windows"


def _is_fast(device: str) -> bool:
    """Ask torch: CUDA from compute capability 8.0, or a processor with AMX."""
    import torch

    from alignkit.checkpoints._device import resolve_device

    resolved = resolve_device(device)
    if resolved.startswith("cuda"):
        return torch.cuda.get_device_capability(resolved) >= (8, 0)
    return resolved == "cpu" and "amx_bf16" in _processor()

"""From `--device` to a device that is there."""

from pathlib import Path

from alignkit.errors import AlignkitError

NVIDIA = Path("/proc/driver/nvidia/gpus")  # tells without torch, which takes a second to load
ENOUGH = 10**9  # scores, some seconds of a CPU; a judgement, not measured on a GPU


def resolve_device(name: str) -> str:
    """Torch's name of the device; auto is CUDA where there is one, then MPS, then the CPU."""
    import torch

    n_cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    has_mps = torch.backends.mps.is_available()
    if name == "auto":
        return "cuda" if n_cuda else "mps" if has_mps else "cpu"
    if name.startswith("cuda"):
        number = int(name.partition(":")[2] or 0)
        if number >= n_cuda:
            seen = f"{n_cuda} CUDA devices" if n_cuda else "no CUDA device"
            raise AlignkitError(f"--device {name}: PyTorch sees {seen} here; try --device auto")
    if name == "mps" and not has_mps:
        raise AlignkitError("--device mps: PyTorch sees no MPS device here; try --device auto")
    return name


def usual_batch(device: str) -> int:
    """Bound the padded tokens of a batch: what it passes on stays in a CPU's caches.

    Measured with a MiniLM on 2 cores: 16384 took half as long again as 4096, and 512 too.
    """
    return 4096 if resolve_device(device) == "cpu" else 16384


def ranking_device(name: str, n_scores: int) -> str:
    """Where so many scores are best made: on the CUDA device that `--device` means, or the CPU."""
    may_be = name.startswith("cuda") or (name == "auto" and NVIDIA.is_dir())
    if n_scores < ENOUGH or not may_be:
        return "cpu"
    resolved = resolve_device(name)
    return resolved if resolved.startswith("cuda") else "cpu"

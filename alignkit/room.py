"""Room for vectors: in memory where they are few, else in a file that no name points to."""

import os
import tempfile
from pathlib import Path

import numpy as np

from alignkit.errors import AlignkitError

HELD = 1 << 28  # bytes; XQuAD-R in 768 dimensions is 40 MB


def room_for(n: int, dim: int, folder: Path, dtype: str = "float32") -> np.ndarray:
    """Make an array (n, dim) whose content means nothing yet.

    A large one lies in a file in `folder`, memory-mapped, that is gone when the array is. Raises
    AlignkitError if the disk has no room for it: found out later, that would end the process.
    """
    size = n * dim * np.dtype(dtype).itemsize
    if size <= HELD:
        return np.empty((n, dim), dtype)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            return np.memmap(file, dtype, mode="r+", shape=(n, dim))
    except OSError as error:
        raise AlignkitError(
            f"{n:,} vectors of {dim} dimensions need {size / 1e9:,.1f} GB in {folder}: "
            f"{error.strerror or error}; set ALIGNKIT_CACHE to a folder with room"
        ) from error

"""Room for vectors: in memory where they are few, else in a file that no name points to."""

import os
import tempfile
from pathlib import Path

import numpy as np

from alignkit.errors import AlignkitError

HELD = 1 << 28  # bytes; XQuAD-R in 768 dimensions is 40 MB


def room_for(n: int, dim: int, folder: Path) -> np.ndarray:
    """Make an array (n, dim) float32 whose content means nothing yet.

    A large one lies in a file in `folder`, memory-mapped, that is gone when the array is. Raises
    AlignkitError if the disk has no room for it: found out later, that would end the process.
    """
    if n * dim * 4 <= HELD:
        return np.empty((n, dim), np.float32)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, n * dim * 4)
            return np.memmap(file, np.float32, mode="r+", shape=(n, dim))
    except OSError as error:
        raise AlignkitError(
            f"{n:,} vectors of {dim} dimensions need {n * dim * 4 / 1e9:,.1f} GB in {folder}: "
            f"{error.strerror or error}; set ALIGNKIT_CACHE to a folder with room"
        ) from error

"""Ranks, and measures of vectors, kept between runs: the same vectors on the same data give both.

A second comparison then reads what the first one found. The key is a hash of everything that
they depend on: vectors, pools, relevant cells, similarity, cutoffs, and the code that finds them.
"""

import hashlib
import shutil
import tempfile
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from alignkit.cache_folder import cache_folder
from alignkit.kernels.ranking import Best, CellRanks

_HERE = Path(__file__).parent
_CODE = [*sorted((_HERE / "kernels").glob("*.py")), *sorted((_HERE / "metrics").glob("*.py")),
         _HERE / "sources.py"]  # fmt: skip


def folder() -> Path:
    """Name the place of kept results in the cache."""
    return cache_folder() / "results"


def key_of(words: tuple[object, ...], *arrays: np.ndarray) -> str:
    """Hash settings and arrays, and the code that ranks and measures them."""
    digest = hashlib.blake2b(repr(words).encode(), digest_size=20)
    for source in _CODE:
        digest.update(source.read_bytes())
    for array in arrays:
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def take(key: str) -> dict[str, np.ndarray]:
    """Read arrays back by name; none if they are not kept, or not whole."""
    try:
        # Opened here, since np.load leaves a damaged file open.
        path = folder() / f"{key}.npz"
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            return dict(kept)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return {}


def keep(key: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Keep arrays by name; a cache that can't be written is no fault of theirs."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder(), suffix=".part", delete=False) as draft:
            np.savez(draft, allow_pickle=False, **arrays)
        shutil.move(draft.name, folder() / f"{key}.npz")
    except OSError:
        return


def take_ranks(key: str) -> tuple[CellRanks, Best | None] | None:
    """Read ranks back; None if they are not kept, or not whole."""
    kept = take(key)
    try:
        cells = CellRanks(kept["pool"], kept["overall"], kept["score"], int(kept["settled"]))
        if "columns" not in kept:
            return cells, None
        return cells, Best(kept["columns"], kept["scores"], kept["shares"])
    except KeyError:
        return None


def keep_ranks(key: str, cells: CellRanks, best: Best | None) -> None:
    """Keep ranks."""
    arrays = {
        "pool": cells.pool, "overall": cells.overall, "score": cells.score,
        "settled": np.array(cells.settled),
    }  # fmt: skip
    if best is not None:
        arrays |= {"columns": best.columns, "scores": best.scores, "shares": best.shares}
    keep(key, arrays)


def forget(*, older_than_days: int) -> int:
    """Remove what was kept for so long, and return the bytes that this freed."""
    freed, latest = 0, time.time() - older_than_days * 86_400
    for path in folder().glob("*"):
        if path.stat().st_mtime <= latest:
            freed += path.stat().st_size
            path.unlink(missing_ok=True)
    return freed


def size() -> int:
    """Bytes of all that is kept."""
    return sum(path.stat().st_size for path in folder().glob("*"))

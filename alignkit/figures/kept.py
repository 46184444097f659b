"""Figures kept between runs: what was drawn once from the same numbers is copied, not drawn.

Drawing takes most of the time of a comparison whose vectors are cached. A figure depends on the
results, on its own code and on matplotlib; the key is a hash of all three.
"""

import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from alignkit.cache_folder import cache_folder
from alignkit.tables import Results

_TABLES = ("metrics", "comparisons", "projection")
_PROVENANCE = ("baseline", "checkpoints", "datasets", "projection", "metric_cards")


def folder() -> Path:
    """Name the place of kept figures in the cache."""
    return cache_folder() / "figures"


def key_of(results: Results, style: Mapping[str, Any]) -> str:
    """Hash all that a figure of these results depends on, but its name, dataset and formats."""
    digest = hashlib.sha256(version("matplotlib").encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    for name in _TABLES:
        table: pd.DataFrame = getattr(results, name)
        digest.update(table.to_csv(index=False).encode())
    for matrix in results.matrices:
        digest.update(repr((matrix.checkpoint, matrix.dataset, matrix.name)).encode())
        digest.update(repr(matrix.languages).encode() + matrix.values.tobytes())
    stated = {name: results.provenance.get(name) for name in _PROVENANCE}
    digest.update(json.dumps([stated, dict(style)], sort_keys=True, default=str).encode())
    return digest.hexdigest()


def take(key: str, paths: Mapping[str, Path]) -> float | None:
    """Copy a figure's kept files to `paths`, by format; returns its width, None if not kept.

    Width 0 says that the figure was tried and had nothing to say.
    """
    home = folder() / key
    stem = next(iter(paths.values())).stem
    try:
        width: float = json.loads((home / f"{stem}.json").read_text("utf-8"))["width"]
        for path in paths.values() if width else ():
            shutil.copyfile(home / path.name, path)
    except (OSError, ValueError, KeyError):
        return None
    return width


def keep(key: str, paths: Mapping[str, Path], width: float) -> None:
    """Keep a figure that was just drawn; a cache that can't be written is no fault of its own."""
    home = folder() / key
    stem = next(iter(paths.values())).stem
    try:
        home.mkdir(parents=True, exist_ok=True)
        for path in paths.values() if width else ():
            _write_whole(home / path.name, path.read_bytes())
        # Last, so that whoever finds it finds the files.
        _write_whole(home / f"{stem}.json", json.dumps({"width": width}).encode())
    except OSError:
        return


def forget(*, older_than_days: int) -> int:
    """Remove kept figures that are so old, and return the bytes that this freed."""
    freed, latest = 0, time.time() - older_than_days * 86_400
    for home in folder().glob("*"):
        if home.stat().st_mtime <= latest:
            freed += sum(file.stat().st_size for file in home.iterdir())
            shutil.rmtree(home, ignore_errors=True)
    return freed


def size() -> int:
    """Bytes of all kept figures."""
    return sum(file.stat().st_size for file in folder().glob("*/*"))


def _write_whole(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as draft:
        draft.write(content)
    Path(draft.name).replace(path)

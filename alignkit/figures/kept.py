"""Figures kept between runs: what was drawn once from the same numbers is copied, not drawn.

Drawing takes most of the time of a comparison whose vectors are cached. A figure depends on the
results, on its own code and on matplotlib; the key is a hash of all three.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from alignkit.cache_folder import cache_folder
from alignkit.tables import Results
from alignkit.whole_file import write_whole

INDEX = "figures.json"
_TABLES = ("metrics", "comparisons", "projection", "variants", "published")
_PROVENANCE = ("baseline", "checkpoints", "datasets", "projection", "metric_cards")


def folder() -> Path:
    """Name the place of kept figures in the cache."""
    return cache_folder() / "figures"


def key_of(results: Results, style: Mapping[str, Any], formats: Sequence[str]) -> str:
    """Hash all that the figures of these results depend on."""
    digest = hashlib.sha256(version("matplotlib").encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    for name in _TABLES:
        table: pd.DataFrame = getattr(results, name)
        digest.update(repr((name, table.shape, list(table.columns))).encode())
        digest.update(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes())
    for matrix in results.matrices:
        digest.update(repr((matrix.checkpoint, matrix.dataset, matrix.name)).encode())
        digest.update(repr(matrix.languages).encode() + matrix.values.tobytes())
    stated = {name: results.provenance.get(name) for name in _PROVENANCE}
    words = [stated, dict(style), sorted(formats)]
    digest.update(json.dumps(words, sort_keys=True, default=str).encode())
    return digest.hexdigest()


def take(key: str, target: Path) -> list[dict[str, Any]] | None:
    """Copy the kept files to a folder; returns what `keep` was given, None if nothing is kept."""
    home = folder() / key
    try:
        described: list[dict[str, Any]] = json.loads((home / INDEX).read_text("utf-8"))
        for one in described:
            for name in one["files"].values():
                shutil.copyfile(home / name, target / name)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return described


def keep(key: str, source: Path, described: list[dict[str, Any]]) -> None:
    """Keep figures that were just drawn; a cache that can't be written is no fault of theirs.

    Of each, `files` names its files in the folder `source` by format.
    """
    home = folder() / key
    try:
        home.mkdir(parents=True, exist_ok=True)
        for one in described:
            for name in one["files"].values():
                write_whole(home / name, (source / name).read_bytes())
        # Last, so that whoever finds it finds the files.
        write_whole(home / INDEX, json.dumps(described).encode())
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

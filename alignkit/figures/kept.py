"""Figures kept between runs: what was drawn once from the same numbers is written, not drawn.

Drawing takes most of the time of a comparison whose vectors are cached. A figure depends on the
results, on the code and on matplotlib; the key is a hash of all three.
"""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alignkit import kept
from alignkit.tables import Results

_ABOUT = "about.json"
_TABLES = ("metrics", "comparisons", "projection", "variants", "published")
_PROVENANCE = (
    "baseline", "checkpoints", "datasets", "projection", "trajectory", "metric_cards",
)  # fmt: skip


def key_of(results: Results, style: Mapping[str, Any], formats: Sequence[str]) -> str:
    """Hash all that the figures of these results depend on."""
    stated = {name: results.provenance.get(name) for name in _PROVENANCE}
    parts: list[object] = [version("matplotlib"), stated, repr(sorted(style.items())),
                           sorted(formats)]  # fmt: skip
    for name in _TABLES:
        table: pd.DataFrame = getattr(results, name)
        parts += [name, list(table.columns)]
        parts.append(pd.util.hash_pandas_object(table, index=False).to_numpy())
    for matrix in results.matrices:
        parts += [matrix.checkpoint, matrix.dataset, matrix.name, matrix.languages, matrix.values]
    return kept.key_of(*parts)


def take(key: str, target: Path) -> list[dict[str, Any]] | None:
    """Write the kept files to a folder; returns what `keep` was given, None if nothing is kept."""
    files = kept.take("figures", key)
    if files is None:
        return None
    described: Any = kept.unpack_json(files.pop(_ABOUT))
    for name, content in files.items():
        (target / name).write_bytes(content.tobytes())
    return described


def keep(key: str, source: Path, described: list[dict[str, Any]]) -> None:
    """Keep figures that were just drawn; of each, `files` names those in `source` by format."""
    names = [name for one in described for name in one["files"].values()]
    files = {name: np.fromfile(source / name, np.uint8) for name in names}
    kept.keep("figures", key, {**files, _ABOUT: kept.pack_json(described)})

"""Figures that papers have published, one paper a file: facts, with their source in every row.

They stand beside a run's own values, marked as published, and have no part in any test.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

import pandas as pd

from alignkit.errors import AlignkitError
from alignkit.tables import PUBLISHED_COLUMNS


def papers() -> list[str]:
    """Names of the papers: their arXiv numbers."""
    found = (entry.name for entry in files("alignkit.published").iterdir())
    return sorted(name.removesuffix(".csv") for name in found if name.endswith(".csv"))


def published_rows(names: Sequence[str]) -> pd.DataFrame:
    """Read the rows of papers, or of .csv files as `alignkit import-mteb` writes them.

    Columns PUBLISHED_COLUMNS.

    Raises
    ------
    AlignkitError
        When alignkit has no figures of a paper; the text offers those it has. When a file is not
        there or lacks columns.
    """
    tables = [
        _of_file(Path(name)) if name.endswith(".csv") else _of_paper(name)
        for name in dict.fromkeys(names)
    ]
    nothing = pd.DataFrame(columns=PUBLISHED_COLUMNS)
    return pd.concat(tables or [nothing], ignore_index=True)[PUBLISHED_COLUMNS]


def _of_paper(name: str) -> pd.DataFrame:
    if name not in papers():
        near = get_close_matches(name, papers(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(papers())}"
        raise AlignkitError(f"no figures of the paper {name!r} are known; {hint}")
    with (files("alignkit.published") / f"{name}.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file)


def _of_file(path: Path) -> pd.DataFrame:
    try:
        rows = pd.read_csv(path, keep_default_na=False, dtype={"value": float})
    except (OSError, ValueError) as error:
        raise AlignkitError(f"cannot read {path}: {error}; name a .csv of figures") from error
    missing = [name for name in PUBLISHED_COLUMNS if name not in rows]
    if missing:
        raise AlignkitError(
            f"{path} has no column {missing[0]!r}; it must have {', '.join(PUBLISHED_COLUMNS)}"
        )
    return rows

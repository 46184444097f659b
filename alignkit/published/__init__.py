"""Figures that papers have published, one paper a file: facts, with their source in every row.

They stand beside a run's own values, marked as published, and have no part in any test.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from importlib.resources import files

import pandas as pd

from alignkit.errors import AlignkitError
from alignkit.tables import PUBLISHED_COLUMNS


def papers() -> list[str]:
    """Names of the papers: their arXiv numbers."""
    found = (entry.name for entry in files("alignkit.published").iterdir())
    return sorted(name.removesuffix(".csv") for name in found if name.endswith(".csv"))


def published_rows(names: Sequence[str]) -> pd.DataFrame:
    """Read the rows of papers, columns PUBLISHED_COLUMNS.

    Raises
    ------
    AlignkitError
        When alignkit has no figures of a paper; the text offers those it has.
    """
    tables = [pd.DataFrame(columns=PUBLISHED_COLUMNS)]
    for name in dict.fromkeys(names):
        if name not in papers():
            near = get_close_matches(name, papers(), n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(papers())}"
            raise AlignkitError(f"no figures of the paper {name!r} are known; {hint}")
        with (files("alignkit.published") / f"{name}.csv").open(encoding="utf-8") as file:
            tables.append(pd.read_csv(file))
    return pd.concat(tables[1:] or tables, ignore_index=True)[PUBLISHED_COLUMNS]

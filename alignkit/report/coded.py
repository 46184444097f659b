"""A long table as integers: what the page counts are hundreds of thousands of rows of names."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

Array = np.ndarray


@dataclass(frozen=True)
class Coded:
    """Columns of a table as codes (n,) into their `names`; numbers are as they are."""

    columns: dict[str, Array]
    names: dict[str, list[str]]

    def __getitem__(self, column: str) -> Array:
        return self.columns[column]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def where(self, **names: Collection[str]) -> "Coded":
        """Rows whose columns have one of these names."""
        kept = np.ones(len(self), bool)
        for column, wanted in names.items():
            known = np.array([name in wanted for name in self.names[column]], bool)
            kept &= known[self[column]]
        rows = np.flatnonzero(kept)
        columns = {column: values[rows] for column, values in self.columns.items()}
        return Coded(columns, self.names)

    def leads(self, first: str, second: str) -> dict[str, str]:
        """Lead from each name in a column to one that stands beside it in another, the last."""
        beside = np.full(len(self.names[first]), -1)
        beside[self[first]] = self[second]
        names = self.names[second]
        together = zip(self.names[first], beside.tolist(), strict=True)
        return {name: names[at] for name, at in together if at >= 0}

    def pairs(self, first: str, second: str) -> set[tuple[str, str]]:
        """All pairs of names that two columns have side by side."""
        n = len(self.names[second])
        found = np.unique(self[first].astype(np.int64) * n + self[second])
        return {
            (self.names[first][one // n], self.names[second][one % n]) for one in found.tolist()
        }


def listed(texts: "pd.Series | pd.Index") -> list[str]:
    """List texts; going through Arrow's one by one takes ten times as long."""
    return texts.to_numpy(object).tolist()


def coded(table: pd.DataFrame, texts: list[str], numbers: list[str]) -> Coded:
    """Take columns of a table; those of texts are categorical, or made so."""
    categories = {name: table[name].astype("category").cat for name in texts}
    columns = {name: one.codes.to_numpy() for name, one in categories.items()}
    columns |= {name: table[name].to_numpy() for name in numbers}
    return Coded(columns, {name: listed(one.categories) for name, one in categories.items()})

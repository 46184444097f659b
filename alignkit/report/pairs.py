"""What the page's heat maps hold: every measure of language pairs, with intervals and changes."""

import math
from typing import Any

import numpy as np
import pandas as pd

from alignkit.figures.selection import (
    ANSWERS,
    QUESTIONS,
    Measure,
    candidates_of,
    languages_of,
    name_of,
    where,
)
from alignkit.figures.words import higher_is_better, is_rank
from alignkit.tables import Results

Key = tuple[str, str, str]  # task, pool, metric
ALL, ONE = "all", "one"  # pools: all passages together, or those of one language
GROUPS = {
    (ANSWERS, ALL): "Answers, all passages together",
    (ANSWERS, ONE): "Answers, one language's passages",
    (QUESTIONS, ONE): "Translations of questions",
}
FIRST = ("preference_rank", "map", "cosine_margin")  # shown at first, if there
_VALUES = {"value": "value", "low": "ci_low", "high": "ci_high", "n": "n"}
_CHANGES = {
    "delta": "delta", "delta_low": "ci_low", "delta_high": "ci_high", "p": "p_adjusted"
}  # fmt: skip


def pair_measures(results: Results, dataset: str) -> list[dict[str, Any]]:
    """List measures that have values of pairs, with matrices as flat lists, row by row.

    A measure has `value`, `low`, `high` and `n` of each checkpoint, and `delta`, `delta_low`,
    `delta_high`, `p` (Holm-adjusted) of each candidate. Null stands where nothing is known.
    """
    languages, candidates = languages_of(results, dataset), candidates_of(results)
    values = _matrices(
        where(results.metrics, dataset=dataset), "checkpoint", results.checkpoints, languages,
        _VALUES,
    )  # fmt: skip
    changes = _matrices(
        where(results.comparisons, dataset=dataset), "candidate", candidates, languages, _CHANGES
    )
    found = [
        {**_described(results, key), **_lists(key, arrays), **_lists(key, changes.get(key, {}))}
        for key, arrays in values.items()
        if not np.isnan(arrays["value"]).all()
    ]
    groups = list(GROUPS.values())
    return sorted(found, key=lambda one: (groups.index(one["group"]), one["metric"] not in FIRST))


def _described(results: Results, key: Key) -> dict[str, Any]:
    task, pool, metric = key
    return {
        "metric": metric, "group": GROUPS[task, pool], "ranks": is_rank(metric),
        "name": name_of(Measure(task, "", metric)).strip(),
        "better": higher_is_better(results, metric),
    }  # fmt: skip


def _matrices(
    rows: pd.DataFrame, by: str, labels: list[str], languages: list[str], columns: dict[str, str]
) -> dict[Key, dict[str, np.ndarray]]:
    """Spread rows over matrices, (labels, cells) for each measure and column; NaN elsewhere.

    A language's own passages and those of another are pools of one language: together they fill
    a matrix.
    """
    place, known = pd.Index(languages), pd.Index(labels)
    asked = place.get_indexer(rows["query_language"])
    answered = place.get_indexer(rows["passage_language"])
    label = known.get_indexer(rows[by])
    kept = (asked >= 0) & (answered >= 0) & (label >= 0)
    rows = rows.loc[kept]
    cell = (asked * len(languages) + answered)[kept]
    pool = np.where(rows["setting"] == "multilingual", ALL, ONE)
    keys = pd.MultiIndex.from_arrays([rows["task"], pool, rows["metric"]])
    measure, names = pd.factorize(keys)
    matrices: dict[str, np.ndarray] = {}
    for name, column in columns.items():
        matrices[name] = np.full((len(names), len(labels), len(languages) ** 2), np.nan)
        matrices[name][measure, label[kept], cell] = rows[column].to_numpy(np.float64)
    return {key: {name: of[i] for name, of in matrices.items()} for i, key in enumerate(names)}


def _lists(key: Key, arrays: dict[str, np.ndarray]) -> dict[str, list[list[float | None]]]:
    digits = 1 if is_rank(key[2]) else 4
    rounded = {name: np.round(values, digits) for name, values in arrays.items()}
    return {
        name: [[None if math.isnan(value) else value for value in row] for row in values.tolist()]
        for name, values in rounded.items()
    }

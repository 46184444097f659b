"""Ranks and vectors → measures: every metric of every task and setting, per query id."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from alignkit.errors import AlignkitError
from alignkit.kernels.resampling import ratios
from alignkit.metrics import (
    METRICS,
    LanguageShares,
    Metric,
    Needs,
    ParallelVectors,
    Setting,
)
from alignkit.progress import SILENT, Reporter
from alignkit.ranks import TaskRanks, codes, rank_task, share_cutoffs
from alignkit.tables import AVERAGE, Dataset, Embeddings, TaskName

Array = np.ndarray
Pair = tuple[str, str]  # query language, passage language


@dataclass(frozen=True, eq=False)
class Design:
    """Where values lie: cells of (query language, passage language), and the averages over them.

    Many metrics of a setting share one, so that its part of the work is done once.

    Attributes
    ----------
    denominator : (ids, cells) float64: 1 where an id has a value and 0 elsewhere; for a ratio what
        it is divided by.
    outputs : the (query language, passage language) of each row of the tables; `*` is an average.
    members : (cells, outputs) bool: the cells that an output averages, all counting the same.
    """

    denominator: Array
    outputs: tuple[Pair, ...]
    members: Array

    @cached_property
    def n(self) -> Array:
        """Query ids behind each output, (outputs,)."""
        counted = (self.denominator > 0).astype(np.float32) @ self.members.astype(np.float32)
        return (counted > 0).sum(axis=0)


@dataclass(frozen=True, eq=False)
class Measured:
    """One metric in one setting, per query id: what is resampled.

    The value of a cell is the sum of `numerator` (ids, cells) over ids divided by that of the
    design's denominator.
    """

    task: TaskName
    setting: Setting
    metric: str
    numerator: Array
    design: Design


@dataclass(frozen=True)
class Measures:
    """All that one checkpoint shows on one dataset."""

    dataset: str
    ids: tuple[str, ...]
    measured: list[Measured]
    ranks: list[TaskRanks]
    languages: tuple[str, ...]  # of the queries, alphabetical
    matrices: dict[str, Array]  # metrics of vectors as (languages, languages), NaN where undefined

    @property
    def settled(self) -> int:
        """How many comparisons float64 had to settle."""
        return sum(task.cells.settled for task in self.ranks)


def measure(
    dataset: Dataset,
    queries: Embeddings,
    passages: Embeddings,
    *,
    keep: bool = False,
    reporter: Reporter = SILENT,
) -> Measures:
    """Compute every registered metric that the data allow.

    `queries` and `passages` embed the dataset's texts in their order; both come from one
    checkpoint. With `keep`, ranks are taken from the user's cache, or put there. Raises
    AlignkitError when their dimensions differ.
    """
    if queries.vectors.shape[1] != passages.vectors.shape[1]:
        raise AlignkitError(
            f"queries have {queries.vectors.shape[1]} dimensions and passages "
            f"{passages.vectors.shape[1]}; embed both with one checkpoint"
        )
    ids = tuple(sorted(dataset.queries.frame["parallel_id"].unique()))
    ranks = [
        rank_task(task, queries, passages if task.name == "answer-retrieval" else queries,
                  ids, keep=keep, reporter=reporter)
        for task in dataset.tasks
    ]  # fmt: skip
    measured = [one for task in ranks for one in _measure_task(task)]
    matrices: dict[str, Array] = {}
    if any(task.task.name == "question-alignment" for task in ranks):
        of_vectors, matrices = _measure_vectors(queries, ids)
        measured += of_vectors
    languages = tuple(queries.texts.languages)
    return Measures(dataset.name, ids, measured, ranks, languages, matrices)


def _variants(
    task: TaskName, setting: Setting, needs: Needs
) -> Iterator[tuple[Metric, str, Callable[..., Any]]]:
    for card in METRICS.values():
        if card.needs == needs and (task, setting) in card.settings:
            for name, function in card.variants():
                yield card, name, function


def _measure_task(ranks: TaskRanks) -> list[Measured]:
    found = _measure_own_pools(ranks)
    if ranks.task.name == "answer-retrieval":
        found += _measure_multilingual(ranks)
        found += _measure_preference(ranks)
        found += _measure_shares(ranks)
    return found


class _Scatter:
    """Collects the metrics of one setting whose values lie in the same places.

    A class because it shares one design among them, and one array among metrics that are equal
    there, such as recall@k and hit@k with one relevant passage in a pool.
    """

    def __init__(
        self, ranks: TaskRanks, setting: Setting, ids: Array, cells: Array, outputs: "Outputs"
    ) -> None:
        self._ranks = ranks
        self._setting: Setting = setting
        self._shape = (len(ranks.ids), outputs.members.shape[0])
        self._where = ids * self._shape[1] + cells
        self._outputs = outputs
        self._design = self._design_of(np.ones(len(self._where), bool))
        self.measured: list[Measured] = []

    def _design_of(self, defined: Array) -> Design:
        return Design(self._sum(defined.astype(float)), self._outputs.labels, self._outputs.members)

    def _sum(self, values: Array) -> Array:
        return np.bincount(self._where, values, self._shape[0] * self._shape[1]).reshape(
            self._shape
        )

    def add(self, metric: str, values: Array) -> None:
        """Take the metric's values, one a search; NaN are left out."""
        undefined = np.isnan(values)
        some = undefined.any()
        numerator = self._sum(np.where(undefined, 0.0, values) if some else values)
        design = self._design_of(~undefined) if some else self._design
        self._append(metric, numerator, design)

    def add_ratio(self, metric: str, above: Array, below: Array, outputs: "Outputs") -> None:
        """Take numerators and denominators, one a search."""
        design = Design(self._sum(below), outputs.labels, outputs.members)
        self._append(metric, self._sum(above), design)

    def _append(self, metric: str, numerator: Array, design: Design) -> None:
        for other in self.measured:
            if other.design is design and np.array_equal(other.numerator, numerator):
                numerator = other.numerator
                break
        self.measured.append(
            Measured(self._ranks.task.name, self._setting, metric, numerator, design)
        )


def _measure_own_pools(ranks: TaskRanks) -> list[Measured]:
    """Measure in the monolingual and cross-lingual settings, which share their searches."""
    values: dict[str, Array] = {}
    return [
        *_measure_pairs(ranks, "monolingual", values, same=True),
        *_measure_pairs(ranks, "cross-lingual", values, same=False),
    ]


def _measure_pairs(
    ranks: TaskRanks, setting: Setting, values: dict[str, Array], *, same: bool
) -> list[Measured]:
    """Measure where query and pool have the same language, or where they don't.

    `values` remembers each metric over all searches, so that the second setting finds it there.
    """
    searches, n = ranks.own_pools, len(ranks.languages)
    asked = ranks.language_of_query[searches.queries]
    here = (asked == searches.pools) == same
    pairs = [(a, b) for a in range(n) for b in range(n) if (a == b) == same]
    column = np.full(n * n, -1)
    column[[a * n + b for a, b in pairs]] = np.arange(len(pairs))
    cells = column[asked[here] * n + searches.pools[here]]
    outputs = _outputs(pairs, ranks.languages, by_language=not same)
    ids = ranks.id_of_query[searches.queries][here]
    scatter = _Scatter(ranks, setting, ids, cells, outputs)
    for _, name, function in _variants(ranks.task.name, setting, "ranks"):
        if name not in values:
            values[name] = function(searches.ranks)
        scatter.add(name, values[name][here])
    return scatter.measured


def _measure_multilingual(ranks: TaskRanks) -> list[Measured]:
    searches = ranks.all_pools
    rows = searches.queries
    languages = tuple(ranks.task.queries.languages)
    asked = codes(pd.Series(ranks.languages), languages)[ranks.language_of_query[rows]]
    outputs = Outputs(
        (*((a, AVERAGE) for a in languages), (AVERAGE, AVERAGE)),
        np.column_stack([np.eye(len(languages), dtype=bool), np.ones(len(languages), bool)]),
    )
    scatter = _Scatter(ranks, "multilingual", ranks.id_of_query[rows], asked, outputs)
    for _, name, function in _variants(ranks.task.name, "multilingual", "ranks"):
        scatter.add(name, function(searches.ranks))
    return scatter.measured


def _measure_preference(ranks: TaskRanks) -> list[Measured]:
    searches = ranks.all_pools
    order = searches.order
    n = len(ranks.languages)
    rows = ranks.task.qrels.queries[order]
    outputs = _outputs([(a, b) for a in range(n) for b in range(n)], ranks.languages)
    cell = ranks.language_of_query[rows] * n + ranks.language_of_cell[order]
    scatter = _Scatter(ranks, "multilingual", ranks.id_of_query[rows], cell, outputs)
    for _, name, function in _variants(ranks.task.name, "multilingual", "relevant"):
        scatter.add(name, function(searches.ranks))
    return scatter.measured


def _measure_shares(ranks: TaskRanks) -> list[Measured]:
    searches = ranks.all_pools
    rows, order = searches.queries, searches.order
    n = len(ranks.languages)
    relevant = np.zeros((len(rows), n))
    np.add.at(relevant, (searches.ranks.search, ranks.language_of_cell[order]), 1.0)
    relevant /= relevant.sum(axis=1, keepdims=True)
    assert ranks.best is not None, "answer-retrieval keeps the best passages"
    observed = {k: ranks.best.shares[rows, i] for i, k in enumerate(share_cutoffs())}
    outputs = _outputs([(a, b) for a in range(n) for b in range(n)], ranks.languages)
    cell = (ranks.language_of_query[rows][:, None] * n + np.arange(n)).ravel()
    ids = np.repeat(ranks.id_of_query[rows], n)
    scatter = _Scatter(ranks, "multilingual", ids, cell, outputs)
    for card, name, function in _variants(ranks.task.name, "multilingual", "shares"):
        above, below = function(LanguageShares(observed, relevant))
        # A share has no mean over languages: rows sum to 1. A lift's is that of own languages.
        means = _own_language_outputs(outputs, n, averages=card.higher_is_better is not None)
        scatter.add_ratio(name, above.ravel(), below.ravel(), means)
    return scatter.measured


def _measure_vectors(
    queries: Embeddings, ids: tuple[str, ...]
) -> tuple[list[Measured], dict[str, Array]]:
    languages = tuple(queries.texts.languages)
    n = len(languages)
    parallel = parallel_vectors(queries, ids)
    pairs = [(a, b) for a in range(n) for b in range(n) if a != b]
    asked, answered = np.array(pairs, int).T
    outputs = _outputs(pairs, languages)
    found: list[Measured] = []
    matrices: dict[str, Array] = {}
    for _, name, function in _variants("question-alignment", "cross-lingual", "vectors"):
        values = function(parallel)
        defined = ~np.isnan(values)
        numerator, count = np.where(defined, values, 0.0), defined.astype(float)
        matrices[name] = ratios(numerator.sum(axis=0), count.sum(axis=0))
        design = Design(count[:, asked, answered], outputs.labels, outputs.members)
        found.append(
            Measured(
                "question-alignment", "cross-lingual", name, numerator[:, asked, answered], design
            )
        )
    return found, matrices


def parallel_vectors(queries: Embeddings, ids: tuple[str, ...]) -> ParallelVectors:
    """Arrange unit vectors of queries by parallel id and language (alphabetical)."""
    languages = tuple(queries.texts.languages)
    id_codes = codes(queries.texts.frame["parallel_id"], ids)
    language_codes = codes(queries.texts.frame["language"], languages)
    squares = np.einsum("ij,ij->i", queries.vectors, queries.vectors, dtype=np.float64)
    places = language_codes * len(ids) + id_codes
    unit = queries.vectors / np.sqrt(squares)[:, None]
    n_places = len(languages) * len(ids)
    if np.array_equal(places, np.arange(n_places)):
        flat = unit  # whole and in order, as published data are: no second copy
    else:
        flat = np.zeros((n_places, unit.shape[1]))
        flat[places] = unit
    present = np.zeros(len(flat), bool)
    present[places] = True
    by_language = flat.reshape(len(languages), len(ids), -1)
    return ParallelVectors(
        by_language.transpose(1, 0, 2), present.reshape(len(languages), len(ids)).T
    )


@dataclass(frozen=True)
class Outputs:
    """Rows of the tables, and the cells that each averages: (cells, outputs) bool."""

    labels: tuple[Pair, ...]
    members: Array


def _outputs(
    pairs: list[tuple[int, int]], languages: tuple[str, ...], *, by_language: bool = True
) -> Outputs:
    """Rows for pairs, for the mean of each query language, and for the mean of all."""
    labels = [(languages[a], languages[b]) for a, b in pairs]
    members = [np.eye(len(pairs), dtype=bool)]
    asked = np.array([a for a, _ in pairs], int)
    if by_language:
        for a, language in enumerate(languages):
            if np.any(asked == a):
                labels.append((language, AVERAGE))
                members.append((asked == a)[:, None])
    labels.append((AVERAGE, AVERAGE))
    members.append(np.ones((len(pairs), 1), bool))
    return Outputs(tuple(labels), np.hstack(members))


def _own_language_outputs(outputs: Outputs, n: int, *, averages: bool) -> Outputs:
    """Keep the rows of pairs; with `averages`, add means over each language with itself."""
    labels, members = outputs.labels[: n * n], outputs.members[:, : n * n]
    if not averages:
        return Outputs(labels, members)
    own = np.arange(n) * (n + 1)
    by_language = tuple((labels[cell][0], AVERAGE) for cell in own)
    of_all = np.zeros((n * n, 1), bool)
    of_all[own] = True
    return Outputs(
        (*labels, *by_language, (AVERAGE, AVERAGE)), np.hstack([members, members[:, own], of_all])
    )

"""Embeddings → ranks → measures: every metric of every task and setting, per query id.

The setting is a column, not a code path: a query's ranks in its own language's pool are the
monolingual setting, those in another language's the cross-lingual, those among all passages the
multilingual one. One pass over the scores gives all three.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from alignkit.errors import AlignkitError
from alignkit.kernels.ranking import Best, CellRanks, Side, prepare, rank_cells
from alignkit.kernels.translation import rank_translations
from alignkit.metrics import (
    METRICS,
    LanguageShares,
    Metric,
    Needs,
    ParallelVectors,
    RelevantRanks,
    Setting,
)
from alignkit.progress import SILENT, Advance, Reporter
from alignkit.tables import AVERAGE, Dataset, Embeddings, Qrels, RetrievalTask, TaskName

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
class TaskRanks:
    """Ranks of every relevant passage of a task, in its own language's pool and among all.

    Arrays of cells are (relevant,) and sorted by query row. Language codes index `languages`.
    """

    task: RetrievalTask
    languages: tuple[str, ...]
    ids: tuple[str, ...]  # parallel ids, sorted
    id_of_query: Array  # (queries,) index into ids
    language_of_query: Array  # (queries,)
    language_of_cell: Array  # (relevant,) of the passage
    pool_sizes: Array  # (languages,)
    cells: CellRanks  # without an overall rank in question-alignment
    best: Best | None  # None in question-alignment

    @cached_property
    def own_pools(self) -> tuple[RelevantRanks, Array, Array]:
        """Searches in the pool of one language, with query row and pool language of each."""
        rows, pools = self.task.qrels.queries, self.language_of_cell
        order = np.lexsort((self.cells.pool, pools, rows))
        key = rows[order] * len(self.languages) + pools[order]
        searches, search = np.unique(key, return_inverse=True)
        ranks = RelevantRanks(
            search, self.cells.pool[order], len(searches), self.task.qrels.relevance[order]
        )
        return ranks, searches // len(self.languages), searches % len(self.languages)

    @cached_property
    def all_pools(self) -> tuple[RelevantRanks, Array, Array]:
        """Searches among all passages, with the query row of each, and the cell of each rank."""
        rows = self.task.qrels.queries
        order = np.lexsort((self.cells.overall, rows))
        searches, search = np.unique(rows[order], return_inverse=True)
        ranks = RelevantRanks(
            search,
            self.cells.overall[order],
            len(searches),
            self.task.qrels.relevance[order],
            (self.language_of_cell == self.language_of_query[rows])[order],
        )
        return ranks, searches, order


@dataclass(frozen=True)
class Measures:
    """All that one checkpoint shows on one dataset."""

    dataset: str
    ids: tuple[str, ...]
    measured: list[Measured]
    ranks: list[TaskRanks]
    similarity: str
    settled: int  # comparisons that float64 had to settle


def measure(
    dataset: Dataset, queries: Embeddings, passages: Embeddings, *, reporter: Reporter = SILENT
) -> Measures:
    """Compute every registered metric that the data allow.

    `queries` and `passages` embed the dataset's texts in their order; both come from one
    checkpoint. Raises AlignkitError when their dimensions differ.
    """
    if queries.vectors.shape[1] != passages.vectors.shape[1]:
        raise AlignkitError(
            f"queries have {queries.vectors.shape[1]} dimensions and passages "
            f"{passages.vectors.shape[1]}; embed both with one checkpoint"
        )
    ids = tuple(sorted(dataset.queries.frame["parallel_id"].unique()))
    ranks = [
        rank_task(task, queries, passages if task.name == "answer-retrieval" else queries,
                  ids, reporter=reporter)
        for task in dataset.tasks()
    ]  # fmt: skip
    measured = [one for task in ranks for one in _measure_task(task)]
    if any(task.task.name == "question-alignment" for task in ranks):
        measured += _measure_vectors(queries, ids)
    settled = sum(task.cells.settled for task in ranks)
    return Measures(dataset.name, ids, measured, ranks, queries.similarity, settled)


def rank_task(
    task: RetrievalTask,
    queries: Embeddings,
    passages: Embeddings,
    ids: tuple[str, ...],
    *,
    reporter: Reporter = SILENT,
) -> TaskRanks:
    """Rank every relevant passage exactly, in one pass over blocks of scores."""
    languages = tuple(sorted({*task.queries.languages, *task.passages.languages}))
    passage_language = _codes(task.passages.frame["language"], languages)
    order = np.argsort(passage_language, kind="stable")  # pools are runs of passages
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    starts = np.searchsorted(passage_language[order], np.arange(len(languages) + 1))
    in_order = bool(np.all(order[:-1] < order[1:]))
    side = prepare(
        passages.vectors if in_order else passages.vectors[order], "passage", queries.similarity
    )
    cell_language = passage_language[task.qrels.passages]
    if task.name == "question-alignment" and queries.similarity != "euclidean":
        with reporter.bar(f"ranking, {task.name}", len(order) ** 2 // 2) as advance:
            cells = _rank_translations(task.qrels, side, starts, place, cell_language, advance)
        best = None
    else:
        query_side = prepare(queries.vectors, "query", queries.similarity)
        with reporter.bar(f"ranking, {task.name}", len(task.queries)) as advance:
            cells, best = rank_cells(
                query_side, side, task.qrels.queries, place[task.qrels.passages], starts,
                cutoffs=_share_cutoffs(), advance=advance,
            )  # fmt: skip
        best = Best(np.where(best.columns < 0, -1, order[best.columns]), best.scores, best.shares)
    return TaskRanks(
        task,
        languages,
        ids,
        _codes(task.queries.frame["parallel_id"], ids),
        _codes(task.queries.frame["language"], languages),
        cell_language,
        np.diff(starts),
        cells,
        best,
    )


def _rank_translations(
    qrels: Qrels, side: Side, starts: Array, place: Array, cell_language: Array, advance: Advance
) -> CellRanks:
    """Rank parallel queries: the scores are symmetric, so half of them are enough."""
    partner = np.full((len(place), len(starts) - 1), -1)
    rows = place[qrels.queries]
    partner[rows, cell_language] = place[qrels.passages]
    found = rank_translations(side, starts, partner, advance=advance)
    rank = found.rank[rows, cell_language]
    return CellRanks(rank, rank, found.score[rows, cell_language], found.settled)


def _codes(labels: pd.Series, categories: tuple[str, ...]) -> Array:
    return pd.Index(categories).get_indexer(labels).astype(np.int64)


def _share_cutoffs() -> tuple[int, ...]:
    return tuple(
        sorted({k for _, card in METRICS.items() if card.needs == "shares" for k in card.cutoffs})
    )


def _variants(
    task: TaskName, setting: Setting, needs: Needs
) -> Iterator[tuple[Metric, str, object]]:
    for _, card in METRICS.items():
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
        self._ranks, self._setting = ranks, setting
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
    searched, rows, pools = ranks.own_pools
    n = len(ranks.languages)
    asked, ids = ranks.language_of_query[rows], ranks.id_of_query[rows]
    values: dict[str, Array] = {}
    found: list[Measured] = []
    for setting in ("monolingual", "cross-lingual"):
        same = setting == "monolingual"
        pairs = [(a, b) for a in range(n) for b in range(n) if (a == b) == same]
        column = np.full(n * n, -1)
        column[[a * n + b for a, b in pairs]] = np.arange(len(pairs))
        here = (asked == pools) == same
        outputs = _outputs(pairs, ranks.languages, by_language=not same)
        cells = column[asked[here] * n + pools[here]]
        scatter = _Scatter(ranks, setting, ids[here], cells, outputs)
        for _, name, function in _variants(ranks.task.name, setting, "ranks"):
            if name not in values:
                values[name] = function(searched)
            scatter.add(name, values[name][here])
        found += scatter.measured
    return found


def _measure_multilingual(ranks: TaskRanks) -> list[Measured]:
    searched, rows, _ = ranks.all_pools
    languages = tuple(ranks.task.queries.languages)
    asked = _codes(pd.Series(ranks.languages), languages)[ranks.language_of_query[rows]]
    outputs = Outputs(
        (*((a, AVERAGE) for a in languages), (AVERAGE, AVERAGE)),
        np.column_stack([np.eye(len(languages), dtype=bool), np.ones(len(languages), bool)]),
    )
    scatter = _Scatter(ranks, "multilingual", ranks.id_of_query[rows], asked, outputs)
    for _, name, function in _variants(ranks.task.name, "multilingual", "ranks"):
        scatter.add(name, function(searched))
    return scatter.measured


def _measure_preference(ranks: TaskRanks) -> list[Measured]:
    searched, _, order = ranks.all_pools
    n = len(ranks.languages)
    rows = ranks.task.qrels.queries[order]
    outputs = _outputs([(a, b) for a in range(n) for b in range(n)], ranks.languages)
    cell = ranks.language_of_query[rows] * n + ranks.language_of_cell[order]
    scatter = _Scatter(ranks, "multilingual", ranks.id_of_query[rows], cell, outputs)
    for _, name, function in _variants(ranks.task.name, "multilingual", "relevant"):
        scatter.add(name, function(searched))
    return scatter.measured


def _measure_shares(ranks: TaskRanks) -> list[Measured]:
    searched, rows, order = ranks.all_pools
    n = len(ranks.languages)
    relevant = np.zeros((len(rows), n))
    np.add.at(relevant, (searched.search, ranks.language_of_cell[order]), 1.0)
    relevant /= relevant.sum(axis=1, keepdims=True)
    observed = {k: ranks.best.shares[rows, i] for i, k in enumerate(_share_cutoffs())}
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


def _measure_vectors(queries: Embeddings, ids: tuple[str, ...]) -> list[Measured]:
    languages = tuple(queries.texts.languages)
    n = len(languages)
    parallel = parallel_vectors(queries, ids)
    pairs = [(a, b) for a in range(n) for b in range(n) if a != b]
    asked, answered = np.array(pairs, int).T
    outputs = _outputs(pairs, languages)
    found = []
    for _, name, function in _variants("question-alignment", "cross-lingual", "vectors"):
        values = function(parallel)[:, asked, answered]
        design = Design((~np.isnan(values)).astype(float), outputs.labels, outputs.members)
        found.append(
            Measured("question-alignment", "cross-lingual", name, np.nan_to_num(values), design)
        )
    return found


def parallel_vectors(queries: Embeddings, ids: tuple[str, ...]) -> ParallelVectors:
    """Arrange unit vectors of queries by parallel id and language (alphabetical)."""
    languages = tuple(queries.texts.languages)
    id_codes = _codes(queries.texts.frame["parallel_id"], ids)
    language_codes = _codes(queries.texts.frame["language"], languages)
    squares = np.einsum("ij,ij->i", queries.vectors, queries.vectors, dtype=np.float64)
    vectors = np.zeros((len(ids), len(languages), queries.vectors.shape[1]))
    present = np.zeros((len(ids), len(languages)), bool)
    vectors[id_codes, language_codes] = queries.vectors / np.sqrt(squares)[:, None]
    present[id_codes, language_codes] = True
    return ParallelVectors(vectors, present)


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
    """Keep the rows of pairs; with `averages` those of each language and all, over own languages."""
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

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
from alignkit.kernels.ranking import Best, CellRanks, prepare, rank_cells
from alignkit.metrics import (
    METRICS,
    LanguageShares,
    Metric,
    Needs,
    ParallelVectors,
    RelevantRanks,
    Setting,
)
from alignkit.progress import SILENT, Reporter
from alignkit.tables import AVERAGE, Dataset, Embeddings, RetrievalTask, TaskName

Array = np.ndarray
Pair = tuple[str, str]  # query language, passage language


@dataclass(frozen=True)
class Measured:
    """One metric in one setting, per query id: what is resampled.

    The value of a cell is the sum of `numerator` over ids divided by that of `denominator`, which
    for all but ratios is 1 where the id has a value and 0 elsewhere: a mean.

    Attributes
    ----------
    numerator, denominator : (ids, cells) float64.
    outputs : the (query language, passage language) of each row of the tables; `*` is an average.
    members : (cells, outputs) bool: the cells that an output averages, all counting the same.
    """

    task: TaskName
    setting: Setting
    metric: str
    numerator: Array
    denominator: Array
    outputs: tuple[Pair, ...]
    members: Array

    @property
    def n(self) -> Array:
        """Query ids behind each output, (outputs,)."""
        return ((self.denominator > 0) @ self.members > 0).sum(axis=0)


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
    cells: CellRanks
    best: Best

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
    answers = task.name == "answer-retrieval"
    query_side = prepare(queries.vectors, "query", queries.similarity)
    if answers or np.any(np.diff(order) < 0):
        vectors = passages.vectors if np.all(np.diff(order) > 0) else passages.vectors[order]
        passage_side = prepare(vectors, "passage", queries.similarity)
    else:
        passage_side = prepare(queries.vectors, "passage", queries.similarity)
    with reporter.bar(f"ranking, {task.name}", len(task.queries)) as advance:
        cells, best = rank_cells(
            query_side,
            passage_side,
            task.qrels.queries,
            place[task.qrels.passages],
            starts,
            cutoffs=_share_cutoffs() if answers else (),
            all_pools=answers,
            advance=advance,
        )
    best = Best(np.where(best.columns < 0, -1, order[best.columns]), best.scores, best.shares)
    return TaskRanks(
        task,
        languages,
        ids,
        _codes(task.queries.frame["parallel_id"], ids),
        _codes(task.queries.frame["language"], languages),
        passage_language[task.qrels.passages],
        np.diff(starts),
        cells,
        best,
    )


def _codes(labels: pd.Series, categories: tuple[str, ...]) -> Array:
    return pd.Index(categories).get_indexer(labels).astype(np.int64)


def _share_cutoffs() -> tuple[int, ...]:
    return tuple(
        sorted({k for _, card in METRICS.items() if card.needs == "shares" for k in card.cutoffs})
    )


def _variants(task: TaskName, setting: Setting, needs: Needs) -> Iterator[tuple[Metric, str, object]]:
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


def _measure_own_pools(ranks: TaskRanks) -> list[Measured]:
    """Measure in the monolingual and cross-lingual settings, which share their searches."""
    searched, rows, pools = ranks.own_pools
    languages = ranks.languages
    asked = ranks.language_of_query[rows]
    setting_of = {"monolingual": asked == pools, "cross-lingual": asked != pools}
    ids = ranks.id_of_query[rows]
    cell = asked * len(languages) + pools
    values: dict[str, Array] = {}
    found: list[Measured] = []
    for setting in ("monolingual", "cross-lingual"):
        pairs = [(a, b) for a in range(len(languages)) for b in range(len(languages))
                 if (a == b) == (setting == "monolingual")]  # fmt: skip
        columns = np.full(len(languages) ** 2, -1)
        columns[[a * len(languages) + b for a, b in pairs]] = np.arange(len(pairs))
        here = setting_of[setting]
        outputs, members = _pair_outputs(pairs, languages, by_language=setting == "cross-lingual")
        for _, name, function in _variants(ranks.task.name, setting, "ranks"):
            if name not in values:
                values[name] = function(searched)
            numerator, denominator = _scatter(
                ids[here], columns[cell[here]], values[name][here], len(ranks.ids), len(pairs)
            )
            found.append(
                Measured(ranks.task.name, setting, name, numerator, denominator, outputs, members)
            )
    return found


def _measure_multilingual(ranks: TaskRanks) -> list[Measured]:
    searched, rows, _ = ranks.all_pools
    asked, ids = ranks.language_of_query[rows], ranks.id_of_query[rows]
    languages = [language for language in ranks.languages if language in ranks.task.queries.languages]
    asked = _codes(pd.Series(ranks.languages), tuple(languages))[asked]
    outputs = (*((a, AVERAGE) for a in languages), (AVERAGE, AVERAGE))
    members = np.column_stack([np.eye(len(languages), dtype=bool), np.ones(len(languages), bool)])
    found = []
    for _, name, function in _variants(ranks.task.name, "multilingual", "ranks"):
        cells = _scatter(ids, asked, function(searched), len(ranks.ids), len(languages))
        found.append(Measured(ranks.task.name, "multilingual", name, *cells, outputs, members))
    return found


def _measure_preference(ranks: TaskRanks) -> list[Measured]:
    searched, _, order = ranks.all_pools
    languages = ranks.languages
    rows = ranks.task.qrels.queries[order]
    pairs = [(a, b) for a in range(len(languages)) for b in range(len(languages))]
    cell = ranks.language_of_query[rows] * len(languages) + ranks.language_of_cell[order]
    outputs, members = _pair_outputs(pairs, languages, by_language=True)
    found = []
    for _, name, function in _variants(ranks.task.name, "multilingual", "relevant"):
        cells = _scatter(
            ranks.id_of_query[rows], cell, function(searched), len(ranks.ids), len(pairs)
        )
        found.append(Measured(ranks.task.name, "multilingual", name, *cells, outputs, members))
    return found


def _measure_shares(ranks: TaskRanks) -> list[Measured]:
    searched, rows, order = ranks.all_pools
    languages = ranks.languages
    n = len(languages)
    relevant = np.zeros((len(rows), n))
    np.add.at(relevant, (searched.search, ranks.language_of_cell[order]), 1.0)
    relevant /= relevant.sum(axis=1, keepdims=True)
    observed = {k: ranks.best.shares[rows, i] for i, k in enumerate(_share_cutoffs())}
    ids = np.repeat(ranks.id_of_query[rows], n)
    cell = (ranks.language_of_query[rows][:, None] * n + np.arange(n)).ravel()
    pairs = [(a, b) for a in range(n) for b in range(n)]
    outputs, members = _pair_outputs(pairs, languages, by_language=False)
    own = np.array([a == b for a, b in pairs])
    by_language = [(languages[a], AVERAGE) for a in range(n)] + [(AVERAGE, AVERAGE)]
    found = []
    for card, name, function in _variants(ranks.task.name, "multilingual", "shares"):
        above, below = function(LanguageShares(observed, relevant))
        numerator, _ = _scatter(ids, cell, above.ravel(), len(ranks.ids), n * n)
        denominator, _ = _scatter(ids, cell, below.ravel(), len(ranks.ids), n * n)
        rows_of, means = outputs[: len(pairs)], members[:, : len(pairs)]
        if card.higher_is_better is not None:  # a language's own figure is that of its own language
            rows_of = (*rows_of, *by_language)
            means = np.column_stack([means, np.diag(own)[:, own], own])
        found.append(
            Measured(ranks.task.name, "multilingual", name, numerator, denominator, rows_of, means)
        )
    return found


def _measure_vectors(queries: Embeddings, ids: tuple[str, ...]) -> list[Measured]:
    languages = tuple(queries.texts.languages)
    parallel = parallel_vectors(queries, ids)
    pairs = [(a, b) for a in range(len(languages)) for b in range(len(languages)) if a != b]
    first, second = (np.array(side, int) for side in zip(*pairs, strict=True)) if pairs else ([], [])
    outputs, members = _pair_outputs(pairs, languages, by_language=True)
    found = []
    for _, name, function in _variants("question-alignment", "cross-lingual", "vectors"):
        values = function(parallel)[:, first, second]
        defined = ~np.isnan(values)
        found.append(
            Measured(
                "question-alignment", "cross-lingual", name, np.where(defined, values, 0.0),
                defined.astype(float), outputs, members,
            )  # fmt: skip
        )
    return found


def parallel_vectors(queries: Embeddings, ids: tuple[str, ...]) -> ParallelVectors:
    """Arrange unit vectors of queries by parallel id and language (alphabetical)."""
    languages = tuple(queries.texts.languages)
    id_codes = _codes(queries.texts.frame["parallel_id"], ids)
    language_codes = _codes(queries.texts.frame["language"], languages)
    unit = queries.vectors.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    vectors = np.zeros((len(ids), len(languages), unit.shape[1]))
    present = np.zeros((len(ids), len(languages)), bool)
    vectors[id_codes, language_codes] = unit
    present[id_codes, language_codes] = True
    return ParallelVectors(vectors, present)


def _scatter(ids: Array, cells: Array, values: Array, n_ids: int, n_cells: int) -> tuple[Array, Array]:
    """Sum values into (ids, cells), and count them; NaN are left out."""
    defined = ~np.isnan(values)
    where = (ids * n_cells + cells)[defined]
    total = np.bincount(where, values[defined], n_ids * n_cells).reshape(n_ids, n_cells)
    count = np.bincount(where, minlength=n_ids * n_cells).reshape(n_ids, n_cells).astype(float)
    return total, count


def _pair_outputs(
    pairs: list[tuple[int, int]], languages: tuple[str, ...], *, by_language: bool
) -> tuple[tuple[Pair, ...], Array]:
    """Rows of the tables for pairs, for the mean of each query language, and for the mean of all."""
    outputs = [(languages[a], languages[b]) for a, b in pairs]
    members = [np.eye(len(pairs), dtype=bool)]
    asked = np.array([a for a, _ in pairs], int)
    if by_language:
        for a, language in enumerate(languages):
            outputs.append((language, AVERAGE))
            members.append((asked == a)[:, None])
    outputs.append((AVERAGE, AVERAGE))
    members.append(np.ones((len(pairs), 1), bool))
    return tuple(outputs), np.hstack(members)

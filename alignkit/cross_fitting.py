"""Repairs, fitted on some questions and measured on others.

The questions are dealt into five folds. For each, the repair learns from the questions of the other
four, with all their translations and answers, and is applied to this fold's queries and to all
passages; ranks of all folds together are measured as those of one checkpoint.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np

from alignkit.errors import AlignkitError
from alignkit.kernels.ranking import Best, CellRanks
from alignkit.measures import Measures, measure_ranks
from alignkit.outputs import Groups
from alignkit.progress import SILENT, Reporter
from alignkit.ranks import TaskRanks, codes, rank_task
from alignkit.repairs import Apply, Learned, parse_repair
from alignkit.sources import Fitted
from alignkit.tables import Dataset, Embeddings, Qrels, RetrievalTask, Texts

Array = np.ndarray
FOLDS = 5


def measure_repaired(
    dataset: Dataset,
    queries: Embeddings,
    passages: Embeddings,
    repair: str,
    *,
    groups: Groups | None = None,
    only: Collection[str] | None = None,
    reporter: Reporter = SILENT,
) -> Measures:
    """Measure what a checkpoint would show after `repair`, cross-fitted; see `measure`.

    Raises
    ------
    AlignkitError
        When there is no such repair, or there are too few questions to learn from.
    """
    ids = tuple(sorted(dataset.queries.frame["parallel_id"].unique()))
    if len(ids) < 2 * FOLDS:
        raise AlignkitError(
            f"{dataset.name} has {len(ids)} questions, too few to learn a repair from some and "
            f"measure it on others; give {2 * FOLDS} or more, or leave --what-if out"
        )
    folds = _folds(dataset, queries, passages, ids, repair)
    fold_of_query = folds[0].of_query
    ranks = [
        _merged([_rank_fold(task, fold, ids, reporter) for fold in folds], task, fold_of_query)
        for task in dataset.tasks
    ]
    assembled = np.empty_like(queries.vectors, np.float32)
    for number, fold in enumerate(folds):
        own = fold_of_query == number
        assembled[own] = fold.fitted.queries.vectors[own]
    return measure_ranks(
        dataset.name, ids, ranks, Embeddings(queries.texts, assembled),
        [fold.fitted for fold in folds], groups=groups or {}, only=only,
    )  # fmt: skip


@dataclass(frozen=True)
class _Fold:
    """All vectors after the repair that was not fitted on this fold."""

    number: int
    of_query: Array  # fold of each query, (queries,)
    fitted: Fitted


def _folds(
    dataset: Dataset, queries: Embeddings, passages: Embeddings, ids: tuple[str, ...], repair: str
) -> list[_Fold]:
    card, argument = parse_repair(repair)
    languages = tuple(sorted({*queries.texts.languages, *passages.texts.languages}))
    learned = _texts_to_learn_from(dataset, queries, passages, ids, languages)
    number = codes(queries.texts.frame["parallel_id"], ids)
    found: list[_Fold] = []
    for fold in range(FOLDS):
        others = learned.meaning % FOLDS != fold
        rest = replace(
            learned, vectors=learned.vectors[others], languages=learned.languages[others],
            meaning=learned.meaning[others],
        )  # fmt: skip
        apply = card.fit(rest, argument)
        own = np.arange(len(ids)) % FOLDS == fold
        asks, answers = (_repaired(side, apply, languages) for side in (queries, passages))
        found.append(_Fold(fold, number % FOLDS, Fitted(asks, answers, own)))
    return found


def _texts_to_learn_from(
    dataset: Dataset,
    queries: Embeddings,
    passages: Embeddings,
    ids: tuple[str, ...],
    languages: tuple[str, ...],
) -> Learned:
    """Take every query and, of the passages, those that answer one in their own language.

    Queries and passages of an id have different meanings, id and id + number of ids, so that a
    passage is never taken for a query's translation.
    """
    asked = codes(queries.texts.frame["parallel_id"], ids)
    query_language = codes(queries.texts.frame["language"], languages)
    rows = queries.texts.frame["id"].to_numpy()
    place = {key: i for i, key in enumerate(rows.tolist())}
    answers = {key: i for i, key in enumerate(passages.texts.frame["id"].tolist())}
    asker = [place[key] for key in dataset.qrels["query_id"]]
    answer = [answers[key] for key in dataset.qrels["passage_id"]]
    n = -(-len(ids) // FOLDS) * FOLDS  # keeps a passage in the fold of its question
    passage_language = codes(passages.texts.frame["language"], languages)
    return Learned(
        np.concatenate([_unit(queries.vectors), _unit(passages.vectors[answer])]),
        np.concatenate([query_language, passage_language[answer]]),
        np.concatenate([asked, asked[asker] + n]),
        len(languages),
        languages.index("en") if "en" in languages else 0,
    )


def _unit(vectors: Array) -> Array:
    vectors = vectors.astype(np.float64)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _repaired(side: Embeddings, apply: Apply, languages: tuple[str, ...]) -> Embeddings:
    """Repair unit vectors; what is left is compared by cosine."""
    own = codes(side.texts.frame["language"], languages)
    vectors = apply(_unit(side.vectors), own).astype(np.float32)
    # What a repair makes nothing of has no direction: it ranks as a text without meaning would.
    vectors[~vectors.any(axis=1), 0] = np.finfo(np.float32).tiny
    return Embeddings(side.texts, vectors)


def _rank_fold(
    task: RetrievalTask, fold: _Fold, ids: tuple[str, ...], reporter: Reporter
) -> TaskRanks:
    """Rank the answers to one fold's queries among all passages."""
    rows = np.flatnonzero(fold.of_query == fold.number)
    own = np.isin(task.qrels.queries, rows)
    part = RetrievalTask(
        task.name,
        Texts(task.queries.frame.iloc[rows].reset_index(drop=True)),
        task.passages,
        Qrels(
            np.searchsorted(rows, task.qrels.queries[own]),
            task.qrels.passages[own],
            task.qrels.relevance[own],
        ),
    )
    asked = fold.fitted.queries
    asks = Embeddings(part.queries, asked.vectors[rows])
    pool = fold.fitted.passages if task.name == "answer-retrieval" else asked
    return rank_task(part, asks, pool, ids, reporter=reporter)


def _merged(parts: list[TaskRanks], task: RetrievalTask, fold_of_query: Array) -> TaskRanks:
    """Put the ranks of all folds in the order of the task's cells and queries."""
    order = np.argsort(fold_of_query[task.qrels.queries], kind="stable")

    def in_order(values: Iterator[Array], order: Array) -> Array:
        joined = np.concatenate(list(values))
        placed = np.empty_like(joined)
        placed[order] = joined
        return placed

    cells = CellRanks(
        in_order((part.cells.pool for part in parts), order),
        in_order((part.cells.overall for part in parts), order),
        in_order((part.cells.score for part in parts), order),
        sum(part.cells.settled for part in parts),
    )
    best = None
    if task.name == "answer-retrieval":
        of_query = np.argsort(fold_of_query, kind="stable")
        bests = [part.best for part in parts if part.best is not None]
        best = Best(
            in_order((one.columns for one in bests), of_query),
            in_order((one.scores for one in bests), of_query),
            in_order((one.shares for one in bests), of_query),
        )
    first = parts[0]
    return TaskRanks(
        task,
        first.languages,
        first.ids,
        codes(task.queries.frame["parallel_id"], first.ids),
        codes(task.queries.frame["language"], first.languages),
        in_order((part.language_of_cell for part in parts), order),
        first.pool_sizes,
        cells,
        best,
    )

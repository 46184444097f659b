"""Embeddings → ranks: the one intermediate result that retrieval, bias and statistics rest on.

The setting is a column, not a code path: a query's ranks in its own language's pool are the
monolingual setting, those in another language's the cross-lingual, those among all passages the
multilingual one. One pass over the scores gives all three.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from alignkit import kept
from alignkit.checkpoints import ranking_device
from alignkit.kernels.ranking import Best, CellRanks, Side, prepare, rank_cells
from alignkit.kernels.translation import rank_translations
from alignkit.metrics import METRICS, RelevantRanks
from alignkit.progress import SILENT, Advance, Reporter
from alignkit.tables import Embeddings, Qrels, RetrievalTask

if TYPE_CHECKING:  # numba takes a fifth of a second
    from alignkit.kernels.merging import Spread

Array = np.ndarray
SETTINGS = ["monolingual", "cross-lingual", "multilingual"]


@dataclass(frozen=True)
class Searches:
    """Queries, each in a pool: the ranks of the relevant passages and where they come from.

    `queries` and `pools` are the query row and the pool's language (-1 for all) of each search,
    `order` the cell of the task that each rank belongs to.
    """

    ranks: RelevantRanks
    queries: Array
    pools: Array
    order: Array


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
    def own_pools(self) -> "Searches":
        """Every query in the pool of each language that holds a relevant passage."""
        rows, pools = self.task.qrels.queries, self.language_of_cell
        order, searches, search = _searches(rows * len(self.languages) + pools, self.cells.pool)
        ranks = RelevantRanks(
            search,
            self.cells.pool[order],
            len(searches),
            self.task.qrels.relevance[order],
            pool=self.pool_sizes[searches % len(self.languages)],
            unfindable=self._unfindable(searches, len(self.languages), self.language_of_query),
        )
        return Searches(
            ranks, searches // len(self.languages), searches % len(self.languages), order
        )

    @cached_property
    def all_pools(self) -> "Searches":
        """Every query among all passages."""
        rows = self.task.qrels.queries
        order, searches, search = _searches(rows, self.cells.overall)
        ranks = RelevantRanks(
            search,
            self.cells.overall[order],
            len(searches),
            self.task.qrels.relevance[order],
            (self.language_of_cell == self.language_of_query[rows])[order],
            self.language_of_cell[order],
            np.full(len(searches), self.pool_sizes.sum()),
            self._unfindable(searches, 1, np.zeros_like(self.language_of_query)),
        )
        return Searches(ranks, searches, np.full(len(searches), -1), order)

    def _unfindable(self, searches: Array, n_pools: int, pool_of_query: Array) -> Array | None:
        """Search and relevance of the answers that no pool holds, (2, m); None without any.

        `searches` are sorted numbers query × pools + pool. A query of which no answer is to be
        found is no search: it counts nowhere, and `n` says so.
        """
        rows, relevance = self.task.qrels.unfindable
        if not len(rows):
            return None
        wanted = rows * n_pools + pool_of_query[rows]
        place = np.minimum(np.searchsorted(searches, wanted), len(searches) - 1)
        known = searches[place] == wanted
        return np.stack([place[known], relevance[known]])


def _searches(search: Array, rank: Array) -> tuple[Array, Array, Array]:
    """Sort cells by search, then rank: the order, the searches, and the number of each cell's."""
    order = np.argsort(search * (rank.max(initial=0) + 1) + rank, kind="stable")
    ordered = search[order]
    first = np.diff(ordered, prepend=-1) > 0
    return order, ordered[first], np.cumsum(first) - 1


def rank_task(
    task: RetrievalTask,
    queries: Embeddings,
    passages: Embeddings,
    ids: tuple[str, ...],
    *,
    keep: bool = False,
    device: str = "cpu",
    spread: "Spread | None" = None,
    reporter: Reporter = SILENT,
) -> TaskRanks:
    """Rank every relevant passage exactly, in one pass over blocks of scores.

    With `keep` the ranks are taken from the cache, or put there. `device`, as after `--device`,
    may make the products of a large pool. With `spread` passages are ranked in parts, wherever it
    has that done. The ranks are always the same.
    """
    languages = tuple(sorted({*task.queries.languages, *task.passages.languages}))
    passage_language = codes(task.passages.frame["language"], languages)
    order = np.argsort(passage_language, kind="stable")  # pools are runs of passages
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    starts = np.searchsorted(passage_language[order], np.arange(len(languages) + 1))
    in_order = bool(np.all(order[:-1] < order[1:]))
    pools = passages.vectors if in_order else passages.vectors[order]
    cell_language = passage_language[task.qrels.passages]

    cutoffs = share_cutoffs() if task.name == "answer-retrieval" else ()

    def rank() -> tuple[CellRanks, Best | None]:
        if spread is not None and task.name == "answer-retrieval":
            from alignkit.kernels.merging import rank_in_parts

            cells, best = rank_in_parts(
                queries.vectors, pools, task.qrels.queries, place[task.qrels.passages], starts,
                similarity=queries.similarity, cutoffs=cutoffs, spread=spread,
            )  # fmt: skip
            return cells, _as_given(best, order)
        side = prepare(pools, "passage", queries.similarity)
        if queries is passages and queries.similarity != "euclidean":  # scores are symmetric
            with reporter.bar(f"ranking, {task.name}", len(order) ** 2 // 2) as advance:
                return _rank_translations(
                    task.qrels, side, starts, place, cell_language, advance
                ), None
        query_side = prepare(queries.vectors, "query", queries.similarity)
        with reporter.bar(f"ranking, {task.name}", len(task.queries)) as advance:
            cells, best = rank_cells(
                query_side, side, task.qrels.queries, place[task.qrels.passages], starts,
                cutoffs=cutoffs, device=ranking_device(device, len(task.queries) * len(order)),
                advance=advance,
            )  # fmt: skip
        if task.name == "question-alignment":
            return cells, None
        return cells, _as_given(best, order)

    if not keep:
        return ranks_of(task, ids, *rank())
    key = kept.key_of(
        task.name, queries.similarity, share_cutoffs(), queries.digest, passages.digest,
        passage_language, task.qrels.queries, task.qrels.passages,
    )  # fmt: skip
    arrays = kept.take("ranks", key)
    if arrays is None:
        arrays = _packed(*rank())
        kept.keep("ranks", key, arrays)
    return ranks_of(task, ids, *_unpacked(arrays))


def _packed(cells: CellRanks, best: Best | None) -> dict[str, Array]:
    parts = {"cells": vars(cells), "best": vars(best) if best else {}}
    return {
        f"{part}.{name}": np.asarray(value)
        for part, fields in parts.items()
        for name, value in fields.items()
    }


def _unpacked(arrays: dict[str, Array]) -> tuple[CellRanks, Best | None]:
    cells, best = (
        {name.removeprefix(part): value for name, value in arrays.items() if name.startswith(part)}
        for part in ("cells.", "best.")
    )
    settled = int(cells.pop("settled"))
    return CellRanks(**cells, settled=settled), Best(**best) if best else None


def _as_given(best: Best, order: Array) -> Best:
    """Give passages the numbers that the task has for them."""
    columns = np.where(best.columns < 0, -1, order[best.columns])
    return Best(columns, best.scores, best.shares)


def ranks_of(
    task: RetrievalTask, ids: tuple[str, ...], cells: CellRanks, best: Best | None
) -> TaskRanks:
    """Put ranks of a task's relevant cells beside what the texts say."""
    languages = tuple(sorted({*task.queries.languages, *task.passages.languages}))
    passage_language = codes(task.passages.frame["language"], languages)
    return TaskRanks(
        task,
        languages,
        ids,
        codes(task.queries.frame["parallel_id"], ids),
        codes(task.queries.frame["language"], languages),
        passage_language[task.qrels.passages],
        np.bincount(passage_language, minlength=len(languages)),
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


def ranks_table(tasks: list[TaskRanks]) -> pd.DataFrame:
    """One row a relevant passage of a query in a setting, for all tasks of a dataset.

    Columns: `task, setting, query_language, passage_language, query, parallel_id, passage, rank,
    score, average_precision`; those of text are categorical.
    """
    languages = sorted({language for task in tasks for language in task.languages})
    passages = pd.Index([])
    for task in tasks:
        passages = passages.union(task.task.passages.frame["id"], sort=False)
    queries = pd.Index(tasks[0].task.queries.frame["id"])
    blocks = [
        block
        for i, task in enumerate(tasks)
        for block in _rank_blocks(task, i, languages, passages)
    ]
    stacked = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    names = {
        "task": pd.Index([task.task.name for task in tasks]), "setting": pd.Index(SETTINGS),
        "query_language": pd.Index(languages), "passage_language": pd.Index(languages),
        "query": queries, "parallel_id": pd.Index(tasks[0].ids), "passage": passages,
    }  # fmt: skip
    return pd.DataFrame(
        {
            name: pd.Categorical.from_codes(values, names[name]) if name in names else values
            for name, values in stacked.items()
        }
    )


def _rank_blocks(
    ranks: TaskRanks, position: int, languages: list[str], passages: pd.Index
) -> list[dict[str, Array]]:
    """Columns of one task: the language pools, then, if asked for, the multilingual pool."""
    rows = ranks.task.qrels.queries
    language_of = codes(pd.Series(ranks.languages), tuple(languages))
    asked, answered = (
        language_of[ranks.language_of_query[rows]],
        language_of[ranks.language_of_cell],
    )
    passage = passages.get_indexer(ranks.task.passages.frame["id"])[ranks.task.qrels.passages]
    precision = METRICS.get("map").function

    def block(searched: RelevantRanks, order: Array, setting: Array) -> dict[str, Array]:
        return {
            "task": np.full(len(order), position), "setting": setting,
            "query_language": asked[order], "passage_language": answered[order],
            "query": rows[order], "parallel_id": ranks.id_of_query[rows[order]],
            "passage": passage[order], "rank": searched.rank, "score": ranks.cells.score[order],
            "average_precision": precision(searched)[searched.search],
        }  # fmt: skip

    searched, order = ranks.own_pools.ranks, ranks.own_pools.order
    found = [block(searched, order, np.where(asked == answered, 0, 1)[order])]
    if ranks.task.name == "answer-retrieval":
        searched, order = ranks.all_pools.ranks, ranks.all_pools.order
        found.append(block(searched, order, np.full(len(order), 2)))
    return found


def codes(labels: pd.Series, categories: tuple[str, ...]) -> Array:
    """Position of each label among the categories, (n,) int64; -1 if it is none of them."""
    return pd.Index(categories).get_indexer(labels).astype(np.int64)


def share_cutoffs() -> tuple[int, ...]:
    """Every k at which a registered metric wants the languages of the k best passages."""
    return tuple(
        sorted({k for card in METRICS.values() if card.needs == "shares" for k in card.cutoffs})
    )

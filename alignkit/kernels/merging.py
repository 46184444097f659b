"""Exact ranks among passages that lie in parts: each part is ranked alone, and counts are added.

A rank is one more than the number of passages that score no less, and that number is the sum of
those of the parts. So parts can be ranked one after the other, or on several machines; the ranks,
the best passages and the shares of languages are those of `rank_cells` on the whole, bit for bit.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, no_type_check

import numpy as np
from jaxtyping import Int
from numba import njit

from alignkit.kernels.ranking import TIE, Best, CellRanks, prepare, rank_cells

Vectors = np.ndarray
Cells = Int[np.ndarray, " cells"]
PART = 65_536  # passages; a worker holds as many vectors twice


@dataclass(frozen=True)
class Part:
    """A run of passages of one pool; `start` is the column of the first."""

    pool: int
    start: int
    vectors: Vectors


@dataclass(frozen=True)
class Question:
    """What every part is asked; the same for all of them, so that it need be sent once.

    Cell i asks how many passages score no less with query rows[i] than anchors[cells[i]] does.
    """

    queries: Vectors
    similarity: str
    k: int
    rows: Cells
    cells: Cells
    anchors: Vectors


Ask = Callable[[Question, Part], Any]
# Asks a question of all parts, in any place, and gives the answers in the order of the parts.
Spread = Callable[[Ask, Question, Iterable[Part]], Iterator[Any]]


def one_by_one(ask: Ask, question: Question, parts: Iterable[Part]) -> Iterator[Any]:
    """Ask part after part here."""
    return (ask(question, part) for part in parts)


def rank_in_parts(
    queries: Vectors,
    passages: Vectors,
    rows: Cells,
    columns: Cells,
    pool_starts: Int[np.ndarray, " starts"],
    *,
    similarity: str = "cosine",
    cutoffs: tuple[int, ...] = (),
    part: int = PART,
    spread: Spread = one_by_one,
) -> tuple[CellRanks, Best]:
    """Rank as `rank_cells` does, from vectors (n, dim) float32, `part` passages at a time.

    Costs two products of queries and passages, for what is best must be known before it can be
    counted what ties with it. Only `CellRanks.settled` differs from that of the whole.
    """
    parts = list(_parts(passages, pool_starts, part))
    columns_of_best, scores_of_best, longest = _merge_best(
        spread(best_of_part, _question(queries, passages, similarity, cutoffs), parts),
        len(queries), max(cutoffs, default=0),
    )  # fmt: skip
    cuts = np.minimum(np.array(cutoffs, np.int64), len(passages))
    # The passage at each cut is asked about as a cell is: how many score no less tells what ties.
    all_rows = np.concatenate([rows, np.repeat(np.arange(len(queries)), len(cuts))])
    all_columns = np.concatenate([columns, columns_of_best[:, cuts - 1].ravel()])
    order = np.argsort(all_rows, kind="stable")
    anchors, anchor = np.unique(all_columns[order], return_inverse=True)
    question = Question(
        queries, similarity, 0, all_rows[order], anchor,
        # The longest passage is an anchor, since the width of a tie depends on it.
        np.concatenate([passages[anchors], longest[None]]),
    )  # fmt: skip
    counts = np.zeros((len(pool_starts) - 1, len(order)), np.int64)
    score, settled = np.empty(len(order)), 0
    for asked, found in zip(parts, spread(counts_of_part, question, parts), strict=True):
        counts[asked.pool, order] += found.overall
        score[order] = found.score
        settled += found.settled
    n = len(rows)
    own = np.searchsorted(pool_starts, columns, side="right") - 1
    cells = CellRanks(counts[own, np.arange(n)], counts[:, :n].sum(axis=0), score[:n], settled)
    shares = np.zeros((len(queries), len(cuts), len(counts)))
    pools_of_best = np.searchsorted(pool_starts, columns_of_best, side="right") - 1
    _share_places(
        scores_of_best, pools_of_best, cuts, _ties(queries, longest, similarity),
        counts[:, n:].reshape(len(counts), len(queries), len(cuts)), shares,
    )  # fmt: skip
    return cells, Best(columns_of_best, scores_of_best, shares)


def _question(
    queries: Vectors, passages: Vectors, similarity: str, cutoffs: tuple[int, ...]
) -> Question:
    """Ask for the best passages, and for nothing else."""
    nothing = np.empty(0, np.int64)
    return Question(queries, similarity, max(cutoffs, default=0), nothing, nothing, passages[:0])


def _ties(queries: Vectors, longest: np.ndarray, similarity: str) -> np.ndarray:
    """Difference under which two scores of a query are equal, (queries,)."""
    length = prepare(queries, "query", similarity).length
    return length * prepare(longest[None], "passage", similarity).longest * TIE


def best_of_part(question: Question, part: Part) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns and scores of the k best of a part, (queries, k), and the longest of its vectors."""
    side = prepare(part.vectors, "passage", question.similarity)
    longest = part.vectors[int(side.length.argmax())]
    if not question.k:
        empty = np.empty((len(question.queries), 0))
        return empty.astype(np.int64), empty, np.asarray(longest)
    _, best = rank_cells(
        prepare(question.queries, "query", question.similarity), side, question.rows,
        question.cells, np.array([0, len(part.vectors)]), cutoffs=(question.k,),
    )  # fmt: skip
    columns = np.where(best.columns < 0, -1, best.columns + part.start)
    return columns, best.scores, np.asarray(longest)


def counts_of_part(question: Question, part: Part) -> CellRanks:
    """How many passages of a part score no less than each cell: `overall`, (cells,).

    The cells' own passages come along as a pool of their own, whose members are then taken off.
    """
    n = len(part.vectors)
    found, _ = rank_cells(
        prepare(question.queries, "query", question.similarity),
        prepare(np.concatenate([part.vectors, question.anchors]), "passage", question.similarity),
        question.rows, n + question.cells, np.array([0, n, n + len(question.anchors)]),
    )  # fmt: skip
    return replace(found, overall=found.overall - found.pool)


def _parts(passages: Vectors, pool_starts: Int[np.ndarray, " starts"], size: int) -> Iterator[Part]:
    for pool in range(len(pool_starts) - 1):
        stop = int(pool_starts[pool + 1])
        for start in range(int(pool_starts[pool]), stop, size):
            yield Part(pool, start, passages[start : min(start + size, stop)])


def _merge_best(
    found: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]], n_queries: int, k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns and scores of the k best of all parts, ties by column, and the longest vector."""
    columns = np.full((n_queries, k), -1, np.int64)
    scores = np.full((n_queries, k), -np.inf)
    candidates: list[np.ndarray] = []
    for of_part, of_scores, longest in found:
        candidates.append(longest)
        columns = np.concatenate([columns, of_part], axis=1)
        scores = np.concatenate([scores, of_scores], axis=1)
        order = np.lexsort((columns, -scores), axis=-1)[:, :k]
        columns = np.take_along_axis(columns, order, axis=1)
        scores = np.take_along_axis(scores, order, axis=1)
    lengths = prepare(np.stack(candidates), "passage", "dot").length
    return columns, scores, candidates[int(lengths.argmax())]


@no_type_check
@njit(nogil=True, cache=True)
def _share_places(scores, pools, cuts, tie, counts, shares) -> None:
    """Write the share of each pool among the k best; those that tie at the cut share its places.

    counts[p, i, t] passages of pool p score no less than the one at query i's cut t. One addition
    a passage: the sums have the bits of those that `rank_cells` makes.
    """
    n_pools = counts.shape[0]
    for i in range(scores.shape[0]):
        for t in range(cuts.shape[0]):
            cut = cuts[t]
            edge = scores[i, cut - 1]
            above = 0
            while above < cut and scores[i, above] > edge + tie[i]:
                shares[i, t, pools[i, above]] += 1.0 / cut
                above += 1
            level = counts[:, i, t].sum()
            for p in range(n_pools):
                n_level = counts[p, i, t]
                for a in range(above):
                    n_level -= pools[i, a] == p
                for _ in range(n_level):
                    shares[i, t, p] += (cut - above) / (level - above) / cut

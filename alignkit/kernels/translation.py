"""Exact ranks of translations among the texts of their language, from half of the score matrix.

The score of two texts is the same in both directions, so one tile of language a × language b
ranks a's translations in b along its rows and b's translations in a along its columns.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock, local
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int
from numba import njit
from threadpoolctl import threadpool_limits

from alignkit.kernels.ranking import (
    COLUMNS,
    ROWS,
    Side,
    count_two,
    cpus,
    decision_bounds,
    new_memo,
    score_cells,
    score_once,
)


@dataclass(frozen=True)
class TranslationRanks:
    """Rank, from 1 and ties against, and float64 score of every text's translation.

    `rank` and `score` are (texts, languages); rank is 0 and score NaN where there is none.
    """

    rank: Int[np.ndarray, "texts languages"]
    score: Float[np.ndarray, "texts languages"]
    settled: int


def rank_translations(
    texts: Side,
    starts: Int[np.ndarray, " starts"],
    partner: Int[np.ndarray, "texts languages"],
    *,
    advance: Callable[[int], object] | None = None,
) -> TranslationRanks:
    """Rank each text's translation in language b among all texts of b, for every b.

    Language l has the rows starts[l] to starts[l + 1]; `partner[i, b]` is the row of i's
    translation in b, -1 where there is none. Scores must be symmetric: "cosine" or "dot".
    Memory: one tile of 512 × 2048 scores a thread beside the result.
    """
    n_languages = len(starts) - 1
    rows, languages = np.nonzero(partner >= 0)
    exact = (texts.vectors, texts.scale, texts.vectors, texts.scale, texts.offset)
    score = np.full(partner.shape, np.nan)
    flat = np.empty(len(rows))
    score_cells(rows, partner[rows, languages], flat, *exact)
    score[rows, languages] = flat
    bounds = decision_bounds(score, texts.length[:, None], texts)
    rank = np.zeros(partner.shape, np.int64)
    lock, room = Lock(), local()

    def tile(a: int, b: int, row: int, column: int) -> int:
        last_row = min(row + ROWS, starts[a + 1])
        last_column = min(column + COLUMNS, starts[b + 1])
        scores = room.tile[: last_row - row, : last_column - column]
        np.matmul(texts.fast[row:last_row], texts.fast[column:last_column].T, out=scores)
        along_rows, along_columns = (
            np.zeros(scores.shape[0], np.int64),
            np.zeros(scores.shape[1], np.int64),
        )
        least, low, high = (np.ascontiguousarray(bound[row:last_row, b]) for bound in bounds)
        settled = _rank_rows(scores, row, column, least, low, high, along_rows, *room.memo, *exact)
        room.memo[-1].fill(-1)  # what the rows asked is no answer for the columns
        least, low, high = (np.ascontiguousarray(bound[column:last_column, a]) for bound in bounds)
        memo = (texts.same, *new_memo(len(texts.fast)))
        settled += _rank_columns(
            scores, row, column, least, low, high, along_columns, *memo, *exact
        )
        with lock:
            rank[row:last_row, b] += along_rows
            rank[column:last_column, a] += along_columns
        if advance is not None:
            advance(scores.size)
        return settled

    def tiles() -> Iterator[tuple[int, int, int, int]]:
        for a in range(n_languages):
            for b in range(a + 1, n_languages):
                for row in range(starts[a], starts[a + 1], ROWS):
                    for column in range(starts[b], starts[b + 1], COLUMNS):
                        yield a, b, row, column

    def furnish() -> None:  # once a thread: fresh pages for every tile took a third of the time
        room.tile = np.empty((ROWS, COLUMNS), np.float32)
        room.memo = (texts.same, *new_memo(len(texts.fast)))

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(cpus(), initializer=furnish) as pool:
        settled = sum(pool.map(lambda place: tile(*place), tiles()))
    rank[partner < 0] = 0
    return TranslationRanks(rank, score, settled)


@no_type_check
@njit(nogil=True, cache=True)
def _rank_rows(
    tile, first_row, first_column, least, low, high, rank,
    same, known, whose, q, q_scale, p, p_scale, p_offset,
):  # fmt: skip
    settled = 0
    for i in range(tile.shape[0]):
        if np.isnan(least[i]):
            continue
        maybe, sure = count_two(tile[i], low[i], high[i])
        rank[i] = sure
        if maybe == sure:
            continue
        settled += maybe - sure
        row = first_row + i
        for j in range(tile.shape[1]):
            if low[i] <= tile[i, j] < high[i]:
                c = first_column + j
                score = score_once(row, c, same, known, whose, q, q_scale, p, p_scale, p_offset)
                rank[i] += score >= least[i]
    return settled


@no_type_check
@njit(nogil=True, cache=True)
def _rank_columns(
    tile, first_row, first_column, least, low, high, rank,
    same, known, whose, q, q_scale, p, p_scale, p_offset,
):  # fmt: skip
    settled = 0
    maybe, sure = np.zeros(tile.shape[1], np.float32), np.zeros(tile.shape[1], np.float32)
    one, zero = np.float32(1), np.float32(0)  # as in count_two
    for i in range(tile.shape[0]):
        for j in range(tile.shape[1]):
            maybe[j] += one if tile[i, j] >= low[j] else zero
            sure[j] += one if tile[i, j] >= high[j] else zero
    for j in range(tile.shape[1]):
        rank[j] = np.int64(sure[j])
        if maybe[j] == sure[j]:
            continue
        settled += np.int64(maybe[j] - sure[j])
        c = first_column + j
        for i in range(tile.shape[0]):
            if low[j] <= tile[i, j] < high[j]:
                # Scores are symmetric: the column asks, the rows are what is asked.
                row = first_row + i
                score = score_once(c, row, same, known, whose, q, q_scale, p, p_scale, p_offset)
                rank[j] += score >= least[j]
    return settled

"""Exact ranks of translations among the texts of their language, from half of the score matrix.

The score of two texts is the same in both directions, so one tile of language a × language b
ranks a's translations in b along its rows and b's translations in a along its columns.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
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
    count_settled,
    count_two,
    cpus,
    decision_bounds,
    new_memo,
    score_cells,
    tile_of,
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
    rows, languages = np.nonzero(partner >= 0)
    exact = (texts.vectors, texts.scale, texts.vectors, texts.scale, texts.offset)
    score = np.full(partner.shape, np.nan)
    flat = np.empty(len(rows))
    score_cells(rows, partner[rows, languages], flat, *exact)
    score[rows, languages] = flat
    bounds = decision_bounds(score, texts.length[:, None], texts)
    rank = np.zeros(partner.shape, np.int64)
    lock, room = Lock(), local()

    def cells(texts_of: slice, language: int) -> list[np.ndarray]:
        return [part[texts_of, language].copy() for part in (partner, *bounds)]

    def tile(place: tuple[int, int, int, int]) -> int:
        a, b, row, column = place
        rows = slice(row, min(row + ROWS, int(starts[a + 1])))
        columns = slice(column, min(column + COLUMNS, int(starts[b + 1])))
        scores = tile_of(room.buffer, rows.stop - row, columns.stop - column)
        np.matmul(texts.fast[rows], texts.fast[columns].T, out=scores)
        settled = 0
        for rank_side, side, language in ((_rank_rows, rows, b), (_rank_columns, columns, a)):
            found = np.zeros(side.stop - side.start, np.int64)
            arguments = (*cells(side, language), found, texts.same, *room.memo, *exact)
            settled += rank_side(scores, row, column, *arguments)
            room.memo[-1].fill(-1)  # what a row asked is no answer for a column
            with lock:
                rank[side, language] += found
        if advance is not None:
            advance(scores.size)
        return settled

    def furnish() -> None:  # once a thread: fresh pages for every tile took a third of the time
        room.buffer = np.empty(ROWS * COLUMNS, np.float32)
        room.memo = new_memo(len(texts.fast))

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(cpus(), initializer=furnish) as pool:
        settled = sum(pool.map(tile, _tiles(starts)))
    rank[partner < 0] = 0
    return TranslationRanks(rank, score, settled)


def _tiles(starts: Int[np.ndarray, " starts"]) -> Iterator[tuple[int, int, int, int]]:
    """Go through pairs of languages a < b, and blocks of a's rows × b's rows."""
    edges: list[int] = starts.tolist()
    for a, b in combinations(range(len(edges) - 1), 2):
        for row in range(edges[a], edges[a + 1], ROWS):
            for column in range(edges[b], edges[b + 1], COLUMNS):
                yield a, b, row, column


@no_type_check
@njit(nogil=True, cache=True)
def _rank_rows(
    tile, first_row, first_column, asked, least, low, high, rank,
    same, known, whose, q, q_scale, p, p_scale, p_offset,
):  # fmt: skip
    settled = 0
    for i in range(tile.shape[0]):
        if asked[i] < 0:
            continue
        # The translation itself is always open, and needs no settling.
        is_here = first_column <= asked[i] < first_column + tile.shape[1]
        maybe, rank[i] = count_two(tile[i], low[i], high[i])
        if maybe == rank[i] + is_here:
            rank[i] += is_here
        else:
            rank[i], opened = count_settled(
                tile[i], least[i], low[i], high[i], first_row + i, first_column, asked[i],
                same, known, whose, q, q_scale, p, p_scale, p_offset,
            )  # fmt: skip
            settled += opened
    return settled


@no_type_check
@njit(nogil=True, cache=True)
def _rank_columns(
    tile, first_row, first_column, asked, least, low, high, rank,
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
        if asked[j] < 0:
            continue
        is_here = first_row <= asked[j] < first_row + tile.shape[0]
        rank[j] = np.int64(sure[j])
        if maybe[j] == sure[j] + is_here:
            rank[j] += is_here
        else:
            # Scores are symmetric: the column asks, the rows are what is asked.
            rank[j], opened = count_settled(
                tile[:, j].copy(), least[j], low[j], high[j], first_column + j, first_row, asked[j],
                same, known, whose, q, q_scale, p, p_scale, p_offset,
            )  # fmt: skip
            settled += opened
    return settled

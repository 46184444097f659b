"""Exact ranks of translations among the texts of their language, from half of the score matrix.

The score of two texts is the same in both directions, so one tile of language a × language b
ranks a's translations in b along its rows and b's translations in a along its columns.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from threading import Lock, local

import numpy as np
from jaxtyping import Float, Int
from threadpoolctl import threadpool_limits

from alignkit.kernels.ranking import (
    COLUMNS,
    ROWS,
    Side,
    cpus,
    decision_bounds,
    new_memo,
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
    Memory: one tile of 512 × 1024 scores a thread beside the result.
    """
    from alignkit.kernels.scanning import rank_columns, rank_rows, score_cells

    rows, languages = np.nonzero(partner >= 0)
    exact = (texts.bits, texts.scale, texts.bits, texts.scale, texts.offset)
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
        np.matmul(texts.tile(rows), texts.tile(columns).T, out=scores)
        settled = 0
        for rank_side, side, language in ((rank_rows, rows, b), (rank_columns, columns, a)):
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
        room.memo = new_memo(len(texts.vectors))

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

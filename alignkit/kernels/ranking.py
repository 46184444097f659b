"""Exact ranks of chosen cells of a score matrix that is never held whole.

Scores are those of the float64 products of the stored float32 vectors. A float32 product decides
every comparison that its proven error cannot change; the few cells inside the error bound are
scored again in float64. So ranks do not depend on block size, number of threads or BLAS.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, UInt16
from threadpoolctl import threadpool_limits

Matrix = Float[np.ndarray, "n dim"]
Numbers = Float[np.ndarray, " n"]
Cells = Int[np.ndarray, " cells"]
Starts = Int[np.ndarray, " starts"]

HELD = 1 << 28  # bytes of vectors that are scaled once and held; making tiles costs a tenth more
ROWS, COLUMNS = 512, 1024  # as fast as one whole product, and 2 MB of scores stay in the cache
# Scores closer than this, for vectors of length one, are equal: sums of some thousand float64
# products in two orders differ by about as much, and a tie counts against the relevant passage.
TIE = 1e-12
SPARE = 8  # candidates beyond the k best: those within the error of the k-th are among them
_UNIT_ROUNDOFF = 2.0**-24  # of float32
UNIT = 1e-6  # a length that differs by less from one is the rounding of float32


@dataclass(frozen=True)
class Side:
    """Vectors as stored (n, dim) float32 or float16, and what turns their products into scores.

    score(q, p) = (q · p) * q.scale * p.scale + p.offset, in float64. Rows of `tile` (n, width)
    float32 give the same by one plain product, up to rounding and a share `slack` of it; `length`
    is the norm of its rows. `whole` holds all of them where they are few; of a large pool, which
    may be a memory map, they are made when they are asked for, and no copy of it is ever held.
    """

    vectors: Matrix
    scale: Numbers
    offset: Numbers
    length: Numbers
    hashes: Cells  # equal for rows with the same bits, and as good as never for others
    slack: float = 0.0
    extra: Float[np.ndarray, " n"] | None = None  # one more dimension, for euclidean distance

    @cached_property
    def whole(self) -> Float[np.ndarray, "n wide"] | None:
        """All rows at once, if they are to be held."""
        return self._made(slice(None)) if self.vectors.nbytes <= HELD else None

    def tile(self, rows: slice) -> Float[np.ndarray, "rows wide"]:
        """Rows for a plain product."""
        return self._made(rows) if self.whole is None else self.whole[rows]

    def _made(self, rows: slice) -> Float[np.ndarray, "rows wide"]:
        from alignkit.kernels.scanning import scale_rows

        if self.slack and self.vectors.dtype == np.float32:
            return self.vectors[rows]
        scaled = np.empty(self.vectors[rows].shape, np.float32)
        scale_rows(self.bits[rows], self.scale[rows].astype(np.float32), scaled)
        if self.extra is None:
            return scaled
        return np.column_stack([scaled, self.extra[rows].astype(np.float32)])

    @property
    def bits(self) -> Float[np.ndarray, "n dim"] | UInt16[np.ndarray, "n dim"]:
        """The vectors as compiled code takes them: it knows no float16, but reads its bits."""
        return self.vectors.view(np.uint16) if self.vectors.dtype == np.float16 else self.vectors

    @property
    def width(self) -> int:
        """Length of a row."""
        return self.vectors.shape[1] + (self.extra is not None)

    @cached_property
    def same(self) -> Cells:
        """First row with the same vector, (n,): equal texts, or texts a tokenizer can't read.

        An English model gives most Thai sentences one vector: thousands of ties to settle, all
        with one product.
        """
        ordered = np.sort(self.hashes)  # a twentieth of the time and memory of what follows
        if not np.any(ordered[1:] == ordered[:-1]):
            return np.arange(len(self.hashes))
        _, first, group = np.unique(self.hashes, return_index=True, return_inverse=True)
        same = first[group]
        again = np.flatnonzero(same != np.arange(len(same)))
        equal = all(
            np.array_equal(self.vectors[same[rows]], self.vectors[rows])
            for rows in np.array_split(again, len(again) // COLUMNS + 1)
        )
        return same if equal else np.arange(len(same))  # a collision of hashes: do without

    @cached_property
    def longest(self) -> float:
        """Length of the longest row."""
        return float(self.length.max(initial=0.0))


def prepare(vectors: Matrix, role: Literal["query", "passage"], similarity: str = "cosine") -> Side:
    """Set (n, dim) float32 or float16 vectors up for scoring by "cosine", "dot" or "euclidean".

    Euclidean distance ranks as q · p - |p|²/2, which is a product with one more dimension.
    """
    kept_as = np.float16 if vectors.dtype == np.float16 else np.float32
    vectors = np.ascontiguousarray(vectors, dtype=kept_as)
    squares, hashes = _described(vectors)
    ones, zeros = np.ones_like(squares), np.zeros_like(squares)
    if similarity == "cosine":
        scale = 1.0 / np.sqrt(squares)
        # Vectors of length one, as many models give, are multiplied as they are.
        slack = float(np.abs(scale - 1).max(initial=0.0))
        slack = slack if role == "passage" and slack <= UNIT else 0.0
        return Side(vectors, scale, zeros, ones, hashes, slack)
    if similarity == "dot":
        return Side(vectors, ones, zeros, np.sqrt(squares), hashes)
    offset = -squares / 2 if role == "passage" else zeros
    last = offset if role == "passage" else ones
    return Side(vectors, ones, offset, np.sqrt(squares + last**2), hashes, extra=last)


def _described(vectors: Matrix) -> tuple[Numbers, Cells]:
    """Squared lengths and hashes of all rows, read once, by threads."""
    from alignkit.kernels.scanning import describe_rows

    n = len(vectors)
    squares, hashes = np.empty(n), np.empty(n, np.int64)
    bits = vectors.view(np.uint16) if vectors.dtype == np.float16 else vectors
    words = bits.view(f"u{vectors.itemsize}")
    odd = np.random.default_rng(0).integers(2**64, size=vectors.shape[1], dtype=np.uint64) | 1

    def one(start: int) -> None:
        rows = slice(start, min(start + COLUMNS, n))
        describe_rows(bits[rows], words[rows], odd, squares[rows], hashes[rows])

    with ThreadPoolExecutor(cpus()) as pool:
        list(pool.map(one, range(0, n, COLUMNS)))
    return squares, hashes


@dataclass(frozen=True)
class CellRanks:
    """Ranks from 1, ties against the cell, of every asked cell.

    Attributes
    ----------
    pool : rank among the passages of the cell's own pool, (cells,).
    overall : rank among all passages, (cells,).
    score : float64 score of the cell, (cells,).
    settled : how many comparisons float64 had to settle.
    """

    pool: Cells
    overall: Cells
    score: Float[np.ndarray, " cells"]
    settled: int


@dataclass(frozen=True)
class Best:
    """The k best passages of every query, best first, ties in the order of `columns`.

    Attributes
    ----------
    columns : passage rows, (queries, k); -1 where the pool is smaller than k.
    scores : their float64 scores, (queries, k).
    shares : expected share of each pool among the k best, (queries, cutoffs, pools). Passages that
        tie at the cut share the places left, so no share depends on the order of a file.
    """

    columns: Int[np.ndarray, "queries k"]
    scores: Float[np.ndarray, "queries k"]
    shares: Float[np.ndarray, "queries cutoffs pools"]


@dataclass(frozen=True)
class Asked:
    """What is to be ranked, and what follows from it; see `rank_cells`.

    `exact` is what compiled code makes float64 scores of; of each group of equal passages c,
    members[member_starts[c] : member_starts[c + 1]] are the rows.
    """

    queries: Side
    passages: Side
    rows: Cells
    columns: Cells
    pool_starts: Starts
    cutoffs: tuple[int, ...]

    def __post_init__(self) -> None:
        assert np.all(np.diff(self.rows) >= 0), "cells ascend by query"

    @property
    def n_best(self) -> int:
        """How many of the best passages of a query are asked for."""
        return max(self.cutoffs, default=0)

    @property
    def exact(self) -> tuple[np.ndarray, ...]:
        """Vectors and what scales their products, as compiled code takes them."""
        queries, passages = self.queries, self.passages
        return (queries.bits, queries.scale, passages.bits, passages.scale, passages.offset)

    @cached_property
    def cell_starts(self) -> Starts:
        """Where the cells of each query begin, (queries + 1,)."""
        return np.searchsorted(self.rows, np.arange(len(self.queries.vectors) + 1))

    @cached_property
    def cell_pools(self) -> Cells:
        """Pool of each cell, (cells,)."""
        return np.searchsorted(self.pool_starts, self.columns, side="right") - 1

    @cached_property
    def score(self) -> Float[np.ndarray, " cells"]:
        """Score of each cell, float64."""
        from alignkit.kernels.scanning import score_cells

        score = np.empty(len(self.rows))
        score_cells(self.rows, self.columns, score, *self.exact)
        return score

    @cached_property
    def members(self) -> Cells:
        """Passages sorted by the vector that they have."""
        return np.argsort(self.passages.same, kind="stable")

    @cached_property
    def member_starts(self) -> Starts:
        """Where the passages of each vector begin among `members`."""
        ordered = self.passages.same[self.members]
        return np.searchsorted(ordered, np.arange(len(ordered) + 1))

    @cached_property
    def floor(self) -> Float[np.ndarray, " queries"]:
        """Float32 score that each of a query's best passages is above, (queries,)."""
        n = len(self.queries.vectors)
        if not self.n_best:
            return np.full(n, -np.inf, np.float32)
        return _floors(self.rows, self.score, self.queries, self.passages, self.n_best)

    def no_best(self) -> Best:
        """Give the best passages while none is known."""
        n, k = len(self.queries.vectors), self.n_best
        shares = np.zeros((n, len(self.cutoffs), len(self.pool_starts) - 1))
        return Best(np.full((n, k), -1, np.int64), np.full((n, k), -np.inf), shares)


def rank_cells(
    queries: Side,
    passages: Side,
    rows: Cells,
    columns: Cells,
    pool_starts: Starts,
    *,
    cutoffs: tuple[int, ...] = (),
    threads: int | None = None,
    device: str = "cpu",
    advance: Callable[[int], object] | None = None,
) -> tuple[CellRanks, Best]:
    """Rank the cells (rows[i], columns[i]) within their pool and among all passages, in one pass.

    Pools are runs of passages: pool p has the columns pool_starts[p] to pool_starts[p + 1].
    `rows` ascends. With `cutoffs`, the max(cutoffs) best passages of every query are kept as well.
    `device` is where products are made, a name of torch's; all of them give the same result.
    `advance` is told after each block how many queries are done.

    Memory: one tile of 512 × 1024 scores a thread and a few numbers a cell, whatever the pool.
    """
    asked = Asked(queries, passages, rows, columns, pool_starts, cutoffs)
    if device != "cpu":
        from alignkit.kernels.device_ranking import rank_on_device

        return rank_on_device(asked, device, advance)
    # numba takes a fifth of a second, and a run on a warm cache ranks nothing.
    from alignkit.kernels.scanning import scan, settle_best

    n_queries, k = len(queries.vectors), asked.n_best
    pool_rank, overall = (np.zeros(len(rows), np.int64) for _ in range(2))
    best, score, floor, starts = asked.no_best(), asked.score, asked.floor, asked.cell_starts
    cells_of = (pool_starts, starts, columns, asked.cell_pools)
    same, exact = passages.same, asked.exact

    def block(first: int) -> int:
        last = min(first + ROWS, n_queries)
        cells = slice(starts[first], starts[last])
        bounds = decision_bounds(score[cells], queries.length[rows[cells]], passages)
        keep, memo = _Keep(floor[first:last], k), new_memo(len(passages.vectors))
        buffer = np.empty((last - first) * COLUMNS, np.float32)
        asks = queries.tile(slice(first, last))
        settled = 0
        for start in range(0, len(passages.vectors), COLUMNS):
            stop = min(start + COLUMNS, len(passages.vectors))
            scores = tile_of(buffer, last - first, stop - start)
            np.matmul(asks, passages.tile(slice(start, stop)).T, out=scores)
            settled += scan(
                scores, first, start, *cells_of, cells.start, *bounds, pool_rank, overall,
                keep.worst, keep.scores, keep.columns, keep.filled, keep.wanted, same,
                *memo, *exact,
            )  # fmt: skip
        if k:
            settle_best(
                first, keep.floor, keep.worst, keep.scores, keep.columns, keep.filled,
                *errors(queries.length[first:last], passages), np.array(cutoffs), pool_starts,
                best.columns, best.scores, best.shares,
                same, asked.members, asked.member_starts, *memo, *exact,
            )  # fmt: skip
        if advance is not None:
            advance(last - first)
        return settled

    with (
        threadpool_limits(1, "blas"),  # each thread multiplies its own tiles
        ThreadPoolExecutor(threads or cpus()) as pool,
    ):
        settled = sum(pool.map(block, range(0, n_queries, ROWS)))
    return CellRanks(pool_rank, overall, score, settled), best


def decision_bounds(
    score: Float[np.ndarray, "..."], length: Float[np.ndarray, "..."], passages: Side
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Bounds that tell whether a passage scores no less than a cell of the given float64 score.

    `length` is that of the cell's query. Returns the least float64 score that counts (ties do),
    the float32 score under which no passage counts, and the one from which every passage counts.
    """
    error, tie = errors(length, passages)
    least = score - tie
    low = np.nextafter((least - error).astype(np.float32), np.float32(-np.inf))
    high = np.nextafter((least + error).astype(np.float32), np.float32(np.inf))
    return least, low, high


def errors(
    length: Float[np.ndarray, "..."], passages: Side
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Greatest error of a float32 score, and the difference under which two scores are equal.

    The error of a float32 product of n terms is at most n u |q||p| in any order of summation
    (Higham 2002, §3.1); three more u are for rounding the vectors and one for good measure.
    """
    reach = length * passages.longest
    relative = (passages.width + 4) * _UNIT_ROUNDOFF * 1.01 + passages.slack
    return reach * relative, reach * TIE


def cpus() -> int:
    """Count the processors this process may use; a container's limit counts."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def tile_of(
    buffer: Float[np.ndarray, " room"], n_rows: int, n_columns: int
) -> Float[np.ndarray, "rows columns"]:
    """Cut a tile without gaps from a buffer: scans of rows with gaps are not vectorised."""
    return buffer[: n_rows * n_columns].reshape(n_rows, n_columns)


def _floors(
    rows: Cells, score: Float[np.ndarray, " cells"], queries: Side, passages: Side, k: int
) -> Float[np.ndarray, " queries"]:
    """Float32 score that none of a query's k best passages is under, (queries,).

    The k-th best of the cells is a passage too, so the k-th best of all scores no less. Where a
    query has fewer cells it is -inf. A good model's best passages are its cells, and next to
    nothing else is then looked at.
    """
    floors = np.full(len(queries.vectors), -np.inf, np.float32)
    order = np.lexsort((-score, rows))
    kth = np.searchsorted(rows, np.arange(len(floors))) + k - 1
    known = np.flatnonzero(np.bincount(rows, minlength=len(floors)) >= k)
    cells = order[kth[known]]
    floors[known] = decision_bounds(score[cells], queries.length[known], passages)[1]
    return floors


def new_memo(n: int) -> tuple[Float[np.ndarray, " n"], Cells]:
    """Make room for the float64 scores of one query at a time, and for whose they are."""
    return np.empty(n), np.full(n, -1)


class _Keep:
    """The candidates of a block of queries while the tiles go by."""

    def __init__(self, floor: Float[np.ndarray, " rows"], k: int) -> None:
        self.wanted = k + SPARE if k else 0
        room = (
            128 * max(2, -(-self.wanted // 32)) if k else 0
        )  # four times as many, in whole stretches
        self.floor = floor  # every candidate scores more
        self.worst = self.floor.copy()  # rises where candidates are dropped
        self.scores = np.empty((len(floor), room), np.float32)
        self.columns = np.empty((len(floor), room), np.int32)
        self.filled = np.zeros(len(floor), np.int64)

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
from typing import Literal, no_type_check

import numpy as np
from jaxtyping import Float, Int
from numba import njit  # with no_type_check: the tests wrap all other functions in checks
from threadpoolctl import threadpool_limits

Matrix = Float[np.ndarray, "n dim"]
Numbers = Float[np.ndarray, " n"]
Cells = Int[np.ndarray, " cells"]
Starts = Int[np.ndarray, " starts"]

ROWS, COLUMNS = 512, 2048  # as fast as one whole product; narrower tiles were a tenth slower
STRETCH = 128  # scores looked at together
# Scores closer than this, for vectors of length one, are equal: sums of some thousand float64
# products in two orders differ by about as much, and a tie counts against the relevant passage.
TIE = 1e-12
_UNIT_ROUNDOFF = 2.0**-24  # of float32


@dataclass(frozen=True)
class Side:
    """Vectors as stored (n, dim) float32, and what turns their products into scores.

    score(q, p) = (q · p) * q.scale * p.scale + p.offset, in float64. `fast` (n, dim or dim + 1)
    float32 gives the same by one plain product, up to rounding; `length` is the norm of its rows.
    """

    vectors: Matrix
    scale: Numbers
    offset: Numbers
    fast: Float[np.ndarray, "n wide"]
    length: Numbers

    @cached_property
    def same(self) -> Cells:
        """First row with the same vector, (n,): equal texts, or texts a tokenizer can't read.

        An English model gives most Thai sentences one vector: thousands of ties to settle, all
        with one product.
        """
        hashes = np.array([hash(row.tobytes()) for row in self.vectors], np.int64)
        _, first, group = np.unique(hashes, return_index=True, return_inverse=True)
        same = first[group]
        equal = np.array_equal(self.vectors[same], self.vectors)
        return same if equal else np.arange(len(same))  # a collision of hashes: do without

    @cached_property
    def longest(self) -> float:
        """Length of the longest row."""
        return float(self.length.max(initial=0.0))


def prepare(vectors: Matrix, role: Literal["query", "passage"], similarity: str = "cosine") -> Side:
    """Set (n, dim) float32 vectors up for scoring by "cosine", "dot" or "euclidean".

    Euclidean distance ranks as q · p - |p|²/2, which is a product with one more dimension.
    """
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    squares = np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)
    ones, zeros = np.ones_like(squares), np.zeros_like(squares)
    if similarity == "cosine":
        scale = 1.0 / np.sqrt(squares)
        return Side(vectors, scale, zeros, vectors * scale.astype(np.float32)[:, None], ones)
    if similarity == "dot":
        return Side(vectors, ones, zeros, vectors, np.sqrt(squares))
    offset = -squares / 2 if role == "passage" else zeros
    last = offset if role == "passage" else ones
    fast = np.column_stack([vectors, last.astype(np.float32)])
    return Side(vectors, ones, offset, fast, np.sqrt(squares + last**2))


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


def rank_cells(
    queries: Side,
    passages: Side,
    rows: Cells,
    columns: Cells,
    pool_starts: Starts,
    *,
    cutoffs: tuple[int, ...] = (),
    threads: int | None = None,
    advance: Callable[[int], object] | None = None,
) -> tuple[CellRanks, Best]:
    """Rank the cells (rows[i], columns[i]) within their pool and among all passages, in one pass.

    Pools are runs of passages: pool p has the columns pool_starts[p] to pool_starts[p + 1].
    `rows` ascends. With `cutoffs`, the max(cutoffs) best passages of every query are kept as well.
    `advance` is told after each block how many queries are done.

    Memory: one tile of 512 × 2048 scores a thread and a few numbers a cell, whatever the pool.
    """
    assert np.all(np.diff(rows) >= 0), "cells ascend by query"
    n_queries = len(queries.fast)
    cell_starts = np.searchsorted(rows, np.arange(n_queries + 1))
    cell_pools = np.searchsorted(pool_starts, columns, side="right") - 1
    score = np.empty(len(rows))
    pool_rank = np.zeros(len(rows), np.int64)
    overall = np.zeros(len(rows), np.int64)
    k = max(cutoffs, default=0)
    best = Best(
        np.full((n_queries, k), -1, np.int64),
        np.full((n_queries, k), -np.inf),
        np.zeros((n_queries, len(cutoffs), len(pool_starts) - 1)),
    )
    exact = (queries.vectors, queries.scale, passages.vectors, passages.scale, passages.offset)
    members = np.argsort(passages.same, kind="stable")
    score_cells(rows, columns, score, *exact)
    floor = _floors(rows, score, queries, passages, k) if k else np.empty(n_queries, np.float32)

    def block(first: int) -> int:
        last = min(first + ROWS, n_queries)
        cells = slice(cell_starts[first], cell_starts[last])
        bounds = decision_bounds(score[cells], queries.length[rows[cells]], passages)
        keep, memo = _Keep(last - first, k), new_memo(len(passages.fast))
        buffer = np.empty((last - first) * COLUMNS, np.float32)
        settled = 0
        for start in range(0, len(passages.fast), COLUMNS):
            stop = min(start + COLUMNS, len(passages.fast))
            scores = tile_of(buffer, last - first, stop - start)
            np.matmul(queries.fast[first:last], passages.fast[start:stop].T, out=scores)
            settled += _scan(
                scores, first, start, pool_starts, cell_starts, columns, cell_pools,
                cells.start, *bounds,
                pool_rank, overall, floor, keep.scores, keep.columns, keep.filled, passages.same,
                *memo, *exact,
            )  # fmt: skip
        if k:
            _settle_best(
                first, keep.scores, keep.columns, keep.filled,
                *_errors(queries.length[first:last], passages), np.array(cutoffs),
                pool_starts, best.columns, best.scores, best.shares, passages.same, members,
                *memo, *exact,
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
    error, tie = _errors(length, passages)
    least = score - tie
    low = np.nextafter((least - error).astype(np.float32), np.float32(-np.inf))
    high = np.nextafter((least + error).astype(np.float32), np.float32(np.inf))
    return least, low, high


def _errors(
    length: Float[np.ndarray, "..."], passages: Side
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Greatest error of a float32 score, and the difference under which two scores are equal.

    The error of a float32 product of n terms is at most n u |q||p| in any order of summation
    (Higham 2002, §3.1); three more u are for rounding the vectors and one for good measure.
    """
    reach = length * passages.longest
    return reach * (passages.fast.shape[1] + 4) * _UNIT_ROUNDOFF * 1.01, reach * TIE


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
    floors = np.full(len(queries.fast), -np.inf, np.float32)
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
    """The best candidates of a block of queries while the tiles go by: a min-heap a row.

    More than k are kept, so that those within the error of the k-th are there to be settled.
    """

    def __init__(self, n: int, k: int) -> None:
        capacity = k + 8 if k else 0
        self.scores = np.empty((n, capacity), np.float32)
        self.columns = np.empty((n, capacity), np.int64)
        self.filled = np.zeros(n, np.int64)


@no_type_check
@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def dot(x, y) -> float:
    """Product of two float32 vectors, summed in float64."""
    total = 0.0
    for i in range(x.shape[0]):
        total += np.float64(x[i]) * np.float64(y[i])
    return total


@no_type_check
@njit(nogil=True, cache=True)
def score_cells(rows, columns, out, q, q_scale, p, p_scale, p_offset) -> None:
    """Write the float64 score of each cell (rows[i], columns[i]) to `out`."""
    for i in range(rows.shape[0]):
        r, c = rows[i], columns[i]
        out[i] = dot(q[r], p[c]) * q_scale[r] * p_scale[c] + p_offset[c]


@no_type_check
@njit(nogil=True, cache=True, fastmath={"reassoc", "nsz"})
def count_two(scores, low, high) -> tuple[int, int]:
    """Count the scores from `low` on, and those from `high` on."""
    # Counts in float32 fill whole vector registers and are exact up to 2**24; 64-bit integer
    # counts took twice as long.
    one, zero = np.float32(1), np.float32(0)
    n_low, n_high = zero, zero
    for j in range(scores.shape[0]):
        n_low += one if scores[j] >= low else zero
        n_high += one if scores[j] >= high else zero
    return np.int64(n_low), np.int64(n_high)


@no_type_check
@njit(nogil=True, cache=True, fastmath={"nnan", "nsz", "reassoc"})
def _largest(scores):
    largest = scores[0]
    for j in range(1, scores.shape[0]):
        largest = max(largest, scores[j])
    return largest


@no_type_check
@njit(nogil=True, cache=True)
def _push(heap, where, n, value, column):
    """Put a score on a min-heap of fixed capacity, in place of its least when it is full."""
    capacity = heap.shape[0]
    if n < capacity:
        at = n
        while at > 0 and heap[(at - 1) // 2] > value:
            heap[at], where[at] = heap[(at - 1) // 2], where[(at - 1) // 2]
            at = (at - 1) // 2
        n += 1
    else:
        at = 0
        while 2 * at + 1 < capacity:
            child = 2 * at + 1
            if child + 1 < capacity and heap[child + 1] < heap[child]:
                child += 1
            if heap[child] >= value:
                break
            heap[at], where[at] = heap[child], where[child]
            at = child
    heap[at], where[at] = value, column
    return n


@no_type_check
@njit(nogil=True, cache=True)
def _scan(
    tile, first_row, first_column, pool_starts, cell_starts, columns, cell_pools, first_cell,
    least, low, high, pool_rank, overall, floor, kept, kept_columns, filled,
    same, known, whose, q, q_scale, p, p_scale, p_offset,
):  # fmt: skip
    """Add a tile to the ranks of the cells of its rows and to each row's best passages.

    Goes by runs of one pool, and within them by short stretches. Many hold nothing that matters,
    which their largest score tells in one vector pass.
    """
    settled = 0
    width, capacity = tile.shape[1], kept.shape[1]
    largest = np.empty(width // STRETCH + 2, np.float32)
    for i in range(tile.shape[0]):
        row = first_row + i
        cells = slice(cell_starts[row], cell_starts[row + 1])
        bounds = slice(cells.start - first_cell, cells.stop - first_cell)
        asked, own = columns[cells], cell_pools[cells]
        ranks, pool_ranks = overall[cells], pool_rank[cells]
        row_least, row_low, row_high = least[bounds], low[bounds], high[bounds]
        lowest = row_low.min() if len(row_low) else np.inf
        for pool in range(pool_starts.shape[0] - 1):
            begin = max(pool_starts[pool] - first_column, 0)
            end = min(pool_starts[pool + 1] - first_column, width)
            if begin >= end:
                continue
            run = tile[i, begin:end]
            n_stretches = _largest_of_stretches(run, largest)
            if largest[n_stretches] >= lowest:
                settled += _rank_run(
                    run, largest, n_stretches, row, first_column + begin, pool, asked,
                    own, row_least, row_low, row_high, pool_ranks, ranks,
                    same, known, whose, q, q_scale, p, p_scale, p_offset,
                )  # fmt: skip
            if capacity and largest[n_stretches] > floor[row]:
                filled[i] = _keep_run(
                    run, largest, n_stretches, first_column + begin, same, floor[row],
                    kept[i], kept_columns[i], filled[i],
                )  # fmt: skip
    return settled


@no_type_check
@njit(nogil=True, cache=True)
def _largest_of_stretches(run, largest):
    """Write the largest score of each stretch, and after them that of all; returns their number."""
    n = (run.shape[0] + STRETCH - 1) // STRETCH
    of_all = np.float32(-np.inf)
    for s in range(n):
        largest[s] = _largest(run[s * STRETCH : (s + 1) * STRETCH])
        of_all = max(of_all, largest[s])
    largest[n] = of_all
    return n


@no_type_check
@njit(nogil=True, cache=True)
def _rank_run(
    run, largest, n_stretches, row, first_column, pool, asked, cell_pools, least, low, high,
    pool_rank, overall, same, known, whose, q, q_scale, p, p_scale, p_offset,
):  # fmt: skip
    """Add a run of one pool to the ranks of a row's cells; returns how many were settled."""
    settled = 0
    for cell in range(least.shape[0]):
        if largest[n_stretches] < low[cell]:
            continue
        # Deep in the ranking most stretches count, and one pass over the run is cheaper. The cell
        # itself is always open, and needs no settling.
        is_here = first_column <= asked[cell] < first_column + run.shape[0]
        maybe, sure = -1, 0
        if 2 * np.sum(largest[:n_stretches] >= low[cell]) > n_stretches:
            maybe, sure = count_two(run, low[cell], high[cell])
        if maybe == sure + is_here:
            sure += is_here
        else:
            sure = 0
            for s in range(n_stretches):
                if largest[s] >= low[cell]:
                    more, opened = count_settled(
                        run[s * STRETCH : (s + 1) * STRETCH], least[cell], low[cell], high[cell],
                        row, first_column + s * STRETCH, asked[cell],
                        same, known, whose, q, q_scale, p, p_scale, p_offset,
                    )  # fmt: skip
                    sure += more
                    settled += opened
        overall[cell] += sure
        if cell_pools[cell] == pool:
            pool_rank[cell] += sure
    return settled


@no_type_check
@njit(nogil=True, cache=True)
def count_settled(
    scores, least, low, high, row, first_column, asked,
    same, known, whose, q, q_scale, p, p_scale, p_offset,
) -> tuple[int, int]:  # fmt: skip
    """Count the scores that are no less than the cell's, and those that float64 had to settle."""
    maybe, count = count_two(scores, low, high)
    opened = maybe - count
    settled = 0
    for j in range(scores.shape[0] if opened else 0):
        if low <= scores[j] < high:
            c = same[first_column + j]
            if c == same[asked]:  # the cell itself, or its equal: a tie for sure
                count += 1
            else:
                if whose[c] != row:  # once a query and vector, however many cells ask
                    known[c] = dot(q[row], p[c]) * q_scale[row] * p_scale[c] + p_offset[c]
                    whose[c] = row
                count += known[c] >= least
                settled += 1
    return count, settled


@no_type_check
@njit(nogil=True, cache=True)
def score_once(row, column, same, known, whose, q, q_scale, p, p_scale, p_offset) -> float:
    """Score a cell in float64, once a query and vector however often it is asked.

    `known[i]` is the score of vector i with the query `whose[i]`.
    """
    c = same[column]
    if whose[c] != row:
        known[c] = dot(q[row], p[c]) * q_scale[row] * p_scale[c] + p_offset[c]
        whose[c] = row
    return known[c]


@no_type_check
@njit(nogil=True, cache=True)
def _keep_run(run, largest, n_stretches, first_column, same, floor, heap, where, n):
    """Keep the best of a run on a heap, equal vectors once; returns how many are on it."""
    full = heap.shape[0]
    worst = heap[0] if n == full else floor
    for s in range(n_stretches):
        if largest[s] <= worst:
            continue
        for j in range(s * STRETCH, min((s + 1) * STRETCH, run.shape[0])):
            if run[j] > worst and same[first_column + j] == first_column + j:
                n = _push(heap, where, n, run[j], first_column + j)
                if n == full:
                    worst = heap[0]
    return n


@no_type_check
@njit(nogil=True, cache=True)
def _settle_best(
    first_row, kept, columns, filled, error, tie, cutoffs, pool_starts,
    best_columns, best_scores, shares, same, members,
    known, whose, q, q_scale, p, p_scale, p_offset,
):  # fmt: skip
    """Order the candidates by float64 score; score the whole row where they may not be enough."""
    k = best_columns.shape[1]
    grouped = same[members]
    for i in range(kept.shape[0]):
        row, n = first_row + i, filled[i]
        enough = n < kept.shape[1]  # every distinct vector from the floor on is on the heap
        if not enough:
            ordered = np.sort(kept[i, :n])[::-1]
            # A passage that was dropped scores at most ordered[-1] + error, the k-th at least
            # ordered[k - 1] - error.
            enough = ordered[n - 1] + error[i] < ordered[k - 1] - error[i] - tie[i]
        candidates = np.arange(len(members))
        if enough:
            first = np.searchsorted(grouped, columns[i, :n])
            last = np.searchsorted(grouped, columns[i, :n], side="right")
            candidates = np.empty((last - first).sum(), np.int64)
            at = 0
            for a in range(n):
                candidates[at : at + last[a] - first[a]] = members[first[a] : last[a]]
                at += last[a] - first[a]
            candidates = np.sort(candidates)
        exact = np.empty(len(candidates))
        for a in range(len(candidates)):
            exact[a] = score_once(
                row, candidates[a], same, known, whose, q, q_scale, p, p_scale, p_offset
            )
        order = np.argsort(-exact, kind="mergesort")
        candidates, exact = candidates[order], exact[order]
        n = min(k, len(candidates))
        best_columns[row, :n], best_scores[row, :n] = candidates[:n], exact[:n]
        pools = np.searchsorted(pool_starts, candidates, side="right") - 1
        for t in range(cutoffs.shape[0]):
            _add_shares(exact, pools, cutoffs[t], tie[i], shares[row, t])


@no_type_check
@njit(nogil=True, cache=True)
def _add_shares(scores, pools, k, tie, shares):
    """Add the share of each pool among the k best; those that tie at the cut share its places."""
    cut = min(k, len(scores))
    edge = scores[cut - 1]
    above = 0
    while above < cut and scores[above] > edge + tie:
        above += 1
    level = above
    while level < len(scores) and scores[level] >= edge - tie:
        level += 1
    for a in range(level):
        weight = 1.0 if a < above else (cut - above) / (level - above)
        shares[pools[a]] += weight / cut

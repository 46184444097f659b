"""Compiled scans of tiles of scores: counting what scores no less, keeping the best.

A float32 score is trusted outside of its error bound; inside it the float64 score decides. Every
function is marked no_type_check: the tests wrap all others in checks that numba can't compile.
All stand in this one file, since numba's cache on disk looks for changes in one file only.
"""

from typing import no_type_check

import numpy as np
from numba import njit

STRETCH = 128  # scores looked at together


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
def describe_rows(vectors, words, weights, squares, hashes) -> None:
    """Write the squared length of each row, in float64, and a hash of its bits.

    `words` are the bits as uint32; the hash is their weighted sum modulo 2**64.
    """
    for i in range(vectors.shape[0]):
        squares[i] = dot(vectors[i], vectors[i])
        total = np.uint64(0)
        for j in range(weights.shape[0]):
            total += np.uint64(words[i, j]) * weights[j]
        hashes[i] = np.int64(total)


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
def scan(
    tile, first_row, first_column, pool_starts, cell_starts, columns, cell_pools, first_cell,
    least, low, high, pool_rank, overall, floor, kept, kept_columns, filled,
    same, known, whose, q, q_scale, p, p_scale, p_offset,
) -> int:  # fmt: skip
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
                count += least <= score_once(
                    row, c, same, known, whose, q, q_scale, p, p_scale, p_offset
                )
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
def settle_best(
    first_row, kept, columns, filled, error, tie, cutoffs, pool_starts,
    best_columns, best_scores, shares, same, members, member_starts,
    known, whose, q, q_scale, p, p_scale, p_offset,
) -> None:  # fmt: skip
    """Order the candidates by float64 score; score the whole row where they may not be enough.

    Candidate c stands for all passages equal to it, members[member_starts[c]:member_starts[c + 1]].
    """
    k = best_columns.shape[1]
    for i in range(kept.shape[0]):
        row, n = first_row + i, filled[i]
        enough = n < kept.shape[1]  # every distinct vector from the floor on is on the heap
        if not enough:
            ordered = np.sort(kept[i, :n])[::-1]
            # A passage that was dropped scores at most ordered[-1] + error, the k-th at least
            # ordered[k - 1] - error.
            enough = ordered[n - 1] + error[i] < ordered[k - 1] - error[i] - tie[i]
        if not enough:
            candidates = np.arange(len(members))
        else:
            first, last = member_starts[columns[i, :n]], member_starts[columns[i, :n] + 1]
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


@no_type_check
@njit(nogil=True, cache=True)
def rank_rows(
    tile, first_row, first_column, asked, least, low, high, rank,
    same, known, whose, q, q_scale, p, p_scale, p_offset,
) -> int:  # fmt: skip
    """Rank each row's cell among the columns of a tile; returns how many float64 settled."""
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
def rank_columns(
    tile, first_row, first_column, asked, least, low, high, rank,
    same, known, whose, q, q_scale, p, p_scale, p_offset,
) -> int:  # fmt: skip
    """Rank each column's cell among the rows of a tile; returns how many float64 settled."""
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


@no_type_check
@njit(nogil=True, cache=True)
def largest_of_rows(scores, k) -> np.ndarray:
    """Collect the k largest scores of each row, descending."""
    found = np.empty((scores.shape[0], k))
    heap, where = np.empty(k), np.empty(k, np.int64)
    for i in range(scores.shape[0]):
        n = 0
        for j in range(scores.shape[1]):
            if n < k or scores[i, j] > heap[0]:
                n = _push(heap, where, n, scores[i, j], j)
        found[i] = np.sort(heap)[::-1]
    return found


@no_type_check
@njit(nogil=True, cache=True)
def judge_neighbours(
    scores, own, largest, row_margin, column_margin, row_csls, column_csls, k, tie,
    wrong, rank, occurrence,
) -> None:  # fmt: skip
    """Judge each row's own column by ratio margin and by CSLS; count whose neighbour a column is.

    Margins are compared among the columns that score no less than the k-th largest; ties count
    against the own column.
    """
    last = largest.shape[1] - 1
    for i in range(scores.shape[0]):
        least = largest[i, min(k, last + 1) - 1] - tie
        wrong[i] = _is_beaten(scores[i], own[i], least, row_margin[i], column_margin, tie)
        if own[i] >= 0:
            csls = 2 * scores[i, own[i]] - row_csls[i] - column_csls[own[i]]
            for j in range(scores.shape[1]):
                rank[i] += 2 * scores[i, j] - row_csls[i] - column_csls[j] >= csls - tie
        _count_neighbours(scores[i], largest[i, last], last + 1, tie, occurrence)


@no_type_check
@njit(nogil=True, cache=True, error_model="numpy")
def _is_beaten(scores, own, least, row_margin, column_margin, tie):
    """Whether another candidate has a margin no less than that of the own column.

    Where neighbours are orthogonal on average a margin is infinite or, at 0 / 0, beaten by all.
    """
    if own < 0 or scores[own] < least:
        return True
    best = 2 * scores[own] / (row_margin + column_margin[own])
    for j in range(scores.shape[0]):
        margin = 2 * scores[j] / (row_margin + column_margin[j])
        if j != own and scores[j] >= least and not margin < best - tie:
            return True
    return False


@no_type_check
@njit(nogil=True, cache=True)
def _count_neighbours(scores, edge, n_nearest, tie, occurrence):
    """Add a row's nearest to the counts of their columns; those that tie share what is left."""
    above, level = 0, 0
    for j in range(scores.shape[0]):
        above += scores[j] > edge + tie
        level += edge - tie <= scores[j] <= edge + tie
    for j in range(scores.shape[0]):
        if scores[j] > edge + tie:
            occurrence[j] += 1.0
        elif scores[j] >= edge - tie:
            occurrence[j] += (n_nearest - above) / level

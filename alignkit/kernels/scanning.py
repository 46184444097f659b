"""Compiled scans of tiles of scores: counting what scores no less, keeping the best.

A float32 score is trusted outside of its error bound; inside it the float64 score decides. Every
function is marked no_type_check: the tests wrap all others in checks that numba can't compile.
All stand in this one file, since numba's cache on disk looks for changes in one file only.
"""

from typing import no_type_check

import numpy as np
from numba import njit, types
from numba.extending import overload

STRETCH = 64  # scores looked at together: as many as the compiler makes a few vectors of


@no_type_check
def _number(x):
    """Read a float32, or the bits of a float16, as a float32; of finite numbers it is exact."""
    raise NotImplementedError  # only compiled code calls it


@no_type_check
@overload(_number, inline="always")
def _number_of(x):
    if isinstance(x, types.Float):
        return lambda x: x

    def from_half(x):
        bits = np.uint32(x)
        wide = np.uint32(((bits & 0x8000) << 16) | ((bits & 0x7FFF) << 13))
        return wide.view(np.float32) * np.float32(2.0**112)  # exponents count from 15, not 127

    return from_half


@no_type_check
@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def dot(x, y) -> float:
    """Product of two vectors of float32 or of bits of float16, summed in float64."""
    total = 0.0
    for i in range(x.shape[0]):
        total += np.float64(_number(x[i])) * np.float64(_number(y[i]))
    return total


@no_type_check
@njit(nogil=True, cache=True)
def scale_rows(vectors, scale, out) -> None:
    """Write each row times its scale, in float32."""
    for i in range(vectors.shape[0]):
        for j in range(vectors.shape[1]):
            out[i, j] = _number(vectors[i, j]) * scale[i]


@no_type_check
@njit(nogil=True, cache=True)
def describe_rows(vectors, words, weights, squares, hashes) -> None:
    """Write the squared length of each row, in float64, and a hash of its bits.

    `words` are the bits as whole numbers; the hash is their weighted sum modulo 2**64.
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
@njit(nogil=True, cache=True, fastmath={"reassoc", "nsz"})
def _count_above(scores, level):
    """Count the scores above `level`."""
    one, zero = np.float32(1), np.float32(0)
    count = zero
    for j in range(scores.shape[0]):
        count += one if scores[j] > level else zero
    return np.int64(count)


@no_type_check
@njit(nogil=True, cache=True)
def _which(stretch, level) -> np.uint64:
    """Set bit j where score j of a whole stretch is above `level`: a few vector comparisons."""
    bits = np.uint64(0)
    for j in range(STRETCH):
        bits |= np.uint64(stretch[j] > level) << np.uint64(j)
    return bits


@no_type_check
@njit(nogil=True, cache=True)
def _gather(scores, first_column, level, found, found_columns, n):
    """Add the scores above `level` and their columns to the n found; returns how many there are."""
    whole = scores.shape[0] // STRETCH * STRETCH
    for start in range(0, whole, STRETCH):
        bits = _which(scores[start : start + STRETCH], level)
        while bits:  # three times as fast as looking at each score, a branch that can't be foreseen
            lowest = bits & (~bits + np.uint64(1))
            j = start + (np.float64(lowest).view(np.int64) >> 52) - 1023  # its logarithm
            found[n], found_columns[n] = scores[j], first_column + j
            n += 1
            bits ^= lowest
    for j in range(whole, scores.shape[0]):
        if scores[j] > level:
            found[n], found_columns[n] = scores[j], first_column + j
            n += 1
    return n


@no_type_check
@njit(nogil=True, cache=True)
def scan(
    tile, first_row, first_column, pool_starts, cell_starts, columns, cell_pools, first_cell,
    least, low, high, pool_rank, overall, worst, kept, kept_columns, filled, wanted,
    same, known, whose, q, q_scale, p, p_scale, p_offset,
) -> int:  # fmt: skip
    """Add a tile to the ranks of the cells of its rows and to each row's best passages.

    Ranks go by runs of one pool. Where few scores of a run can matter to any cell, the cells are
    compared with those alone.
    """
    settled = 0
    width = tile.shape[1]
    every = np.arange(first_column, first_column + width).astype(np.int32)
    hits, hit_columns = np.empty(width, np.float32), np.empty(width, np.int32)
    for i in range(tile.shape[0]):
        row = first_row + i
        cells = slice(cell_starts[row], cell_starts[row + 1])
        bounds = slice(cells.start - first_cell, cells.stop - first_cell)
        asked, own = columns[cells], cell_pools[cells]
        ranks, pool_ranks = overall[cells], pool_rank[cells]
        row_least, row_low, row_high = least[bounds], low[bounds], high[bounds]
        lowest = row_low.min() if len(row_low) else np.float32(np.inf)
        level = np.nextafter(lowest, np.float32(-np.inf))  # what is above it can matter
        for pool in range(pool_starts.shape[0] - 1):
            begin = max(pool_starts[pool] - first_column, 0)
            end = min(pool_starts[pool + 1] - first_column, width)
            if begin >= end:
                continue
            run, run_columns = tile[i, begin:end], every[begin:end]
            n_hits = _count_above(run, level)
            if n_hits == 0:
                continue
            if n_hits < run.shape[0] // 8:
                _gather(run, first_column + begin, level, hits, hit_columns, 0)
                run, run_columns = hits[:n_hits], hit_columns[:n_hits]
            here = (first_column + begin, first_column + end)
            settled += _rank_run(
                run, run_columns, here, row, pool, asked, own, row_least, row_low, row_high,
                pool_ranks, ranks, same, known, whose, q, q_scale, p, p_scale, p_offset,
            )  # fmt: skip
        if wanted:
            filled[i] = _keep_row(
                tile[i], first_column, same, worst[i : i + 1], kept[i], kept_columns[i],
                filled[i], wanted,
            )  # fmt: skip
    return settled


@no_type_check
@njit(nogil=True, cache=True)
def _rank_run(
    run, run_columns, here, row, pool, asked, cell_pools, least, low, high,
    pool_rank, overall, same, known, whose, q, q_scale, p, p_scale, p_offset,
):  # fmt: skip
    """Add scores of one pool, in the columns `here`, to the ranks of a row's cells.

    Returns how many were settled.
    """
    settled = 0
    for cell in range(least.shape[0]):
        maybe, count = count_two(run, low[cell], high[cell])
        # The cell itself is always open, and needs no settling.
        is_here = here[0] <= asked[cell] < here[1]
        if maybe == count + is_here:
            count = maybe
        else:  # a call with so many arrays takes as long as a thousand comparisons
            count, opened = count_settled(
                run, run_columns, least[cell], low[cell], high[cell], row, asked[cell],
                same, known, whose, q, q_scale, p, p_scale, p_offset,
            )  # fmt: skip
            settled += opened
        overall[cell] += count
        if cell_pools[cell] == pool:
            pool_rank[cell] += count
    return settled


@no_type_check
@njit(nogil=True, cache=True)
def count_settled(
    scores, columns, least, low, high, row, asked,
    same, known, whose, q, q_scale, p, p_scale, p_offset,
) -> tuple[int, int]:  # fmt: skip
    """Count the scores that are no less than the cell's, and those that float64 had to settle."""
    maybe, count = count_two(scores, low, high)
    opened, settled = maybe - count, 0
    for start in range(0, scores.shape[0], STRETCH):
        if opened == 0:
            break
        stretch = scores[start : start + STRETCH]
        maybe, sure = count_two(stretch, low, high)
        if maybe == sure:
            continue
        opened -= maybe - sure
        for j in range(start, start + stretch.shape[0]):
            if not low <= scores[j] < high:
                continue
            c = same[columns[j]]
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
def settle_open(
    cells, open_columns, rows, columns, pools, pool_starts, least, overall, pool_rank,
    same, known, whose, q, q_scale, p, p_scale, p_offset,
) -> int:  # fmt: skip
    """Add to the ranks of cells what of the open columns scores no less; returns how many were.

    The cell itself, which is open too, has been counted.
    """
    settled = 0
    for i in range(cells.shape[0]):
        cell, column = cells[i], open_columns[i]
        if column == columns[cell]:
            continue
        counts = same[column] == same[columns[cell]]
        if not counts:
            counts = least[cell] <= score_once(
                rows[cell], column, same, known, whose, q, q_scale, p, p_scale, p_offset
            )
            settled += 1
        overall[cell] += counts
        if pool_starts[pools[cell]] <= column < pool_starts[pools[cell] + 1]:
            pool_rank[cell] += counts
    return settled


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
def _keep_row(scores, first_column, same, worst, kept, kept_columns, n, wanted):
    """Collect a row's scores above its worst[0]; returns how many are held.

    When the room is used up all but some `wanted` best are dropped, and worst[0] rises.
    """
    if worst[0] == -np.inf and scores.shape[0] >= 2 * wanted:
        worst[0] = _level(scores, worst[0], wanted, wanted + wanted // 4)
    step = kept.shape[0] // 2  # as much as there is room for
    for start in range(0, scores.shape[0], step):
        part = scores[start : start + step]
        if n + _count_above(part, worst[0]) > kept.shape[0]:
            n = _drop(same, worst, kept, kept_columns, n, wanted)
        n = _gather(part, first_column + start, worst[0], kept, kept_columns, n)
    return n


@no_type_check
@njit(nogil=True, cache=True)
def _level(scores, low, wanted, most):
    """Find a level with `wanted` to `most` scores above it; `wanted` must be above `low`.

    Halving an interval takes some six counts; a heap sinks thousands of scores. Where many tie,
    more than `most` may be above.
    """
    some = scores[:STRETCH]
    least, high = some.min(), some.max()
    if _count_above(scores, least) < wanted or _count_above(scores, high) >= wanted:
        least, high = scores.min(), scores.max()
    low = max(low, np.nextafter(least, np.float32(-np.inf)))
    while True:
        middle = np.float32(0.5) * low + np.float32(0.5) * high
        if not low < middle < high:
            return low
        above = _count_above(scores, middle)
        if wanted <= above <= most:
            return middle
        low, high = (low, middle) if above < wanted else (middle, high)


@no_type_check
@njit(nogil=True, cache=True)
def _drop(same, worst, kept, kept_columns, n, wanted):
    """Drop repeated vectors and, where room is short, the worst; returns how many are left."""
    n = _distinct(same, kept, kept_columns, n)
    if n <= kept.shape[0] // 2:
        return n
    worst[0] = _level(kept[:n], worst[0], wanted, wanted + wanted // 4)
    if _count_above(kept[:n], worst[0]) > kept.shape[0] // 2:
        # More tie there than there is room for: they go, and the row will be scored whole.
        worst[0] = np.nextafter(worst[0], np.float32(np.inf))
    return _leave(kept, kept_columns, n, worst[0])


@no_type_check
@njit(nogil=True, cache=True)
def _leave(kept, kept_columns, n, level):
    """Leave only the scores above `level`; returns how many there are."""
    left = 0
    for a in range(n):
        score, column = kept[a], kept_columns[a]
        kept[left], kept_columns[left] = score, column
        left += score > level
    return left


@no_type_check
@njit(nogil=True, cache=True)
def _distinct(same, kept, kept_columns, n):
    """Leave the first of equal vectors alone: it stands for all."""
    left = 0
    for a in range(n):
        score, column = kept[a], kept_columns[a]
        kept[left], kept_columns[left] = score, column
        left += same[column] == column
    return left


@no_type_check
@njit(nogil=True, cache=True)
def settle_best(
    first_row, floor, worst, kept, kept_columns, filled, error, tie, cutoffs, pool_starts,
    best_columns, best_scores, shares, same, members, member_starts,
    known, whose, q, q_scale, p, p_scale, p_offset,
) -> None:  # fmt: skip
    """Order the candidates by float64 score; score the whole row where they may not be enough.

    Candidate c stands for all passages equal to it, members[member_starts[c]:member_starts[c + 1]].
    """
    k = best_columns.shape[1]
    for i in range(kept.shape[0]):
        row = first_row + i
        n = _distinct(same, kept[i], kept_columns[i], filled[i])
        # A passage that was dropped scores at most worst + error, the k-th more than level - error.
        level = _level(kept[i, :n], worst[i], k, k) if n > k else worst[i]
        edge = level - 2 * error[i] - tie[i]
        if worst[i] == floor[i] or worst[i] <= edge:
            n = _leave(kept[i], kept_columns[i], n, max(edge, floor[i]))
            candidates = _members(kept_columns[i, :n], members, member_starts)
        else:
            candidates = np.arange(len(members))
        exact = np.empty(len(candidates))
        asks, scale = q[row], q_scale[row]
        for a in range(len(candidates)):  # as score_once does, without a call for each
            c = same[candidates[a]]
            if whose[c] != row:
                known[c], whose[c] = dot(asks, p[c]) * scale * p_scale[c] + p_offset[c], row
            exact[a] = known[c]
        _sort(exact, candidates)
        n = min(k, len(candidates))
        best_columns[row, :n], best_scores[row, :n] = candidates[:n], exact[:n]
        pools = np.searchsorted(pool_starts, candidates, side="right") - 1
        for t in range(cutoffs.shape[0]):
            _add_shares(exact, pools, cutoffs[t], tie[i], shares[row, t])


@no_type_check
@njit(nogil=True, cache=True)
def _members(columns, members, member_starts):
    """List the passages that the candidates stand for."""
    n = 0
    for c in columns:
        n += member_starts[c + 1] - member_starts[c]
    if n == len(columns):  # most often each for itself
        return columns.astype(np.int64)
    found = np.empty(n, np.int64)
    at = 0
    for c in columns:
        for member in range(member_starts[c], member_starts[c + 1]):
            found[at] = members[member]
            at += 1
    return found


@no_type_check
@njit(nogil=True, cache=True)
def _sort(scores, columns) -> None:
    """Sort by score, the best first, then by column."""
    n = len(scores)
    if n > 512:
        by_column = np.argsort(columns)
        scores[:], columns[:] = scores[by_column], columns[by_column]
        order = np.argsort(-scores, kind="mergesort")
        scores[:], columns[:] = scores[order], columns[order]
        return
    # Counting who is before whom takes a third of a sort's time: it has no branches.
    unsorted, of = scores.copy(), columns.copy()
    for a in range(n):
        place = _n_before(unsorted, of, unsorted[a], of[a])
        scores[place], columns[place] = unsorted[a], of[a]


@no_type_check
@njit(nogil=True, cache=True, fastmath={"reassoc", "nsz"})
def _n_before(scores, columns, score, column):
    """Count those that score more, or the same in an earlier column."""
    one, zero = 1.0, 0.0
    n_before = zero
    for b in range(scores.shape[0]):
        n_before += one if scores[b] > score else zero
        n_before += one if (scores[b] == score) & (columns[b] < column) else zero
    return np.int64(n_before)


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
    every = np.arange(first_column, first_column + tile.shape[1])
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
                tile[i], every, least[i], low[i], high[i], first_row + i, asked[i],
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
    every = np.arange(first_row, first_row + tile.shape[0])
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
                tile[:, j].copy(), every, least[j], low[j], high[j], first_column + j, asked[j],
                same, known, whose, q, q_scale, p, p_scale, p_offset,
            )  # fmt: skip
            settled += opened
    return settled


@no_type_check
@njit(nogil=True, cache=True)
def largest_of_rows(scores, k) -> np.ndarray:
    """Collect the k largest scores of each row, descending; k is small."""
    found = np.full((scores.shape[0], k), -np.inf)
    for i in range(scores.shape[0]):
        largest = found[i]
        for j in range(scores.shape[1]):
            if scores[i, j] > largest[k - 1]:
                at = k - 1
                while at > 0 and largest[at - 1] < scores[i, j]:
                    largest[at] = largest[at - 1]
                    at -= 1
                largest[at] = scores[i, j]
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

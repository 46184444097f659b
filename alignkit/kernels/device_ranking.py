"""Exact ranks with the products made by torch on a GPU; the same bits as those of the CPU.

The device counts, in float32, what scores no less than each cell beyond doubt, and lists what is
in doubt and the best candidates. Float64 settles both on the CPU, as `ranking` does.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from alignkit.kernels.ranking import (
    SPARE,
    Asked,
    Best,
    CellRanks,
    decision_bounds,
    errors,
    new_memo,
)

ROWS, COLUMNS = 1024, 32_768  # 128 MB of scores


@dataclass(frozen=True)
class _Slots:
    """The cells of every query side by side, (queries, slots); unused ones are never counted."""

    cell: Int[np.ndarray, "queries slots"]  # -1 where a query has fewer
    low: Any  # tensors, (queries, slots)
    high: Any
    column: Any
    pool: Any


def rank_on_device(
    asked: Asked, device: str, advance: Callable[[int], object] | None = None
) -> tuple[CellRanks, Best]:
    """Rank what is asked for; see `ranking.rank_cells`.

    Memory on the device: the queries, one block of passages and one of scores, and the candidates.
    """
    import torch

    from alignkit.kernels.scanning import settle_open

    n_queries, n_passages = len(asked.queries.vectors), len(asked.passages.vectors)
    least, low, high = decision_bounds(
        asked.score, asked.queries.length[asked.rows], asked.passages
    )
    slots = _slots(asked, low, high, device)
    counts = torch.zeros((2, *slots.cell.shape), dtype=torch.int64, device=device)
    best = _Candidates(n_queries, asked.n_best, device)
    doubtful: list[np.ndarray] = []
    asks = torch.from_numpy(asked.queries.tile(slice(0, n_queries))).to(device)
    with _full_precision():
        for start in range(0, n_passages, COLUMNS):
            stop = min(start + COLUMNS, n_passages)
            tile = torch.from_numpy(asked.passages.tile(slice(start, stop)).copy()).to(device)
            for first in range(0, n_queries, ROWS):
                rows = slice(first, min(first + ROWS, n_queries))
                scores = asks[rows] @ tile.T
                for pool, begin, end in _runs(asked.pool_starts, start, stop):
                    run = scores[:, begin - start : end - start]
                    doubtful += _count(run, rows, pool, begin, slots, counts)
                best.add(scores, rows, start)
                if advance is not None and stop == n_passages:
                    advance(rows.stop - first)
    used = slots.cell >= 0
    overall, pool_rank = np.zeros((2, len(asked.rows)), np.int64)
    for ranks, found in zip((overall, pool_rank), counts.cpu().numpy(), strict=True):
        ranks[slots.cell[used]] = found[used]
    memo = new_memo(n_passages)
    open_cells, open_columns = (
        np.concatenate(doubtful, axis=1) if doubtful else np.zeros((2, 0), np.int64)
    )
    settled = settle_open(
        open_cells, open_columns, asked.rows, asked.columns, asked.cell_pools, asked.pool_starts,
        least, overall, pool_rank, asked.passages.same, *memo, *asked.exact,
    )  # fmt: skip
    return CellRanks(pool_rank, overall, asked.score, settled), best.settled(asked)


class _Candidates:
    """The best candidates of every query as blocks of passages go by; a class because they change.

    Repeated vectors are not told apart here: where they crowd a query's candidates out, its whole
    row is scored in the end.
    """

    def __init__(self, n_queries: int, k: int, device: str) -> None:
        import torch

        room = k + SPARE if k else 0
        self.scores = torch.full((n_queries, room), -torch.inf, device=device)
        self.columns = torch.zeros((n_queries, room), dtype=torch.int64, device=device)

    def add(self, scores: Any, rows: slice, first_column: int) -> None:  # noqa: ANN401
        """Take a block of scores in."""
        import torch

        room = self.scores.shape[1]
        if not room:
            return
        found, places = scores.topk(min(room, scores.shape[1]), dim=1)
        both = torch.cat([self.scores[rows], found], dim=1)
        columns = torch.cat([self.columns[rows], places + first_column], dim=1)
        self.scores[rows], chosen = both.topk(room, dim=1)
        self.columns[rows] = columns.gather(1, chosen)

    def settled(self, asked: Asked) -> Best:
        """Order the candidates by float64 score."""
        from alignkit.kernels.scanning import settle_best

        best = asked.no_best()
        if not asked.n_best:
            return best
        kept = self.scores.cpu().numpy()
        filled = (kept > -np.inf).sum(axis=1)
        worst = kept[:, -1].copy()  # -inf where nothing had to be dropped
        same = asked.passages.same
        columns = self.columns.cpu().numpy().astype(np.int32)
        settle_best(
            0, np.full(len(kept), -np.inf, np.float32), worst, kept, columns, filled,
            *errors(asked.queries.length, asked.passages), np.array(asked.cutoffs),
            asked.pool_starts, best.columns, best.scores, best.shares,
            same, asked.members, asked.member_starts, *new_memo(len(same)), *asked.exact,
        )  # fmt: skip
        return best


def _slots(
    asked: Asked,
    low: Float[np.ndarray, " cells"],
    high: Float[np.ndarray, " cells"],
    device: str,
) -> _Slots:
    import torch

    n_queries = len(asked.queries.vectors)
    place = np.arange(len(asked.rows)) - asked.cell_starts[asked.rows]
    shape = (n_queries, int(place.max(initial=-1)) + 1)

    def laid_out(values: np.ndarray, unused: int | float) -> np.ndarray:
        table = np.full(shape, unused, values.dtype)
        table[asked.rows, place] = values
        return table

    tensors = [
        torch.from_numpy(laid_out(values, unused)).to(device)
        for values, unused in ((low, np.inf), (high, np.inf), (asked.columns, -1),
                               (asked.cell_pools, -1))
    ]  # fmt: skip
    return _Slots(laid_out(np.arange(len(asked.rows)), -1), *tensors)


def _runs(starts: np.ndarray, first: int, last: int) -> Iterator[tuple[int, int, int]]:
    """Give pool, first and last column of every run of one pool between two columns."""
    for pool in range(len(starts) - 1):
        begin, end = max(int(starts[pool]), first), min(int(starts[pool + 1]), last)
        if begin < end:
            yield pool, begin, end


def _count(
    run: Any,  # noqa: ANN401
    rows: slice,
    pool: int,
    first_column: int,
    slots: _Slots,
    counts: Any,  # noqa: ANN401
) -> list[np.ndarray]:
    """Add a run to the counts of its rows' cells; lists what is in doubt, (2, n): cell, column."""
    import torch

    low, high, column = (part[rows] for part in (slots.low, slots.high, slots.column))
    maybe, sure = torch.zeros_like(column), torch.zeros_like(column)
    for slot in range(column.shape[1]):
        maybe[:, slot] = (run >= low[:, slot, None]).sum(dim=1)
        sure[:, slot] = (run >= high[:, slot, None]).sum(dim=1)
    # The cell itself is always open, and counts.
    is_here = ((column >= first_column) & (column < first_column + run.shape[1])).long()
    counts[0, rows] += sure + is_here
    counts[1, rows] += (sure + is_here) * (slots.pool[rows] == pool)
    doubtful: list[np.ndarray] = []
    opened = maybe > sure + is_here
    for slot in opened.any(dim=0).nonzero().flatten().tolist():
        of = opened[:, slot].nonzero().flatten()
        part = run[of]
        which = (part >= low[of, slot, None]) & (part < high[of, slot, None])
        row, place = which.nonzero().cpu().numpy().T
        cell = slots.cell[rows][of.cpu().numpy()[row], slot]
        doubtful.append(np.stack([cell, place + first_column]))
    return doubtful


@contextmanager
def _full_precision() -> Generator[None]:
    """Have float32 products rounded as the error bound says: no TF32, whatever the user's own."""
    import torch

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)

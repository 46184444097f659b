"""Ranks among parts of the passages are those among all of them, bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignkit.kernels.merging import rank_in_parts
from alignkit.kernels.ranking import prepare, rank_cells


@st.composite
def problems(draw):
    """Vectors on a coarse grid and copies of each other, so that scores tie, in pools, in parts."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_queries, n_passages = draw(st.integers(1, 6)), draw(st.integers(3, 60))
    levels = draw(st.sampled_from([2, 3, 1000]))
    queries, passages = (
        rng.integers(1, levels + 1, (n, 3)).astype(np.float32) for n in (n_queries, n_passages)
    )
    inner = np.sort(rng.integers(0, n_passages + 1, draw(st.integers(0, 3))))
    cells = rng.random((n_queries, n_passages)) < draw(st.sampled_from([0.0, 0.1, 1.0]))
    # As Qrels has them: numba compiles all anew for numbers that don't lie side by side.
    rows, columns = (axis.copy() for axis in np.nonzero(cells))
    return (
        queries, passages, rows, columns, np.array([0, *inner, n_passages]),
        draw(st.sampled_from(["cosine", "dot", "euclidean"])),
        draw(st.sampled_from([(), (1,), (2, 5), (7, 100)])), draw(st.integers(1, 70)),
    )  # fmt: skip


@given(problems())
def test_parts_give_the_ranks_best_passages_and_shares_of_the_whole(problem):
    queries, passages, rows, columns, starts, similarity, cutoffs, part = problem
    whole, whole_best = rank_cells(
        prepare(queries, "query", similarity), prepare(passages, "passage", similarity),
        rows, columns, starts, cutoffs=cutoffs,
    )  # fmt: skip

    merged, merged_best = rank_in_parts(
        queries, passages, rows, columns, starts, similarity=similarity, cutoffs=cutoffs, part=part
    )

    for name in ("pool", "overall", "score"):
        np.testing.assert_array_equal(getattr(merged, name), getattr(whole, name))
    for name in ("columns", "scores", "shares"):
        np.testing.assert_array_equal(getattr(merged_best, name), getattr(whole_best, name))


def test_places_that_tie_at_the_cut_are_shared_across_parts():
    queries = np.array([[1, 0]], np.float32)
    passages = np.array([[1, 0], [2, 0], [0, 1], [3, 0]], np.float32)  # three have cosine 1

    cells, best = rank_in_parts(
        queries, passages, np.zeros(4, int), np.arange(4), np.array([0, 2, 4]), cutoffs=(2,), part=1
    )

    assert cells.overall.tolist() == [3, 3, 4, 3]
    assert cells.pool.tolist() == [2, 2, 2, 1]
    assert best.columns.tolist() == [[0, 1]]
    assert best.shares[0, 0] == pytest.approx([2 / 3, 1 / 3])


def test_differences_that_float32_cannot_see_decide_across_parts():
    queries = np.array([[1, 1]], np.float32)
    passages = np.array([[1, 1], [1, 1 + 2**-13], [1, 1 + 2**-12]], np.float32)

    cells, best = rank_in_parts(
        queries, passages, np.zeros(3, int), np.arange(3), np.array([0, 3]), cutoffs=(3,), part=1
    )

    assert cells.overall.tolist() == [1, 2, 3]
    assert best.columns.tolist() == [[0, 1, 2]]

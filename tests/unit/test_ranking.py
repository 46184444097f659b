"""Exact ranks: numbers worked by hand, ties, and what the float32 product can't see."""

from itertools import pairwise

import numpy as np
import pytest

from alignkit.kernels.ranking import prepare, rank_cells


def brute_force(queries, passages, similarity="cosine"):
    q, p = queries.astype(np.float64), passages.astype(np.float64)
    if similarity == "cosine":
        q, p = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (q, p))
    if similarity == "euclidean":
        return -np.linalg.norm(q[:, None] - p[None], axis=2)
    return q @ p.T


def ranks_of_all_cells(queries, passages, starts, similarity="cosine", **options):
    rows, columns = (axis.ravel() for axis in np.indices((len(queries), len(passages))))
    sides = prepare(queries, "query", similarity), prepare(passages, "passage", similarity)
    return rank_cells(*sides, rows, columns, starts, **options)


@pytest.mark.parametrize("similarity", ["cosine", "dot", "euclidean"])
def test_ranks_equal_a_full_sort(similarity):
    rng = np.random.default_rng(0)
    queries, passages = (rng.standard_normal((n, 7)).astype(np.float32) for n in (9, 300))
    starts = np.array([0, 100, 130, 300])

    cells, best = ranks_of_all_cells(queries, passages, starts, similarity, cutoffs=(5, 20))

    scores = brute_force(queries, passages, similarity)
    overall = (-scores).argsort(axis=1).argsort(axis=1) + 1
    pools = [scores[:, a:b] for a, b in pairwise(starts)]
    in_pool = np.hstack([(-pool).argsort(axis=1).argsort(axis=1) + 1 for pool in pools])
    assert np.array_equal(cells.overall.reshape(scores.shape), overall)
    assert np.array_equal(cells.pool.reshape(scores.shape), in_pool)
    assert np.array_equal(best.columns, (-scores).argsort(axis=1)[:, :20])


def test_equal_scores_count_against_the_passage():
    queries = np.array([[1, 0]], np.float32)
    passages = np.array([[1, 0], [2, 0], [0, 1], [3, 0]], np.float32)  # three have cosine 1

    cells, best = ranks_of_all_cells(queries, passages, np.array([0, 2, 4]), cutoffs=(2,))

    assert cells.overall.tolist() == [3, 3, 4, 3]
    assert cells.pool.tolist() == [2, 2, 2, 1]
    # Two places for three that tie: two of them in the first pool, one in the second.
    assert best.shares[0, 0] == pytest.approx([2 / 3, 1 / 3])


def test_a_collapsed_model_gets_the_worst_ranks():
    vectors = np.full((40, 8), 0.1, np.float32)

    cells, best = ranks_of_all_cells(vectors, vectors, np.array([0, 10, 40]), cutoffs=(4,))

    assert set(cells.overall.tolist()) == {40}
    assert cells.pool.reshape(40, 40)[0].tolist() == [10] * 10 + [30] * 30
    assert best.shares[:, 0] == pytest.approx(np.tile([0.25, 0.75], (40, 1)))


def test_differences_that_float32_cannot_see_decide_ranks():
    # Cosines with (1, 0) that differ by some 1e-10, far under float32's resolution at 1.
    angle = 1e-5 + np.arange(6) * 1e-6
    passages = np.column_stack([np.ones(6), np.tan(angle)]).astype(np.float32)
    queries = np.array([[1, 0]], np.float32)

    cells, best = ranks_of_all_cells(queries, passages, np.array([0, 6]), cutoffs=(6,))

    assert cells.overall.tolist() == [1, 2, 3, 4, 5, 6]
    assert best.columns[0].tolist() == [0, 1, 2, 3, 4, 5]
    assert cells.settled > 0


def test_ranks_do_not_depend_on_threads():
    rng = np.random.default_rng(1)
    vectors = np.repeat(rng.standard_normal((300, 16)), 4, axis=0).astype(np.float32)
    starts = np.array([0, 700, 1200])
    rows = np.arange(1200)
    sides = prepare(vectors, "query"), prepare(vectors, "passage")

    one, _ = rank_cells(*sides, rows, rows, starts, threads=1)
    four, _ = rank_cells(*sides, rows, rows, starts, threads=4)

    assert np.array_equal(one.overall, four.overall)
    assert np.array_equal(one.pool, four.pool)
    assert set(one.overall.tolist()) == {4}  # each text stands four times


def test_pools_larger_than_a_tile_are_ranked_whole():
    rng = np.random.default_rng(2)
    queries, passages = (rng.standard_normal((n, 4)).astype(np.float32) for n in (3, 5000))
    rows, columns = np.array([0, 1, 2, 2]), np.array([4999, 0, 17, 2500])

    cells, best = rank_cells(
        prepare(queries, "query"), prepare(passages, "passage"), rows, columns,
        np.array([0, 2500, 5000]), cutoffs=(100,),
    )  # fmt: skip

    scores = brute_force(queries, passages)
    expected = [(scores[r] >= scores[r, c]).sum() for r, c in zip(rows, columns, strict=True)]
    assert cells.overall.tolist() == expected
    assert np.array_equal(best.columns, (-scores).argsort(axis=1)[:, :100])
    assert best.scores[0, 0] == pytest.approx(scores[0].max(), abs=1e-12)


@pytest.mark.parametrize("similarity", ["cosine", "dot", "euclidean"])
def test_a_pool_too_large_to_be_held_twice_gives_the_same_bits(similarity, monkeypatch):
    rng = np.random.default_rng(0)
    queries = rng.standard_normal((40, 16)).astype(np.float32)
    passages = rng.standard_normal((3000, 16)).astype(np.float32)
    passages[7] = passages[2900]
    starts = np.array([0, 1000, 3000])
    held = ranks_of_all_cells(queries, passages, starts, similarity, cutoffs=(10,))
    monkeypatch.setattr("alignkit.kernels.ranking.HELD", 0)
    streamed = ranks_of_all_cells(queries, passages, starts, similarity, cutoffs=(10,))
    for one, other in zip(held, streamed, strict=True):
        for name, values in vars(one).items():
            np.testing.assert_array_equal(values, getattr(other, name))


@pytest.mark.parametrize("similarity", ["cosine", "dot", "euclidean"])
def test_half_precision_vectors_rank_as_their_values_do(similarity):
    rng = np.random.default_rng(3)
    halves = [rng.standard_normal((n, 24)).astype(np.float16) for n in (30, 700)]
    halves[1][5] = halves[1][600]
    halves[1][:, 3] = 1e-7  # under the least normal number of float16
    starts = np.array([0, 200, 700])

    found, best = ranks_of_all_cells(*halves, starts, similarity, cutoffs=(10, 50))
    wide, best_wide = ranks_of_all_cells(
        *(one.astype(np.float32) for one in halves), starts, similarity, cutoffs=(10, 50)
    )

    assert np.array_equal(found.overall, wide.overall)
    assert np.array_equal(found.pool, wide.pool)
    assert np.array_equal(best.columns, best_wide.columns)
    np.testing.assert_allclose(found.score, wide.score, rtol=1e-13, atol=1e-13)


def test_vectors_of_length_one_are_ranked_without_a_copy():
    rng = np.random.default_rng(4)
    queries, passages = (rng.standard_normal((n, 32)).astype(np.float32) for n in (20, 800))
    passages /= np.linalg.norm(passages, axis=1, keepdims=True)
    side = prepare(passages, "passage")

    found, best = ranks_of_all_cells(queries, passages, np.array([0, 800]), cutoffs=(50,))

    assert np.shares_memory(side.tile(slice(0, 9)), side.vectors)
    assert 0 < side.slack < 1e-6
    scores = brute_force(queries, passages)
    assert np.array_equal(best.columns, (-scores).argsort(axis=1)[:, :50])
    expected = (-scores).argsort(axis=1).argsort(axis=1) + 1
    assert np.array_equal(found.overall.reshape(scores.shape), expected)


@pytest.mark.gpu
@pytest.mark.parametrize("similarity", ["cosine", "dot", "euclidean"])
def test_a_gpu_gives_the_same_bits(similarity):
    rng = np.random.default_rng(5)
    queries, passages = (rng.standard_normal((n, 96)).astype(np.float32) for n in (500, 40_000))
    passages[7] = passages[39_000]
    rows, columns = np.arange(500), rng.integers(0, 40_000, 500)
    sides = prepare(queries, "query", similarity), prepare(passages, "passage", similarity)
    starts = np.array([0, 9_000, 40_000])

    here = rank_cells(*sides, rows, columns, starts, cutoffs=(10, 100))
    there = rank_cells(*sides, rows, columns, starts, cutoffs=(10, 100), device="cuda")

    for one, other in zip(here, there, strict=True):
        for name, values in vars(one).items():
            if name != "settled":
                np.testing.assert_array_equal(values, getattr(other, name))

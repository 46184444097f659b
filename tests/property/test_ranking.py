"""Ranks and best passages for pools full of ties, in tiles of any size."""

from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alignkit.kernels import device_ranking, ranking
from alignkit.kernels.ranking import Asked, prepare, rank_cells


@st.composite
def crowded_pools(draw):
    """Whole numbers for vectors: their products are exact, and many of them are equal."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_queries, n_passages = draw(st.integers(1, 9)), draw(st.integers(1, 900))
    dim, largest = draw(st.integers(1, 5)), draw(st.sampled_from([1, 3, 50, 4000]))
    queries, passages = (
        rng.integers(-largest, largest + 1, (n, dim)).astype(np.float32)
        for n in (n_queries, n_passages)
    )
    cut = draw(st.integers(0, n_passages))
    cells = np.unique(rng.integers(0, n_queries * n_passages, draw(st.integers(0, 40))))
    return queries, passages, np.array([0, cut, n_passages]), cells


@settings(deadline=None, max_examples=150)
@given(
    pools=crowded_pools(),
    k=st.sampled_from([1, 3, 20, 100, 300]),
    tile=st.sampled_from([(2, 64), (3, 130), (512, 1024)]),
)
def test_ranks_and_best_passages_are_those_of_a_full_sort(pools, k, tile):
    queries, passages, starts, cells = pools
    rows, columns = np.divmod(cells, len(passages))
    sides = prepare(queries, "query", "dot"), prepare(passages, "passage", "dot")

    with patch.object(ranking, "ROWS", tile[0]), patch.object(ranking, "COLUMNS", tile[1]):
        found, best = rank_cells(*sides, rows, columns, starts, cutoffs=(k,))

    scores = queries.astype(np.float64) @ passages.T.astype(np.float64)
    own = np.searchsorted(starts, columns, side="right") - 1
    no_less = scores[rows] >= scores[rows, columns][:, None]
    in_pool = (np.arange(len(passages)) >= starts[own][:, None]) & (
        np.arange(len(passages)) < starts[own + 1][:, None]
    )
    assert found.overall.tolist() == no_less.sum(axis=1).tolist()
    assert found.pool.tolist() == (no_less & in_pool).sum(axis=1).tolist()
    n = min(k, len(passages))
    order = np.argsort(-scores, axis=1, kind="stable")[:, :n]
    assert np.array_equal(best.columns[:, :n], order)
    assert np.array_equal(best.scores[:, :n], np.take_along_axis(scores, order, axis=1))
    assert np.all(best.columns[:, n:] == -1)
    edge = best.scores[:, n - 1][:, None]
    above = scores > edge
    weight = (
        above + (scores == edge) * ((n - above.sum(axis=1)) / (scores == edge).sum(axis=1))[:, None]
    )
    first = weight[:, : starts[1]].sum(axis=1) / n
    np.testing.assert_allclose(best.shares[:, 0], np.column_stack([first, 1 - first]), atol=1e-12)


@settings(deadline=None, max_examples=80)
@given(
    pools=crowded_pools(),
    k=st.sampled_from([0, 1, 20, 100]),
    tile=st.sampled_from([(2, 64), (3, 130), (1024, 32_768)]),
    similarity=st.sampled_from(["dot", "euclidean"]),
)
def test_products_made_by_torch_give_the_same_bits(pools, k, tile, similarity):
    queries, passages, starts, cells = pools
    rows, columns = np.divmod(cells, len(passages))
    sides = prepare(queries, "query", similarity), prepare(passages, "passage", similarity)
    cutoffs = (k,) if k else ()

    with (
        patch.object(device_ranking, "ROWS", tile[0]),
        patch.object(device_ranking, "COLUMNS", tile[1]),
    ):
        by_torch = device_ranking.rank_on_device(
            Asked(*sides, rows, columns, starts, cutoffs), "cpu"
        )

    by_numpy = rank_cells(*sides, rows, columns, starts, cutoffs=cutoffs)
    for one, other in zip(by_torch, by_numpy, strict=True):
        for name, values in vars(one).items():
            if name != "settled":  # which scores float32 leaves open depends on who made them
                np.testing.assert_array_equal(values, getattr(other, name))

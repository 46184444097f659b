"""Our UMAP against umap-learn, and that a seed gives one picture."""

import numpy as np
import pytest

from alignkit.kernels.layout import nearest_by_cosine, principal_axes, trustworthiness, unit_vectors
from alignkit.kernels.umap import curve, neighbour_graph, umap

K = 15


@pytest.fixture(scope="module")
def units():
    rng = np.random.default_rng(0)
    meaning = np.repeat(rng.normal(size=(150, 24)), 5, axis=0)
    offsets = np.tile(rng.normal(size=(5, 24)), (150, 1))
    return unit_vectors(meaning + 0.5 * offsets + 0.4 * rng.normal(size=meaning.shape))


def lay_out(units, seed=0):
    near = nearest_by_cosine(units, K)
    return umap(*near, principal_axes(units), min_dist=0.1, seed=seed)


@pytest.mark.oracle
@pytest.mark.parametrize("twins", [0, 40])
def test_the_graph_is_that_of_umap_learn(units, twins):
    from umap.umap_ import fuzzy_simplicial_set

    units = np.vstack([units, np.repeat(units[:1], twins, axis=0)])  # all neighbours at distance 0
    rows, distances = nearest_by_cosine(units, K)
    expected, *_ = fuzzy_simplicial_set(
        units, K, np.random.RandomState(0), "cosine", knn_indices=rows, knn_dists=distances
    )
    assert abs(neighbour_graph(rows, distances) - expected).max() < 1e-4


@pytest.mark.oracle
@pytest.mark.parametrize("min_dist", [0.0, 0.1, 0.8])
def test_the_curve_is_that_of_umap_learn(min_dist):
    from umap.umap_ import find_ab_params

    assert curve(min_dist) == pytest.approx(find_ab_params(1.0, min_dist), rel=1e-4)


@pytest.mark.oracle
def test_the_map_is_trusted_as_that_of_umap_learn(units):
    from umap import UMAP

    theirs = UMAP(n_neighbors=K, min_dist=0.1, metric="cosine", random_state=0, n_jobs=1)
    maps = [lay_out(units), np.asarray(theirs.fit_transform(units), np.float64)]
    ours, expected = trustworthiness(units, maps, K)
    assert ours > expected - 0.005


def test_a_seed_gives_one_picture(units):
    first = lay_out(units)
    np.testing.assert_array_equal(lay_out(units), first)
    assert not np.array_equal(lay_out(units, seed=1), first)


def test_points_on_a_line_and_twins_are_laid_out_too():
    units = unit_vectors(np.repeat(np.eye(20, 3) + 0.1, 3, axis=0))
    start = np.column_stack([np.arange(60.0), np.zeros(60)])
    points = umap(*nearest_by_cosine(units, K), start, min_dist=0.1, seed=0)
    assert np.isfinite(points).all()

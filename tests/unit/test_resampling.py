"""Bootstrap, sign flips and Holm: numbers by hand, scipy and plain loops."""

import numpy as np
import pytest
from scipy import stats

from alignkit.kernels.resampling import (
    bootstrap_weights,
    group_means,
    holm,
    percentile_interval,
    ratios,
    sign_flip_p_values,
    weighted_sums,
)


def test_a_resample_holds_as_many_ids_as_the_data():
    weights = bootstrap_weights(30, 200, np.random.default_rng(0))

    assert weights.shape == (200, 30)
    assert set(weights.sum(axis=1)) == {30.0}
    assert weights.mean() == 1.0
    assert len(np.unique(weights, axis=0)) == 200


def test_weighted_sums_equal_drawing_the_ids_themselves():
    rng = np.random.default_rng(1)
    values = rng.standard_normal((6, 3))
    weights = np.array([[2.0, 0, 1, 0, 3, 0]])

    drawn = values[[0, 0, 2, 4, 4, 4]].sum(axis=0)

    assert weighted_sums(weights, values)[0] == pytest.approx(drawn)
    assert weighted_sums(weights, np.ones((6, 2))).tolist() == [[6.0, 6.0]]


def test_a_resample_without_any_value_is_undefined():
    assert np.isnan(ratios(np.array([[0.0]]), np.array([[0.0]]))).all()


def test_a_mean_over_languages_leaves_undefined_ones_out():
    values = np.array([[1.0, 3.0, np.nan], [1.0, 3.0, 8.0]])
    members = np.array([[True, True], [True, False], [True, False]])

    assert group_means(values, members).tolist() == [[2.0, 1.0], [4.0, 1.0]]


def test_percentile_interval_equals_numpy():
    resampled = np.random.default_rng(2).standard_normal((999, 4))
    resampled[:10, 2] = np.nan

    low, high = percentile_interval(resampled)

    assert low == pytest.approx(np.nanpercentile(resampled, 2.5, axis=0))
    assert high == pytest.approx(np.nanpercentile(resampled, 97.5, axis=0))


@pytest.mark.oracle
def test_sign_flips_agree_with_scipy():
    rng = np.random.default_rng(3)
    effects = rng.standard_normal((40, 3)) + np.array([0.0, 0.3, 0.6])

    found = sign_flip_p_values(effects, 20_000, rng)

    for column, p in zip(effects.T, found, strict=True):
        scipy = stats.permutation_test(
            (column,), np.mean, permutation_type="samples", n_resamples=20_000, rng=rng
        )
        assert p == pytest.approx(scipy.pvalue, abs=4 * np.sqrt(0.25 / 20_000) * 2)


def test_sign_flips_of_nothing_give_one():
    assert sign_flip_p_values(np.zeros((5, 2)), 100, np.random.default_rng(0)).tolist() == [
        1.0,
        1.0,
    ]


def test_the_least_p_is_bounded_by_the_number_of_flips():
    effects = np.ones((50, 1))  # flips that give 50 again are 2 in 2**50

    p = sign_flip_p_values(effects, 999, np.random.default_rng(0))

    assert p.tolist() == [1 / 1000]


def test_equal_sums_count_as_extreme_whatever_their_rounding():
    effects = np.array([[0.1], [0.2], [0.3]])  # one flip in four is as far out: all or no sign

    p = sign_flip_p_values(effects, 40_000, np.random.default_rng(0))

    assert p[0] == pytest.approx(0.25, abs=0.02)


def test_holm_by_hand():
    p_values = np.array([0.01, 0.04, np.nan, 0.03])

    assert holm(p_values)[[0, 1, 3]].tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert np.isnan(holm(p_values)[2])
    assert holm(np.array([0.6, 0.7])).tolist() == [1.0, 1.0]

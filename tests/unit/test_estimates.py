"""Estimates: BCa intervals, what could have been found, several runs of one strategy."""

import numpy as np
import pytest
from made import fully_parallel, planted_bias
from scipy import stats

from alignkit.comparison import tabulate
from alignkit.estimates import pool_runs
from alignkit.kernels.resampling import bca_interval, leave_one_out, percentile_interval
from alignkit.measures import measure

KEYS = ["task", "setting", "query_language", "passage_language", "metric"]
OVERALL = ("answer-retrieval", "multilingual", "*", "*")


def test_bca_equals_the_formulas_of_efron_and_tibshirani():
    rng = np.random.default_rng(0)
    data = rng.lognormal(size=40)
    resampled = rng.choice(data, (5000, 40)).mean(axis=1)

    without = np.array([np.delete(data, i).mean() for i in range(40)])
    z0 = stats.norm.ppf(np.mean(resampled < data.mean()))
    away = without.mean() - without
    a = np.sum(away**3) / (6 * np.sum(away**2) ** 1.5)
    z = z0 + stats.norm.ppf([0.025, 0.975])
    expected = np.quantile(resampled, stats.norm.cdf(z0 + z / (1 - a * z)))

    own = bca_interval(np.array([data.mean()]), resampled[:, None], without[:, None])

    assert own[:, 0] == pytest.approx(expected, rel=1e-9)


def test_bca_agrees_with_scipy_on_a_skewed_mean():
    rng = np.random.default_rng(1)
    data = rng.lognormal(sigma=1.2, size=60)
    theirs = stats.bootstrap((data,), np.mean, n_resamples=20_000, method="BCa", rng=rng)
    resampled = rng.choice(data, (20_000, 60)).mean(axis=1)
    without = (data.sum() - data) / 59

    own = bca_interval(np.array([data.mean()]), resampled[:, None], without[:, None])[:, 0]

    interval = theirs.confidence_interval
    assert own == pytest.approx([interval.low, interval.high], rel=0.02)
    plain = percentile_interval(resampled[:, None])[:, 0]
    assert own[1] > plain[1]  # a skewed mean is undercovered above


def test_bca_of_equal_resamples_is_the_value_itself():
    own = bca_interval(np.array([0.5]), np.full((100, 1), 0.5), np.full((9, 1), 0.5))

    assert own[:, 0] == pytest.approx([0.5, 0.5])


def test_leaving_out_an_id_equals_measuring_without_it():
    rng = np.random.default_rng(2)
    above, below = rng.random((6, 4)), (rng.random((6, 4)) < 0.7).astype(float)
    below[:, 0] = [0, 0, 1, 0, 0, 0]  # a cell that rests on one id
    above *= below
    members = np.array([[1, 0], [1, 1], [1, 1], [0, 1]], bool)
    members[0, 0] = True

    found = leave_one_out(above, below, members)

    for i in range(6):
        rest = np.delete(np.arange(6), i)
        total, count = above[rest].sum(axis=0), below[rest].sum(axis=0)
        cells = np.array([t / c if c else np.nan for t, c in zip(total, count, strict=True)])
        expected = [np.nanmean(cells[column]) for column in members.T]
        assert found[i] == pytest.approx(expected)


def one_run(strength, seed, n_ids=80):
    dataset = fully_parallel(["ar", "de", "en"], n_ids)
    return measure(dataset, *planted_bias(np.random.default_rng(seed), dataset, strength))


def overall(table, name):
    return table.set_index(KEYS).sort_index().loc[(*OVERALL, name)]


@pytest.fixture(scope="module")
def weak_and_strong():
    return one_run(0.6, 0), one_run(0.8, 0)


def test_bca_intervals_hold_the_value_and_differ_from_percentiles(weak_and_strong):
    both = dict(zip("ab", weak_and_strong, strict=True))
    plain, bca = (tabulate(both, "a", interval=kind)[0] for kind in ("percentile", "bca"))

    inside = (bca["ci_low"] <= bca["value"] + 1e-6) & (bca["value"] <= bca["ci_high"] + 1e-6)
    assert inside[bca["ci_low"].notna()].all()
    assert not np.allclose(plain["ci_low"], bca["ci_low"], equal_nan=True)


def test_a_difference_as_large_as_the_detectable_one_is_found_four_times_of_five():
    # A mean over 100 ids of paired differences with known spread.
    rng = np.random.default_rng(3)
    _, table = tabulate({"a": one_run(0.6, 0), "b": one_run(0.7, 0)}, "a")
    row = overall(table, "rank_distance")
    error = row["mdd"] / 2.8016
    drawn = row["mdd"] + error * rng.standard_normal(4000)

    assert np.mean(np.abs(drawn) > 1.96 * error) == pytest.approx(0.8, abs=0.02)
    assert error == pytest.approx((row["ci_high"] - row["ci_low"]) / 3.92, rel=0.15)


def test_one_query_id_has_a_value_but_no_interval_and_no_test():
    dataset = fully_parallel(["de", "en"], 1, 12)
    measures = {
        name: measure(dataset, *planted_bias(np.random.default_rng(seed), dataset, 1.0))
        for seed, name in enumerate("ab")
    }
    metrics, comparisons = tabulate(measures, "a")

    value = metrics["value"].notna()
    assert value.any()
    assert metrics.loc[value, ["ci_low", "ci_high"]].isna().all(axis=None)
    assert comparisons[["p_value", "p_adjusted", "ci_low", "mdd"]].isna().all(axis=None)


def test_runs_of_a_strategy_have_the_mean_and_a_wider_interval():
    # The same ids; runs differ by the noise of their vectors.
    runs = [one_run(0.6, seed) for seed in range(4)]

    single = overall(tabulate({"a": runs[0]}, "a")[0], "map")
    table = tabulate({"a": pool_runs(runs)}, "a")[0]
    pooled = overall(table, "map")

    values = [overall(tabulate({"a": run}, "a")[0], "map")["value"] for run in runs]
    assert pooled["value"] == pytest.approx(np.mean(values), abs=1e-9)
    error = np.std(values, ddof=1) / 2
    assert pooled["ci_high"] - pooled["ci_low"] > 2 * stats.t.ppf(0.975, 3) * error * 0.95
    assert single["ci_high"] > single["ci_low"]


def test_equal_runs_add_nothing():
    run = one_run(0.6, 0)

    single, pooled = (tabulate({"a": one}, "a")[0] for one in (run, pool_runs([run, run, run])))

    for column in ("value", "ci_low", "ci_high"):
        np.testing.assert_allclose(single[column], pooled[column], atol=1e-6)


def test_runs_that_differ_as_much_among_themselves_as_from_others_show_no_difference():
    # With ids held fixed every run "differs"; a further pair of runs would go the other way.
    spread = [one_run(strength, 0, 300) for strength in (0.5, 0.7, 0.9)]
    others = [one_run(strength, 0, 300) for strength in (0.55, 0.75, 0.95)]

    _, runs = tabulate({"a": pool_runs(spread), "b": pool_runs(others)}, "a")
    _, single = tabulate({"a": spread[1], "b": others[1]}, "a")

    assert overall(single, "rank_distance")["p_value"] < 0.01
    row = overall(runs, "rank_distance")
    assert row["p_value"] > 0.3
    assert row["ci_low"] < 0 < row["ci_high"]


@pytest.mark.slow
def test_the_test_over_runs_keeps_its_level_and_its_interval_its_coverage():
    # Runs and ids both vary; the null is true. Values of (runs, ids) are made without vectors.
    from alignkit.estimates import Resampler, of_two_strategies
    from alignkit.measures import Design, Measured

    rng = np.random.default_rng(4)
    ones = Design(np.ones((60, 1)), (("*", "*"),), np.ones((1, 1), bool))
    nothing = np.full(1, np.nan)

    def strategy(common, n):
        runs = 0.5 * rng.standard_normal((n, 1)) + common + rng.standard_normal((n, 60))
        return Measured("answer-retrieval", "monolingual", "map", runs.mean(axis=0)[:, None], ones,
                        nothing, nothing, "", runs=runs.mean(axis=1)[:, None])  # fmt: skip

    from alignkit.comparison import _Pair

    rejected, covered, n = 0, 0, 600
    for _ in range(n):
        common = rng.standard_normal(60)
        resampler = Resampler(60, 300, rng)
        one, other = strategy(common, 4), strategy(common, 4)
        runs = of_two_strategies(one, other)
        change = _Pair("b", one, other, resampler, runs).change(resampler)
        rejected += change.p_of_runs(np.array([60]))[0] < 0.05
        covered += change.interval[0, 0] <= 0 <= change.interval[1, 0]
    assert rejected / n < 0.065
    assert covered / n > 0.935

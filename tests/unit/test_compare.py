"""Intervals and tests: by query id, paired, adjusted; null with a reason."""

import numpy as np
import pytest
from made import fully_parallel, partly_parallel, planted_bias, random_embeddings

from alignkit.comparison import tabulate
from alignkit.measures import measure
from alignkit.tables import COMPARISON_COLUMNS, METRIC_COLUMNS

KEYS = ["task", "setting", "query_language", "passage_language", "metric"]


@pytest.fixture(scope="module")
def biased_and_not():
    dataset = fully_parallel(["ar", "de", "en", "th"], 60)
    measures = {
        name: measure(dataset, *planted_bias(np.random.default_rng(0), dataset, strength))
        for name, strength in (("fair", 0.1), ("biased", 2.0))
    }
    return tabulate(measures, "fair", n_resamples=300, seed=1)


def test_tables_have_the_columns_of_the_contract(biased_and_not):
    metrics, comparisons = biased_and_not
    assert list(metrics.columns) == [*METRIC_COLUMNS, "best", "random", "reason"]
    assert list(comparisons.columns) == [*COMPARISON_COLUMNS, "effect_size", "mdd", "reason"]


def test_rows_of_each_setting_are_those_of_the_contract(biased_and_not):
    metrics, _ = biased_and_not
    own = metrics[(metrics["checkpoint"] == "fair")]

    def rows(task, setting, metric):
        found = own[(own["task"] == task) & (own["setting"] == setting) & (own["metric"] == metric)]
        return set(zip(found["query_language"], found["passage_language"], strict=True))

    languages = ["ar", "de", "en", "th"]
    pairs = {(a, b) for a in languages for b in languages}
    same, means, overall = {(a, a) for a in languages}, {(a, "*") for a in languages}, {("*", "*")}
    assert rows("answer-retrieval", "monolingual", "map") == same | overall
    assert rows("answer-retrieval", "cross-lingual", "map") == (pairs - same) | means | overall
    assert rows("answer-retrieval", "multilingual", "map") == means | overall
    assert rows("answer-retrieval", "multilingual", "rank_distance") == means | overall
    assert rows("answer-retrieval", "multilingual", "preference_rank") == pairs | means | overall
    assert (
        rows("answer-retrieval", "multilingual", "same_language_lift@10") == pairs | means | overall
    )
    assert rows("answer-retrieval", "multilingual", "language_share@10") == pairs
    cross = (pairs - same) | means | overall
    assert rows("question-alignment", "cross-lingual", "cosine_margin") == cross
    assert rows("question-alignment", "cross-lingual", "recall@1") == cross


def test_a_planted_bias_is_found_with_its_sign_and_a_small_p(biased_and_not):
    _, comparisons = biased_and_not
    overall = (
        comparisons.set_index(KEYS).sort_index().loc["answer-retrieval", "multilingual", "*", "*"]
    )

    distance = overall.loc["rank_distance"]

    assert distance["delta"] > 0
    assert distance["ci_low"] > 0
    assert distance["p_value"] < 0.002
    assert distance["effect_size"] > 1
    assert distance["n"] == 60


def test_a_delta_is_the_candidate_less_the_baseline(biased_and_not):
    metrics, comparisons = biased_and_not
    by_label = {
        label: rows.set_index(KEYS)["value"] for label, rows in metrics.groupby("checkpoint")
    }

    indexed = comparisons.set_index(KEYS)

    expected = by_label["biased"] - by_label["fair"]
    assert indexed["delta"].to_numpy() == pytest.approx(
        expected.loc[indexed.index].to_numpy(), nan_ok=True
    )


def test_an_interval_resamples_a_question_with_all_its_translations():
    # Every language answers the same ids: 200 independent ids, seen 4 times each. An interval that
    # took the 800 queries for independent would be half as wide.
    dataset = fully_parallel(["ar", "de", "en", "th"], 200)
    rng = np.random.default_rng(0)
    queries, passages = planted_bias(rng, dataset, 0.0, noise=0.0)
    weak = rng.random(200) < 0.5
    spoiled = queries.vectors.copy()
    spoiled[np.tile(weak, 4)] = rng.standard_normal((4 * weak.sum(), 24)).astype(np.float32)
    queries = type(queries)(queries.texts, spoiled)

    metrics, _ = tabulate({"a": measure(dataset, queries, passages)}, "a", n_resamples=2000)

    row = (
        metrics.set_index(KEYS)
        .sort_index()
        .loc["answer-retrieval", "monolingual", "*", "*", "recall@1"]
    )
    share = row["value"]
    by_id = 2 * 1.96 * np.sqrt(share * (1 - share) / 200)
    assert row["ci_high"] - row["ci_low"] == pytest.approx(by_id, rel=0.1)


def test_p_values_are_adjusted_within_a_metric_setting_and_level(biased_and_not):
    _, comparisons = biased_and_not
    rows = comparisons[
        (comparisons["metric"] == "map") & (comparisons["setting"] == "cross-lingual")
        & (comparisons["query_language"] != "*") & (comparisons["passage_language"] != "*")
    ]  # fmt: skip

    ordered = rows.sort_values("p_value")

    assert len(rows) == 12
    assert ordered["p_adjusted"].iloc[0] == pytest.approx(min(1, 12 * ordered["p_value"].iloc[0]))
    assert (ordered["p_adjusted"] >= ordered["p_value"]).all()


def test_a_pair_without_queries_is_null_with_a_reason():
    rng = np.random.default_rng(0)
    dataset = partly_parallel(rng, languages=("de", "en", "th"), n_ids=6, n_passages=8)
    thai = dataset.queries.frame["language"] == "th"
    only = dataset.queries.frame[~thai | (dataset.queries.frame["parallel_id"] == "none")]
    smaller = type(dataset)(
        dataset.card, type(dataset.queries)(only.reset_index(drop=True)), dataset.passages,
        dataset.qrels[~dataset.qrels["query_id"].str.startswith("th")], "0",
    )  # fmt: skip

    metrics, _ = tabulate({"a": measure(smaller, *random_embeddings(rng, smaller))}, "a")

    row = (
        metrics.set_index(KEYS)
        .sort_index()
        .loc["answer-retrieval", "cross-lingual", "de", "th", "map"]
    )
    assert np.isnan(row["value"])
    assert row["n"] == 0
    assert row["reason"] == "no query has a relevant passage in the pool"
    assert not np.isnan(
        metrics.set_index(KEYS)["value"]["answer-retrieval", "cross-lingual", "*", "*", "map"]
    )


def test_a_seed_gives_the_same_tables_again():
    dataset = fully_parallel(["de", "en"], 20)
    measures = {"a": measure(dataset, *random_embeddings(np.random.default_rng(0), dataset))}

    one, _ = tabulate(measures, "a", n_resamples=50, seed=7)
    two, _ = tabulate(measures, "a", n_resamples=50, seed=7)

    assert one.equals(two)

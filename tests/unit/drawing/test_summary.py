from dataclasses import replace

import numpy as np
import pytest

from alignkit.report.summary import KEY_COLUMNS, key_table, verdict


def compared(make_results, **measures):
    """Results whose comparisons of macro averages are (delta, low, high, p) as given by metric."""
    results = make_results(("A", "B"), ("de", "en"), n_ids=3)
    rows = results.comparisons.copy()
    for metric, (setting, *numbers) in measures.items():
        here = (rows["metric"] == metric) & (rows["setting"] == setting)
        here &= (rows["query_language"] == "*") & (rows["task"] == "answer-retrieval")
        rows.loc[here, ["delta", "ci_low", "ci_high", "p_value", "p_adjusted"]] = [
            *numbers[:3], numbers[3] / 2, numbers[3],
        ]  # fmt: skip
    return replace(results, comparisons=rows)


def test_a_gain_is_stated_with_its_interval_and_what_it_cost(make_results):
    results = compared(
        make_results,
        rank_distance=("multilingual", -120.0, -150.0, -90.0, 0.002),
        map=("monolingual", -0.012, -0.02, -0.004, 0.03),
    )
    assert verdict(results) == [
        "On sample, B lowers rank distance by 120.0 (95 % CI 90.0 to 150.0, p = .002) against A; "
        "monolingual mAP changes by −.012 (95 % CI −.020 to −.004, p = .030)."
    ]


def test_a_loss_is_called_one(make_results):
    results = compared(
        make_results,
        rank_distance=("multilingual", 5.0, 2.0, 8.0, 0.0001),
        map=("monolingual", 0.0, -0.02, 0.02, 1.0),
    )
    assert verdict(results) == [
        "On sample, B raises rank distance by 5.0 (95 % CI 2.0 to 8.0, p < .001) against A, for "
        "the worse; no difference in monolingual mAP could be shown (change .000, 95 % CI −.020 "
        "to +.020, p = 1.00)."
    ]


def test_what_is_not_significant_is_not_called_a_difference(make_results):
    results = compared(
        make_results,
        rank_distance=("multilingual", -3.0, -8.0, 2.0, 0.05),
        map=("monolingual", 0.1, 0.05, 0.15, 0.01),
    )
    assert verdict(results)[0].startswith(
        "On sample, no difference in rank distance could be shown between B and A (change −3.0, "
        "95 % CI −8.0 to +2.0, p = .050; one of 4.2 would have been found four times of five); "
        "monolingual mAP changes by +.100"
    )


def test_an_interval_across_0_keeps_its_signs_where_p_is_small(make_results):
    results = compared(
        make_results, rank_distance=("multilingual", -3.0, -8.0, 0.5, 0.04),
    )  # fmt: skip
    assert "by 3.0 (95 % CI of the change −8.0 to +0.5, p = .040)" in verdict(results)[0]


def test_one_checkpoint_is_described(make_results):
    results = make_results(("A",), ("de", "en"))
    (sentence,) = verdict(results)
    assert sentence.startswith("On sample, A has a rank distance of ")
    assert " and a monolingual mAP of ." in sentence


def test_a_measure_without_value_is_replaced_and_its_reason_given(make_results):
    (sentence,) = verdict(make_results(("A", "B"), ("de", "en"), undefined=("rank_distance",)))
    assert "cross-lingual mAP" in sentence
    assert sentence.endswith("Rank distance is not defined: no parallel queries.")


def test_nothing_measured_is_said_so(make_results):
    everything = ("rank_distance", "map", "recall@1", "ndcg@10")
    results = make_results(("A", "B"), ("de", "en"), undefined=everything)
    assert verdict(results) == [
        "On sample, B cannot be compared with A. Rank distance is not defined: no parallel queries."
    ]
    alone = make_results(("A",), ("de", "en"), undefined=everything)
    (sentence,) = verdict(alone)
    assert sentence.startswith("On sample, there is nothing to say of A. Rank distance is not ")


def test_every_candidate_and_dataset_has_a_sentence(make_results):
    results = make_results(("A", "B", "C"), ("de", "en"), datasets=("one", "two"), n_ids=2)
    starts = [sentence.split(",")[0] for sentence in verdict(results)]
    assert starts == ["On one", "On one", "On two", "On two"]


def test_the_baseline_need_not_stand_first(make_results):
    results = make_results(("A", "B"), ("de", "en"))
    order = results.provenance["checkpoints"][::-1]
    turned = replace(results, provenance={**results.provenance, "checkpoints": order})
    assert verdict(turned) == verdict(results)


def test_key_table_has_a_row_a_measure_and_checkpoint(make_results):
    results = make_results(("A", "B"), ("de", "en"), undefined=("complete@20",))

    keys = key_table(results)

    assert list(keys) == KEY_COLUMNS
    row = keys.query("metric == 'rank_distance' and checkpoint == 'B'").squeeze()
    assert row["higher_is_better"] is False
    assert row["delta"] == pytest.approx(
        row["value"] - keys.query("metric == 'rank_distance' and checkpoint == 'A'")["value"].item()
    )
    null = keys.query("metric == 'complete@20' and checkpoint == 'A'").squeeze()
    assert np.isnan(null["value"])
    assert null["reason"] == "no parallel queries"


def test_key_table_leaves_out_what_a_dataset_has_not(make_results):
    keys = key_table(make_results(("A",), ("de", "en"), tasks=("question-alignment",)))
    assert keys["metric"].tolist() == ["recall@1", "cosine_margin"]

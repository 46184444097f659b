import base64
import json
import zlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from alignkit.report.payload import page_data, payload
from alignkit.tables import HIT_COLUMNS, STORED_TEXT_COLUMNS


def cell(data, query, passage):
    languages = data["languages"]
    return languages.index(query) * len(languages) + languages.index(passage)


@pytest.fixture(scope="module")
def data(results):
    return page_data(results)["datasets"][0]


def test_what_the_page_unpacks_is_what_was_packed(results):
    unpacked = json.loads(zlib.decompress(base64.b64decode(payload(results))))
    assert unpacked == json.loads(json.dumps(page_data(results)))


def test_a_cell_has_the_value_of_its_pair_and_the_change_against_the_baseline(results, data):
    found = next(one for one in data["measures"] if one["metric"] == "preference_rank")
    at = cell(data, "de", "th")
    rows = results.metrics.query("metric == 'preference_rank' and query_language == 'de'")
    rows = rows[(rows["passage_language"] == "th") & (rows["checkpoint"] == "tuned")]
    assert found["value"][1][at] == pytest.approx(rows["value"].item(), abs=0.05)
    assert found["n"][1][at] == rows["n"].item()
    changes = results.comparisons.query("metric == 'preference_rank' and query_language == 'de'")
    change = changes[changes["passage_language"] == "th"]
    assert found["delta"][0][at] == pytest.approx(change["delta"].item(), abs=0.05)


def test_own_and_other_languages_fill_one_matrix(data):
    found = next(one for one in data["measures"] if one["metric"] == "map")
    assert None not in found["value"][0]


def test_a_measure_without_values_is_left_out(make_results):
    data = page_data(make_results(n_ids=4, undefined=("map",)))["datasets"][0]
    assert "map" not in [one["metric"] for one in data["measures"]]
    assert "mrr" in [one["metric"] for one in data["measures"]]


def test_a_histogram_counts_every_rank_of_its_pair(results, data):
    pairs = data["pairs"]
    bars = len(pairs["upper"]) + 1
    at = cell(data, "ar", "en")
    counts = pairs["histograms"]["all"][0][at * bars : (at + 1) * bars]
    rows = results.per_query.query("checkpoint == 'base' and query_language == 'ar'")
    ranks = rows[rows["passage_language"] == "en"]["rank"]
    assert sum(counts) == len(ranks) == 40
    within_100 = counts[: pairs["upper"].index(100) + 1]
    assert sum(within_100) == sum(ranks <= 100)


def test_the_questions_shown_are_those_whose_ranks_changed_most(results, data):
    shown = data["pairs"]["shown"][cell(data, "hi", "de")]
    rows = results.per_query.query("query_language == 'hi' and passage_language == 'de'")
    before, after = (
        rows[rows["checkpoint"] == label].set_index("query")["rank"] for label in ("base", "tuned")
    )
    change = np.log2(after) - np.log2(before)
    names = [data["pairs"]["queries"][query][0] for query, *_ in shown]
    expected = {*change.nlargest(3).index, *change.nsmallest(3).index}
    assert set(names) == expected
    for name, (_, _, _, rank, other) in zip(names, shown, strict=True):
        assert (rank, other) == (before[name], after[name])


def test_lists_say_which_passages_answer_and_lead_to_the_readers_language(data):
    pairs = data["pairs"]
    query = pairs["shown"][cell(data, "hi", "de")][0][0]
    number = pairs["queries"][query][0].removeprefix("hi:q")
    found = pairs["hits"][0][query]
    assert len(found) == 5
    assert [answers for _, answers in found] == [1, 0, 0, 0, 0]
    first = found[0][0]
    assert pairs["passages"][first][2] == f"hi <i>{number}"
    parallel = pairs["passages"][pairs["passage_parallels"][first]]
    assert parallel == (f"en:{number}-0-0", "en", f"en <i>{number}")
    asked = pairs["queries"][pairs["query_parallels"][query]]
    assert asked[0] == f"en:q{number}"


def test_a_reader_of_another_language_gets_parallels_in_it(results):
    pairs = page_data(results.read_in("th"))["datasets"][0]["pairs"]
    known = {pairs["queries"][i][0].split(":")[0] for i in pairs["query_parallels"] if i >= 0}
    assert known == {"th"}


def test_many_pairs_share_what_room_there_is(make_results, monkeypatch):
    monkeypatch.setattr("alignkit.report.questions.MOST_QUERIES", 7)
    pairs = page_data(make_results(n_ids=12))["datasets"][0]["pairs"]
    assert pairs["queries_shown"] == len(pairs["hits"][1]) == 7


def test_points_keep_their_proportions_and_translations_one_question(results, data):
    points = data["points"]
    packed = np.frombuffer(base64.b64decode(points["maps"][1]), "<u2").reshape(-1, 2)
    rows = results.projection.query("checkpoint == 'tuned'")
    stored = rows[["x", "y"]].to_numpy(float)
    ratio = np.ptp(packed[:, 0].astype(float)) / np.ptp(packed[:, 1].astype(float))
    assert ratio == pytest.approx(np.ptp(stored[:, 0]) / np.ptp(stored[:, 1]), rel=1e-3)
    questions = pd.Series(points["questions"])
    same = pd.Series(points["ids"]).groupby(questions).nunique()
    assert len(same) == 40
    assert (same == 1).all()
    assert points["texts"][0] == "Question 0 in ar?"


def test_one_checkpoint_shows_its_worst_ranks(make_results):
    results = make_results(("only",), n_ids=15)
    pairs = page_data(results)["datasets"][0]["pairs"]
    rows = results.per_query.query("query_language == 'en' and passage_language == 'ar'")
    data = page_data(results)["datasets"][0]
    shown = pairs["shown"][cell(data, "en", "ar")]
    assert sorted(after for *_, after in shown) == sorted(rows["rank"].nlargest(6))


def test_a_run_of_an_older_alignkit_has_no_lists_and_no_texts(results):
    old = replace(
        results, hits=pd.DataFrame(columns=HIT_COLUMNS),
        texts=pd.DataFrame(columns=STORED_TEXT_COLUMNS),
    )  # fmt: skip
    data = page_data(old)["datasets"][0]
    assert not any(data["pairs"]["hits"].values())
    assert {text for *_, text in data["pairs"]["queries"]} == {None}
    assert data["points"]["texts"] is None


def test_a_papers_models_stand_in_the_trade_off_where_both_are_known(results):
    rows = [
        ("arXiv 2408.10536", model, "hybrid", "sample", "answer-retrieval", setting, "*", "*",
         metric, value)
        for model, setting, metric, value in (
            ("LaBSE", "monolingual", "map", 0.8),
            ("LaBSE", "multilingual", "rank_distance", 200.0),
            ("XLM-R", "monolingual", "map", 0.7),
        )
    ]  # fmt: skip
    published = pd.DataFrame(rows, columns=results.published.columns)
    found = page_data(replace(results, published=published))["datasets"][0]["tradeOff"]
    assert found["published"] == [
        {"label": "LaBSE hybrid (arXiv 2408.10536)", "x": 0.8, "y": 200.0}
    ]
    assert [point["label"] for point in found["points"]] == ["base", "tuned"]

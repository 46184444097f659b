"""Repairs, compressions, groups, published figures and pooled runs, from the command line."""

import json

import numpy as np
import pandas as pd
import pytest
from refusals import refused

ASKED = (
    "--what-if", "centre,lir:1", "--truncate-dim", "4,8", "--quantize", "int8,binary",
    "--group-by", "script,seen", "--seen", "de,th", "--no-umap", "--format", "svg",
    "--bootstrap", "50",
)  # fmt: skip


@pytest.fixture
def compare(alignkit, data, vectors):
    """Compare two sound checkpoints."""
    vectors("a.npz")
    vectors("b.npz", seed=1)
    return lambda *options: alignkit("compare", "a.npz", "b.npz", "--data", data, "--out", "run",
                                     *options)  # fmt: skip


def test_everything_that_was_asked_for_is_written_and_shown(compare, here):
    code, out, err = compare(*ASKED)

    assert code == 0, err
    run = here / "run"
    repairs, compressed = pd.read_csv(run / "what_if.csv"), pd.read_csv(run / "compression.csv")
    assert set(repairs["variant"]) == {"centre", "lir:1"}
    assert set(compressed["variant"]) == {"dim-4", "dim-8", "int8", "binary"}
    assert set(repairs["checkpoint"]) == {"a", "b"}
    columns = {"as_is", "value", "delta", "ci_low", "ci_high", "p_value", "p_adjusted", "mdd"}
    assert columns < set(repairs.columns)
    np.testing.assert_allclose(repairs["value"] - repairs["as_is"], repairs["delta"], atol=1e-9)
    metrics = pd.read_csv(run / "metrics.csv")
    assert {"script:Latn", "script:Thai", "seen:yes", "seen:no"} < set(metrics["query_language"])
    stored = json.loads((run / "provenance.json").read_text("utf-8"))
    assert stored["settings"]["what_if"] == ["centre", "lir:1"]
    for name in ("small-what-if", "small-compression"):
        assert (run / "figures" / f"{name}.svg").is_file()
    page = (run / "report.html").read_text("utf-8")
    assert "What repairs would buy" in page
    assert "What smaller vectors would cost" in page
    assert "languages not trained on" in page
    assert "What repairs would buy and cost a on small." in out
    assert "No repair could be shown to help" in out or "Of the repairs," in out


def test_what_was_not_asked_for_leaves_no_file(compare, here):
    code, _, err = compare("--no-umap", "--format", "svg", "--bootstrap", "50")
    assert code == 0, err
    assert not (here / "run" / "what_if.csv").exists()
    assert not (here / "run" / "compression.csv").exists()


def test_the_key_table_in_json_has_limits_and_what_could_have_been_found(compare):
    _, out, _ = compare("--no-umap", "--format", "svg", "--bootstrap", "50", "--json")
    rows = {
        (row["checkpoint"], row["metric"], row["setting"]): row
        for row in json.loads(out)["key_table"]
    }
    row = rows["b", "rank_distance", "multilingual"]
    assert row["best"] == 2
    assert row["random"] == pytest.approx(37 * 2 / 4)
    assert row["mdd"] > 0
    assert rows["a", "rank_distance", "multilingual"]["mdd"] is None


def test_bca_intervals_are_others_than_percentile_ones(alignkit, data, vectors, here):
    vectors("a.npz")
    found = []
    for kind in ("percentile", "bca"):
        code, _, err = alignkit(
            "analyze", "a.npz", "--data", data, "--out", kind, "--no-umap", "--format", "svg",
            "--interval", kind,
        )  # fmt: skip
        assert code == 0, err
        found.append(pd.read_csv(here / kind / "metrics.csv"))
    one, other = found
    pd.testing.assert_series_equal(one["value"], other["value"])
    assert (one["ci_low"] != other["ci_low"]).mean() > 0.2


def test_runs_of_one_strategy_are_pooled(alignkit, data, vectors, here):
    for seed in range(4):
        vectors(f"{seed}.npz", seed=seed)
    code, _, err = alignkit(
        "compare", "one=0.npz,1.npz", "two=2.npz,3.npz", "--data", data, "--out", "run",
        "--no-umap", "--format", "svg", "--what-if", "centre",
    )  # fmt: skip
    assert code == 0, err
    singly = alignkit(
        "compare", "0.npz", "1.npz", "--data", data, "--out", "single", "--no-umap", "--format",
        "svg",
    )  # fmt: skip
    assert singly[0] == 0, singly[2]

    pooled, single = (pd.read_csv(here / name / "metrics.csv") for name in ("run", "single"))
    own = pooled[pooled["checkpoint"] == "one"]["value"].to_numpy()
    each = [single[single["checkpoint"] == label]["value"].to_numpy() for label in (0, 1)]
    np.testing.assert_allclose(own, np.mean(each, axis=0), atol=1e-9)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--what-if", "center"), ("center", "Did you mean 'centre'")),
        (("--what-if", "lir"), ("lir:N",)),
        (("--quantize", "int4"), ("int4", "int8, binary")),
        (("--truncate-dim", "8,16"), ("--truncate-dim 16", "all 16 dimensions")),
        (("--group-by", "continent"), ("continent", "script, family, seen")),
        (("--group-by", "seen"), ("--seen ar,de,en",)),
        (("--published", "2408.1053"), ("did you mean 2408.10536",)),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(compare, here, options, words):
    refused(compare("--no-umap", *options), *words)
    assert not (here / "run").exists()


def test_too_few_questions_for_a_repair(alignkit, here, vectors):
    rows = [
        {"query_id": f"q{i}", "language": a, "query": f"{a}? {i}", "passage_id": f"p{i}",
         "passage": f"{a} {i}."}
        for a in ("de", "en", "th")
        for i in range(6)
    ]  # fmt: skip
    (here / "few.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")

    def first_six(ids, embeddings):
        kept = [int(name.split(":")[1][1:]) < 6 for name in ids.tolist()]
        return ids[kept], embeddings[kept]

    vectors("few.npz", change=first_six)
    result = alignkit(
        "analyze", "few.npz", "--data", "files:few.jsonl", "--what-if", "centre", "--no-umap",
        "--out", "run",
    )  # fmt: skip
    refused(result, "6 questions, too few to learn a repair", "--what-if")
    assert not (here / "run").exists()

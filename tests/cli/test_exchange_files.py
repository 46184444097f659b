"""Runs for TREC's tools and results for MTEB's."""

import json

import pandas as pd
import pytest
from refusals import refused

ASKED = ("--no-umap", "--format", "svg", "--bootstrap", "50")


@pytest.fixture
def run(alignkit, data, vectors, here):
    vectors("a.npz")
    vectors("b.npz", seed=1)
    code, _, err = alignkit("compare", "a.npz", "b.npz", "--data", data, "--out", "run", "--trec",
                            "--mteb", *ASKED)  # fmt: skip
    assert code == 0, err
    return here / "run"


def overall(run, metric, checkpoint):
    rows = pd.read_csv(run / "metrics.csv")
    where = {"metric": metric, "checkpoint": checkpoint, "setting": "multilingual",
             "query_language": "*"}  # fmt: skip
    return rows.loc[(rows[list(where)] == pd.Series(where)).all(axis=1), "value"].item()


@pytest.mark.oracle
@pytest.mark.parametrize("checkpoint", ["a", "b"])
def test_pytrec_eval_finds_our_values_in_the_run(run, checkpoint):
    import pytrec_eval

    with (run / "trec" / "small.qrels").open() as file:
        qrels = pytrec_eval.parse_qrel(file)
    with (run / "trec" / f"small-{checkpoint}.run").open() as file:
        found = pytrec_eval.parse_run(file)
    assert {len(of_query) for of_query in found.values()} == {36}  # the whole pool
    names = {
        "map": "map",
        "ndcg_cut_10": "ndcg@10",
        "recall_10": "recall@10",
        "P_10": "precision@10",
    }
    evaluated = pytrec_eval.RelevanceEvaluator(qrels, {"map", "ndcg_cut.10", "recall.10", "P.10"})
    rows = pd.DataFrame(evaluated.evaluate(found)).T
    for theirs, ours in names.items():
        assert rows[theirs].mean() == pytest.approx(overall(run, ours, checkpoint), abs=1e-6)


def test_the_results_are_in_the_layout_of_mteb(run):
    stored = json.loads((run / "mteb" / "a" / "alignkit-small.json").read_text("utf-8"))
    subsets = stored["scores"]["test"]
    assert [one["hf_subset"] for one in subsets] == ["de", "en", "th"]
    assert [one["languages"] for one in subsets] == [["deu-Latn"], ["eng-Latn"], ["tha-Thai"]]
    rows = pd.read_csv(run / "metrics.csv")
    rows = rows[(rows["checkpoint"] == "a") & (rows["metric"] == "ndcg@10")
                & (rows["query_language"] == "th") & (rows["passage_language"] == "th")
                & (rows["task"] == "answer-retrieval")]  # fmt: skip
    assert subsets[2]["ndcg_at_10"] == subsets[2]["main_score"]
    assert subsets[2]["main_score"] == pytest.approx(rows["value"].item())
    assert json.loads((run / "mteb" / "a" / "model_meta.json").read_text("utf-8"))["revision"]


def test_mteb_reads_them(run):
    results = pytest.importorskip("mteb.results.task_result", reason="needs `pip install mteb`")
    read = results.TaskResult.from_disk(run / "mteb" / "b" / "alignkit-small.json")
    assert read.languages


def test_drawn_again_a_run_keeps_them(run, alignkit):
    before = (run / "trec" / "small-a.run").read_bytes()
    assert alignkit("report", run, "--format", "svg")[0] == 0
    assert (run / "trec" / "small-a.run").read_bytes() == before
    assert (run / "mteb" / "a" / "model_meta.json").is_file()


def test_an_id_with_a_blank_cannot_be_written(alignkit, here, vectors):
    rows = [
        {"query_id": f"q {i}", "language": a, "query": f"{a} what is {i}?",
         "passage_id": f"p{i}", "passage": f"{a} this is {i}."}
        for a in ("de", "en", "th") for i in range(12)
    ]  # fmt: skip
    (here / "blank.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")

    def spaced(ids, embeddings):
        return [name.replace(":q", ":q ") for name in ids], embeddings

    vectors("a.npz", change=spaced)
    refused(alignkit("analyze", "a.npz", "--data", "files:blank.jsonl", "--out", "run", "--trec",
                     *ASKED), "has a blank in it", "--trec")  # fmt: skip
    assert not (here / "run").exists()

"""Training from the command line, the way of its steps, and the demo."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from refusals import refused
from training_run import write_data

SMALL = (
    "--init", "scratch,vocabulary=200,dim=16", "--batch", "8", "--steps", "12", "--save-every", "4",
    "--device", "cpu",
)  # fmt: skip
FAST = ("--format", "svg", "--bootstrap", "50")


@pytest.fixture
def data(here):
    return write_data(here / "data.jsonl", n_ids=48)


def test_what_is_trained_can_be_compared(alignkit, data):
    for strategy in ("monolingual", "hybrid"):
        code, out, err = alignkit(
            "train", "--strategy", strategy, "--data", data, "--out", strategy, *SMALL
        )
        assert code == 0, err
        assert f"Trained: {strategy}." in out
    assert "hybrid (alpha 0.5): 12 steps of 8 from 144 examples" in err
    code, out, err = alignkit(
        "compare", "monolingual", "hybrid", "--data", data, "--out", "run", "--no-umap", *FAST
    )
    assert code == 0, err
    assert "rank distance" in out


def test_the_steps_of_a_training_are_a_way(alignkit, data, here):
    alignkit("train", "--strategy", "cross-lingual", "--data", data, "--out", "runs/cross", *SMALL)
    code, out, err = alignkit("analyze", "runs/cross", "--data", data, "--out", "way", *FAST)

    assert code == 0, err
    assert "against step-4" in out
    assert {path.name for path in (here / "way" / "figures").iterdir()} == {"data-trajectory.svg"}
    table = pd.read_csv(here / "way" / "tables" / "data-trajectory.csv")
    assert table.iloc[:, 0].astype(str).tolist()[-3:] == ["4", "8", "12"]
    metrics = pd.read_csv(here / "way" / "metrics.csv")
    assert set(metrics["checkpoint"]) == {"step-4", "step-8", "step-12"}
    provenance = json.loads((here / "way" / "provenance.json").read_text("utf-8"))
    assert provenance["trajectory"]["steps"] == [4, 8, 12]
    assert provenance["trajectory"]["training"]["strategy"] == "cross-lingual"

    alone = alignkit("analyze", "runs/cross/checkpoint-8", "--data", data, "--out", "one",
                     "--no-umap", *FAST)  # fmt: skip
    assert alone[0] == 0, alone[2]
    one = pd.read_csv(here / "one" / "metrics.csv")
    same = metrics[metrics["checkpoint"] == "step-8"].reset_index(drop=True)
    pd.testing.assert_series_equal(one["value"], same["value"])
    assert alignkit("report", "way", "--format", "png")[0] == 0


def test_a_label_and_keys_hold_for_every_step(alignkit, data, here):
    alignkit("train", "--strategy", "cross-lingual", "--data", data, "--out", "cross", *SMALL)
    code, _, err = alignkit("analyze", "new=cross,truncate-dim=4,query-prompt=a, b", "--data", data,
                            *FAST)  # fmt: skip
    assert code == 0, err
    run = here / "reports" / "new-steps-data"
    told = json.loads((run / "provenance.json").read_text("utf-8"))
    assert [one["label"] for one in told["checkpoints"]] == ["new-4", "new-8", "new-12"]
    assert {one["truncate_dim"] for one in told["checkpoints"]} == {4}
    assert {one["prompts"]["query"] for one in told["checkpoints"]} == {"a, b"}
    assert "new, step by step, on data" in (run / "report.html").read_text("utf-8")

    refused(alignkit("analyze", "cross,pooolng=cls", "--data", data), "'pooolng'", "'pooling'")
    refused(alignkit("analyze", "cross@main", "--data", data), "has no revision 'main'")


def test_steps_on_one_language_have_no_turning_point(alignkit, data, here):
    alignkit("train", "--strategy", "cross-lingual", "--data", data, "--out", "cross", *SMALL)
    code, out, err = alignkit(
        "analyze", "cross", "--data", data, "--languages", "en", "--out", "way", *FAST
    )
    assert code == 0, err
    assert "begins to fall" not in out
    told = json.loads((here / "way" / "provenance.json").read_text("utf-8"))
    assert told["trajectory"]["turning_points"] == []


def test_the_usual_folder_of_a_way_is_called_by_its_data():
    from alignkit.trajectory import default_trajectory_out

    first, second = (default_trajectory_out("runs/a", [f"files:x/{name}.csv"]) for name in "pq")
    assert (first.as_posix(), second.as_posix()) == (
        "reports/a-steps-p", "reports/a-steps-q",
    )  # fmt: skip


def test_the_step_after_which_alignment_falls_is_pointed_out(alignkit, data, here):
    from safetensors.numpy import load_file, save_file

    alignkit("train", "--strategy", "cross-lingual", "--data", data, "--out", "run", *SMALL)
    weights = here / "run" / "checkpoint-12" / "model.safetensors"
    # All texts have one vector, and ties count against.
    spoilt = {name: np.ones_like(one) for name, one in load_file(weights).items()}
    save_file(spoilt, weights, metadata={"format": "pt"})

    code, out, err = alignkit("analyze", "run", "--data", data, "--out", "way", *FAST)

    assert code == 0, err
    assert "and begins to fall after step 8: at step 12, the last, it is ." in " ".join(out.split())
    provenance = json.loads((here / "way" / "provenance.json").read_text("utf-8"))
    assert provenance["trajectory"]["turning_points"][0]["last_good"] == 8


def test_a_torn_step_is_left_out_aloud(alignkit, data, here):
    alignkit("train", "--strategy", "monolingual", "--data", data, "--out", "run", *SMALL)
    (here / "run" / "checkpoint-8" / "model.safetensors").unlink()
    code, _, err = alignkit("analyze", "run", "--data", data, "--out", "way", *FAST)
    assert code == 0, err
    assert "checkpoint-8 is left out: " in err
    (here / "run" / "checkpoint-4" / "model.safetensors").unlink()
    result = alignkit("analyze", "run", "--data", data, "--out", "none", *FAST)
    assert result[0] == 2
    assert "has 1 steps that can be read, and a way needs two" in result[2]
    assert not (here / "none").exists()


def test_an_unfinished_training_stands_for_its_last_step(alignkit, data, here):
    alignkit("train", "--strategy", "monolingual", "--data", data, "--out", "run", *SMALL)
    for path in (here / "run").iterdir():
        if path.is_file():
            path.unlink()
    code, out, err = alignkit(
        "compare", "run", "last=run/checkpoint-12", "--data", data, "--no-umap", "--out", "o", *FAST
    )
    assert code == 0, err
    assert "run: run is a training; this is its checkpoint-12" in err
    assert "no difference" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--strategy", "hybrid", "--alpha", "1.5"], ["alpha is 1.5", "from 0 to 1"]),
        (["--strategy", "cross-lingual", "--languages", "de"], ["two languages", "in: de"]),
        (["--strategy", "hybrid", "--languages", "de"], ["two languages", "in: de"]),
        (["--strategy", "monolingual", "--batch", "400"], ["a batch of 400", "36 distinct ids"]),
        (["--strategy", "hybird"], ["'hybird'", "'hybrid'"]),
        (["--strategy", "hybrid", "--sampling", "most"], ["no sampling is called 'most'"]),
        (["--strategy", "hybrid", "--train-articles", "0-3"], ["has no articles"]),
        (["--strategy", "hybrid", "--init", "./nothing"], ["nothing does not exist"]),
        (["--strategy", "hybrid", "--device", "cuda"], ["cuda"]),
        (["--strategy", "hybrid", "--patience", "2"], ["--eval-every"]),
    ],
)
def test_bad_input_leaves_nothing_behind(alignkit, data, here, arguments, words):
    refused(alignkit("train", "--data", data, "--out", "run", *SMALL, *arguments), *words)
    assert not (here / "run").exists()


def test_a_leak_is_named(alignkit, here):
    rows = [
        {"query_id": "q1", "language": code, "query": f"{code}?", "passage_id": "p",
         "passage": f"{code}.", "split": split}
        for code in ("de", "en") for split in ("train", "test")
    ]  # fmt: skip
    Path("leak.jsonl").write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    result = alignkit("train", "--strategy", "hybrid", "--data", "files:leak.jsonl", "--out", "run")
    refused(result, "'train' and 'test' share 1 query ids: 'q1'")
    assert not (here / "run").exists()


def test_data_without_a_train_split_are_refused(alignkit, here, write_lareqa):
    Path("own.jsonl").write_text(
        json.dumps({"query_id": "q", "language": "en", "query": "?", "passage_id": "p",
                    "passage": "."})
    )  # fmt: skip
    result = alignkit("train", "--strategy", "monolingual", "--data", "files:own.jsonl")
    refused(result, "no rows of the split 'train'", "a column 'split'")
    write_lareqa(here / "xquad-r", "en", [(["One."], {"q": ("?", "One")})])
    result = alignkit("train", "--strategy", "monolingual", "--data", "xquad-r:xquad-r")
    refused(result, "has no split 'train'", "--train-articles 0-31")


def test_the_strategies_offered_are_those_registered():
    from alignkit.cli.train import command
    from alignkit.training.samplers import STRATEGIES

    option = next(one for one in command.params if one.name == "strategy")
    assert list(option.type.choices) == sorted(STRATEGIES)


@pytest.mark.slow
def test_the_demo_shows_what_batches_do(alignkit, here):
    code, out, err = alignkit("demo", "--no-umap", "--format", "svg", "--json", "-q")
    assert code == 0, err
    assert (here / "reports" / "demo" / "report.html").exists()
    table = pd.DataFrame(json.loads(out)["key_table"])
    table = table[(table["dataset"] == "sample-generated") & (table["task"] == "answer-retrieval")]
    found = table.set_index(["metric", "setting", "checkpoint"])

    def value(metric, setting, checkpoint):
        return found.loc[(metric, setting, checkpoint)]

    distance = [
        value("rank_distance", "multilingual", label)
        for label in ("cross-lingual", "hybrid", "monolingual")
    ]
    for lower, higher in pairwise(distance):
        assert lower["ci_high"] < higher["ci_low"]
    assert (
        value("map", "monolingual", "hybrid")["ci_low"]
        > (value("map", "monolingual", "cross-lingual")["ci_high"])
    )
    again = alignkit("demo", "--no-umap", "--format", "svg")
    assert again[0] == 2
    assert "reports/demo exists" in again[2]
    code, out, _ = alignkit("demo", "--no-umap", "--format", "svg", "--force", "-q")
    assert (code, out) == (0, "")

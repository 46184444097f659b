"""The training loop: what it writes, and that it goes on where it was stopped."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from tiny_models import make_plain_model
from training_run import CPU, small, write_data

import alignkit
from alignkit.checkpoints import EncodeOptions
from alignkit.errors import AlignkitError
from alignkit.training import BatchStrategy, train

SUPPORT = Path(__file__).parents[2] / "support"


@pytest.fixture
def data(tmp_path):
    return write_data(tmp_path / "data.jsonl")


def weights_of(folder):
    return load_file(folder / "model.safetensors")


def assert_same_weights(one, other):
    first, second = weights_of(one), weights_of(other)
    assert first.keys() == second.keys()
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])


def test_a_training_is_a_checkpoint_with_its_settings(data, tmp_path, cache):
    del cache
    out = train(small(data, seed=5), tmp_path / "run")
    stored = json.loads((out / "provenance.json").read_text("utf-8"))
    assert stored["finished"]
    assert stored["settings"]["strategy"] == "hybrid"
    assert stored["settings"]["alpha"] == 0.5
    assert stored["settings"]["seed"] == 5
    assert stored["settings"]["train"][0]["parallel_ids"] == 30
    card = (out / "README.md").read_text("utf-8")
    assert "| strategy | hybrid |" in card
    assert "| seed | 5 |" in card
    assert [path.name for path in sorted(out.glob("checkpoint-*"))] == [
        "checkpoint-12", "checkpoint-4", "checkpoint-8"
    ]  # fmt: skip
    log = pd.read_csv(out / "log.csv")
    assert log["loss"].notna().any()

    checkpoint = alignkit.load_checkpoint(str(out), CPU)
    dataset = alignkit.load_dataset(data)
    vectors = alignkit.embed(checkpoint, dataset.queries, "query").vectors
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


def test_a_seed_decides_the_weights(data, tmp_path):
    one, same, other = (
        train(small(data, seed=seed), tmp_path / name)
        for name, seed in (("one", 1), ("same", 1), ("other", 2))
    )
    assert_same_weights(one, same)
    assert not np.array_equal(*(weights_of(x)["embedding.weight"] for x in (one, other)))


@pytest.mark.parametrize("model", ["scratch", "transformer with dropout"])
def test_killed_and_resumed_it_ends_with_the_same_weights(model, data, tmp_path):
    init = "scratch,vocabulary=200,dim=16"
    if model != "scratch":
        init = str(make_plain_model(tmp_path / "model", seed=0))
    whole = train(small(data, init=init), tmp_path / "whole")
    out = tmp_path / "killed"
    environment = {**os.environ, "PYTHONPATH": str(SUPPORT)}
    command = [sys.executable, SUPPORT / "training_run.py", data, out, init, "0.3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        for line in process.stdout:
            if int(line) == 6:  # after checkpoint-4, in the middle of an epoch
                process.send_signal(signal.SIGKILL)
                break
    assert [path.name for path in out.glob("checkpoint-*")] == ["checkpoint-4"]
    train(small(data, init=init), out)
    assert_same_weights(whole, out)


def test_whatever_the_precision_the_weights_begin_unrounded(data, tmp_path):
    init = make_plain_model(tmp_path / "model", seed=0)
    still = {"encode": replace(CPU, dtype="bfloat16"), "learning_rate": 1e-30, "steps": 1}
    out = train(small(data, init=str(init), **still), tmp_path / "run")
    begun, kept = load_file(init / "model.safetensors"), weights_of(out)
    for name, values in kept.items():
        np.testing.assert_allclose(values, begun[name], atol=1e-20)


def test_a_checkpoint_torn_by_a_kill_is_made_again(data, tmp_path):
    whole = train(small(data), tmp_path / "whole")
    out = train(small(data), tmp_path / "run")
    stored = json.loads((out / "provenance.json").read_text("utf-8"))
    (out / "provenance.json").write_text(json.dumps({**stored, "finished": False}), "utf-8")
    (out / "checkpoint-12" / "trainer_state.json").write_text("{", "utf-8")
    (out / "model.safetensors").unlink()
    train(small(data), out)
    assert_same_weights(whole, out)


def test_an_unfinished_training_takes_no_other_settings(data, tmp_path):
    out = train(small(data), tmp_path / "run")
    with pytest.raises(AlignkitError, match="is a finished training; name another --out"):
        train(small(data), out)
    stored = json.loads((out / "provenance.json").read_text("utf-8"))
    (out / "provenance.json").write_text(json.dumps({**stored, "finished": False}), "utf-8")
    with pytest.raises(AlignkitError, match=r"unfinished training with another seed \(0, now 1\)"):
        train(small(data, seed=1), out)
    train(small(data, seed=1), out, force=True)
    assert json.loads((out / "provenance.json").read_text("utf-8"))["settings"]["seed"] == 1


def test_a_folder_of_something_else_is_left_alone(data, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    with pytest.raises(AlignkitError, match="is not a training of alignkit, and not empty"):
        train(small(data), tmp_path / "mine", force=True)
    assert (tmp_path / "mine" / "thesis.tex").exists()


def test_it_measures_on_held_out_questions_and_stops_early(data, tmp_path):
    settings = small(data, steps=200, eval_every=2, save_every=2, patience=2, learning_rate=1e-9)
    out = train(settings, tmp_path / "run")
    stored = json.loads((out / "provenance.json").read_text("utf-8"))
    assert stored["settings"]["validation"][0]["parallel_ids"] == 3
    assert stored["settings"]["train"][0]["parallel_ids"] == 27
    assert stored["steps_done"] < 200
    log = pd.read_csv(out / "log.csv")
    assert log["eval_multilingual_map"].notna().sum() >= 3
    assert log["eval_rank_distance"].notna().any()
    best = out / f"checkpoint-{stored['best_step']}"
    assert_same_weights(best, out)


def test_what_validation_logs_is_what_analyze_finds(data, tmp_path, cache):
    del cache
    from alignkit.training.splits import load_splits

    out = train(small(data, eval_every=12, save_every=12), tmp_path / "run")
    log = pd.read_csv(out / "log.csv").set_index("step")
    held_out = load_splits([data], validate=True).validation[0]
    checkpoint = alignkit.load_checkpoint(str(out), CPU)
    queries, passages = (
        alignkit.embed(checkpoint, texts, role)
        for texts, role in ((held_out.queries, "query"), (held_out.passages, "passage"))
    )
    from alignkit.comparison import tabulate

    measures = alignkit.measure(held_out, queries, passages)
    metrics, _ = tabulate({"run": measures}, "run", n_resamples=10, seed=0)
    rows = metrics[(metrics["query_language"] == "*") & (metrics["task"] == "answer-retrieval")]
    rows = rows.set_index(["setting", "metric"])["value"]
    shown = log["eval_multilingual_map"].dropna().iloc[0]
    assert shown == pytest.approx(rows["multilingual", "map"], abs=1e-6)
    distance = log["eval_rank_distance"].dropna().iloc[0]
    assert distance == pytest.approx(rows["multilingual", "rank_distance"], abs=1e-6)


@pytest.mark.parametrize("strategy", ["monolingual", "cross-lingual", "same-language", "one-to-k"])
def test_every_strategy_trains_and_learns(strategy, data, tmp_path):
    settings = small(
        data, strategy=BatchStrategy(strategy), steps=60, save_every=60, learning_rate=0.1
    )
    loss = pd.read_csv(train(settings, tmp_path / "run") / "log.csv")["loss"].dropna()
    assert loss.iloc[-1] < loss.iloc[0] / 2


def test_prompts_are_trained_with_and_kept(data, tmp_path):
    encode = EncodeOptions(device="cpu", query_prompt="Query: ", passage_prompt="Passage: ")
    out = train(small(data, encode=encode), tmp_path / "run")
    checkpoint = alignkit.load_checkpoint(str(out), CPU)
    assert checkpoint.prompt("query") == "Query: "
    assert checkpoint.prompt("passage") == "Passage: "
    assert not np.array_equal(
        weights_of(out)["embedding.weight"].shape,
        weights_of(train(small(data), tmp_path / "plain"))["embedding.weight"].shape,
    )


def test_a_large_batch_in_small_pieces_goes_the_same_way(data, tmp_path):
    model = make_plain_model(tmp_path / "model", seed=0)
    config = json.loads((model / "config.json").read_text())
    no_dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (model / "config.json").write_text(json.dumps({**config, **no_dropout}))
    losses = []
    for n in (None, 4):
        settings = small(data, init=str(model), batch=16, mini_batch=n, learning_rate=1e-3)
        log = pd.read_csv(train(settings, tmp_path / f"of-{n}") / "log.csv")
        losses.append(log["loss"].dropna().to_numpy())
    np.testing.assert_allclose(*losses, rtol=1e-3)
    assert losses[0][-1] < losses[0][0]


def test_a_model_is_tuned_in_its_own_layout(data, tmp_path):
    model = make_plain_model(tmp_path / "model", seed=0)
    encode = EncodeOptions(device="cpu", pooling="cls")
    out = train(small(data, init=str(model), max_length=12, encode=encode), tmp_path / "run")
    checkpoint = alignkit.load_checkpoint(str(out), CPU)
    assert checkpoint.describe()["pooling"] == "cls"
    assert checkpoint.describe()["max_seq_length"] == 12
    stored = json.loads((out / "provenance.json").read_text("utf-8"))
    assert stored["init"]["kind"] == "transformers"
    assert stored["settings"]["learning_rate"] == 3e-5


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"temperature": 0.0}, "temperature is 0; it must be above 0"),
        ({"patience": 3}, "say how often with --eval-every N"),
        ({"eval_every": 3, "save_every": 4}, "make it a multiple of --eval-every 3"),
        ({"encode": EncodeOptions(device="cuda:1")}, "set CUDA_VISIBLE_DEVICES=1"),
        ({"strategy": BatchStrategy("one-to-k"), "mini_batch": 2}, "a loss of its own"),
        ({"init": "scratch,vocab=3"}, "cannot read 'vocab=3'"),
        ({"batch": 31}, "a batch of 31 is larger than the 30 examples in '..' that go together"),
        ({"mini_batch": 2}, "cannot be trained in mini-batches; leave --mini-batch away"),
        ({"init": "vectors.npz"}, "holds vectors and no model"),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_is_written(
    changes, error, data, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    np.savez("vectors.npz", ids=np.array(["en:q0"]), embeddings=np.ones((1, 4), np.float32))
    with pytest.raises(AlignkitError, match=error):
        train(small(data, **{"strategy": BatchStrategy("monolingual"), **changes}), "run")
    assert not Path("run").exists()

"""A planted shortcut: where language tells passages apart, training on it teaches language bias."""

import json

import numpy as np
import pytest

import alignkit
from alignkit.checkpoints import EncodeOptions
from alignkit.training import BatchStrategy, TrainSettings, train

LANGUAGES = ("de", "en", "th")
CPU = EncodeOptions(device="cpu", offline=True)


def planted(path, rng):
    """Every language has its own words for the same 40 things, and a mark in every text."""
    rows = []
    things = [rng.choice(40, 3, replace=False) for _ in range(240)]
    for i, chosen in enumerate(things):
        split = "test" if i % 4 == 0 else "train"
        for code in LANGUAGES:
            words = [f"{code}{thing}" for thing in chosen]
            rows.append(
                {"query_id": f"q{i}", "language": code, "split": split,
                 "query": " ".join([f"{code}mark", *words]),
                 "passage_id": f"p{i}", "passage": " ".join([*words[::-1], f"{code}mark"])}
            )  # fmt: skip
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return f"files:{path}"


def rank_distance(folder, data):
    checkpoint = alignkit.load_checkpoint(str(folder), CPU)
    dataset = alignkit.load_dataset(data)
    queries, passages = (
        alignkit.embed(checkpoint, texts, role)
        for texts, role in ((dataset.queries, "query"), (dataset.passages, "passage"))
    )
    measured = alignkit.measure(dataset, queries, passages).measured
    one = next(one for one in measured if one.metric == "rank_distance")
    return float(np.mean(one.numerator.sum(axis=0) / one.design.denominator.sum(axis=0)))


@pytest.mark.slow
def test_monolingual_training_is_more_biased_than_cross_lingual_in_every_seed(tmp_path, cache):
    del cache
    for seed in range(5):
        data = planted(tmp_path / f"planted{seed}.jsonl", np.random.default_rng(seed))
        found = {}
        for strategy in ("monolingual", "cross-lingual", "hybrid"):
            settings = TrainSettings(
                BatchStrategy(strategy), init="scratch,vocabulary=600,dim=32", data=(data,),
                batch=32, steps=150, save_every=150, seed=seed, encode=CPU,
            )  # fmt: skip
            folder = train(settings, tmp_path / f"{strategy}{seed}")
            found[strategy] = rank_distance(folder, data)
        assert found["monolingual"] > 2 * found["cross-lingual"], (seed, found)
        assert found["monolingual"] > found["hybrid"], (seed, found)

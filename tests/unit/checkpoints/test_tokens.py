"""Tokens are put together as sentence-transformers' own preprocessing puts them, and made once."""

import json

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_models import save_static

from alignkit.checkpoints import EncodeOptions, load_checkpoint
from alignkit.checkpoints._tokens import Tokens

WORDS = st.sampled_from(["the", "river", "Straße", "ไทย", "日本", "[CLS]", "</s>", "🙂", "\n", ""])
TEXT = st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=120).map(" ".join))
ROLES = ("query", "passage")


def with_left_padding(folder):
    file = folder / "tokenizer_config.json"
    stated = json.loads(file.read_text("utf-8")) | {
        "padding_side": "left",
        "truncation_side": "left",
    }
    file.write_text(json.dumps(stated), "utf-8")
    return folder


@pytest.fixture
def encoder(request, model_folder, plain_folder, model_copy, tmp_path):
    folder = {
        "with prompts": lambda: model_folder,
        "plain": lambda: plain_folder,
        "padded left": lambda: with_left_padding(model_copy),
        "static": lambda: save_static(tmp_path / "static"),
    }[request.param]()
    return load_checkpoint(str(folder), EncodeOptions(device="cpu")).load()


KINDS = pytest.mark.parametrize(
    "encoder", ["with prompts", "plain", "padded left", "static"], indirect=True
)


def same(one, other):
    return one.keys() == other.keys() and all(
        torch.equal(value, other[name]) if torch.is_tensor(value) else value == other[name]
        for name, value in one.items()
    )


@KINDS
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.lists(TEXT, min_size=1, max_size=9), counted=st.booleans())
def test_features_are_those_of_preprocess(encoder, texts, counted):
    for role in ROLES:
        expected = dict(
            encoder.model.preprocess(
                texts, prompt=encoder.prompts[role],
                task={"query": "query", "passage": "document"}[role],
            )
        )  # fmt: skip
        if counted:
            counts = encoder.token_counts(texts, role)
            if "attention_mask" in expected:
                assert counts.tolist() == expected["attention_mask"].sum(dim=1).tolist()
            else:
                assert counts.sum() == len(expected["input_ids"])
        features, _ = encoder.prepare(texts, role)
        assert same(features, expected)


@KINDS
def test_a_text_is_tokenised_once_and_never_by_preprocess(encoder, monkeypatch):
    texts = [f"the river {n}" for n in range(50)]
    encoder.token_counts(texts, "query")
    tokenised = []
    monkeypatch.setattr(Tokens, "_encoded", lambda _, given: tokenised.append(given) or [])
    monkeypatch.setattr(encoder.model, "preprocess", lambda *_, **__: pytest.fail("asked"))

    for start in range(0, 50, 10):
        encoder.prepare(texts[start : start + 10], "query")

    assert tokenised == []


@pytest.mark.parametrize(
    "padding", [{"padding": "max_length"}, {"padding": True, "pad_to_multiple_of": 8}]
)
def test_a_model_that_pads_further_is_asked(padding, model_copy, edit_json):
    edit_json(model_copy / "sentence_bert_config.json", processing_kwargs={"text": padding})
    encoder = load_checkpoint(str(model_copy), EncodeOptions(device="cpu")).load()
    texts = ["the river", "a"]

    expected = dict(encoder.model.preprocess(texts, prompt="query: ", task="query"))
    features, _ = encoder.prepare(texts, "query")

    assert expected["input_ids"].shape[1] % 8 == 0
    assert same(features, expected)


def test_a_model_with_a_way_of_its_own_is_asked(model_folder):
    encoder = load_checkpoint(str(model_folder), EncodeOptions(device="cpu")).load()
    usual = encoder.model.preprocess

    def backwards(texts, **options):
        made = dict(usual(texts, **options))
        return made | {"input_ids": made["input_ids"].flip(1)}

    encoder.model.preprocess = backwards
    texts = ["the river", "a"]

    features, _ = encoder.prepare(texts, "query")

    assert same(features, backwards(texts, prompt="query: ", task="query"))
    assert encoder.token_counts(texts, "query").tolist() == [16, 9]

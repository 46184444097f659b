"""An adapter is its base with its own weights, merged or not; and what is refused."""

import shutil
from importlib.util import find_spec as really_find

import numpy as np
import pytest
from tiny_models import edit, make_adapter, make_adapter_with_modules

from alignkit.checkpoints import EncodeOptions, load_checkpoint
from alignkit.errors import AlignkitError

TEXTS = ["Where is the river?", "a", "It flows through three towns and a lake."]
CPU = EncodeOptions(device="cpu")


@pytest.fixture(scope="module")
def adapters(tmp_path_factory, plain_folder, model_folder):
    """Adapters of a plain model, of a sentence-transformers model, and with modules of their own.

    Never change them.
    """
    pytest.importorskip("peft", reason="the test extra is not installed")
    folder = tmp_path_factory.mktemp("adapters")
    return {
        "plain": make_adapter(plain_folder, folder / "plain"),
        "model": make_adapter(model_folder, folder / "model"),
        "modules": make_adapter_with_modules(model_folder, folder / "modules"),
    }


@pytest.fixture
def adapter(adapters, tmp_path):
    """A copy of an adapter that a test may change."""
    return shutil.copytree(adapters["plain"], tmp_path / "new")


def encode(spec, role="query"):
    return load_checkpoint(str(spec), CPU).load().encode(TEXTS, role)


def refusal(spec, *, when="opening"):
    opened = load_checkpoint(str(spec), CPU) if when == "loading" else None
    with pytest.raises(AlignkitError) as raised:
        opened.load() if opened else load_checkpoint(str(spec), CPU)
    message = str(raised.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", ["plain", "model", "modules"])
def test_merged_and_unmerged_give_the_same_vectors_and_others_than_the_base(name, adapters):
    merged, beside = encode(adapters[name]), encode(f"{adapters[name]},merge=no")
    base = load_checkpoint(str(adapters[name]), CPU).base.load().encode(TEXTS, "query")

    np.testing.assert_allclose(merged, beside, atol=1e-5)
    assert np.abs(merged - base).max() > 0.01


@pytest.mark.parametrize("merge", ["yes", "no"])
def test_the_vectors_are_those_of_peft_itself(merge, adapters, plain_folder, recwarn):
    import torch
    from peft import PeftModel
    from transformers import AutoModel, AutoTokenizer

    vectors = encode(f"{adapters['plain']},merge={merge}")

    model = PeftModel.from_pretrained(AutoModel.from_pretrained(plain_folder), adapters["plain"])
    recwarn.clear()  # PEFT asks for an attribute that transformers is about to rename
    tokenizer = AutoTokenizer.from_pretrained(plain_folder)
    for text, vector in zip(TEXTS, vectors, strict=True):
        with torch.no_grad():
            states = model.eval()(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        np.testing.assert_allclose(vector, states.numpy().mean(axis=0), atol=1e-6)


def test_prompts_and_pooling_are_the_bases_where_the_adapter_has_none(adapters, model_folder):
    new, old = (load_checkpoint(str(path), CPU) for path in (adapters["model"], model_folder))

    assert new.describe()["prompts"] == old.describe()["prompts"]
    assert (new.pooling, new.similarity, new.max_seq_length) == ("mean", "cosine", 64)
    assert np.abs(encode(adapters["model"]) - encode(adapters["model"], "passage")).max() > 0.01


def test_prompts_are_the_adapters_own_where_it_has_modules(adapters, tmp_path):
    folder = shutil.copytree(adapters["modules"], tmp_path / "new")
    own = {"prompts": {"query": "find: "}, "truncate_dim": 5}
    edit(folder / "config_sentence_transformers.json", **own)

    opened = load_checkpoint(str(folder), CPU)
    assert (opened.prompt("query"), opened.truncate_dim) == ("find: ", 5)
    np.testing.assert_allclose(encode(folder), encode(f"{adapters['model']},query-prompt=find: "))


def test_pooling_of_an_adapter_of_a_plain_model_can_be_chosen(adapters):
    assert np.abs(encode(f"{adapters['plain']},pooling=cls") - encode(adapters["plain"])).max() > 0
    assert "defines its own pooling" in refusal(f"{adapters['model']},pooling=cls")


def test_the_report_names_the_base(adapters, plain_folder):
    checkpoint = load_checkpoint(f"new={adapters['plain']}", CPU)

    described = checkpoint.describe()
    assert described["kind"] == "adapter"
    assert described["base"]["location"] == str(plain_folder)
    assert described["base"]["fingerprint"] == load_checkpoint(str(plain_folder)).fingerprint
    assert checkpoint.notes == (
        f"new: a LORA adapter of {plain_folder}, run merged into it, with mean pooling",
    )


def test_base_adapter_and_merging_all_change_the_fingerprint(
    adapter, plain_folder, tmp_path, edit_json
):
    other = shutil.copytree(plain_folder, tmp_path / "other")
    edit_json(other / "config.json", layer_norm_eps=1e-3)
    make_adapter(plain_folder, tmp_path / "second", seed=1)
    specs = [plain_folder, adapter, tmp_path / "second", f"{adapter},merge=no",
             f"{adapter},base={other}"]  # fmt: skip

    assert len({load_checkpoint(str(spec), CPU).fingerprint for spec in specs}) == 5


def test_a_copy_of_adapter_and_base_has_the_same_fingerprint(adapter, plain_folder, tmp_path):
    base = shutil.copytree(plain_folder, tmp_path / "moved")
    copied = load_checkpoint(f"other={adapter},base={base}", CPU)

    assert copied.fingerprint == load_checkpoint(str(adapter), CPU).fingerprint


def test_half_precision_is_not_merged_as_that_would_round_the_adapter_away(adapters):
    checkpoint = load_checkpoint(f"{adapters['plain']},dtype=bfloat16", CPU)

    assert not checkpoint.is_merged
    vectors = checkpoint.load().encode(TEXTS, "query")
    assert 1e-4 < np.abs(vectors - encode(adapters["plain"])).max() < 0.1


def test_a_base_beside_the_adapter_is_found_by_its_relative_path(adapter, plain_folder):
    shutil.copytree(plain_folder, adapter.parent / "base")
    edit(adapter / "adapter_config.json", base_model_name_or_path="base")

    assert load_checkpoint(str(adapter), CPU).base.path == adapter.parent / "base"


def test_a_base_that_is_not_there_is_told_with_the_mend(adapter):
    edit(adapter / "adapter_config.json", base_model_name_or_path="/gone/base")

    assert refusal(adapter) == (
        "new is an adapter of /gone/base, which cannot be opened: /gone/base does not exist; "
        "say where it is by base=LOCATION"
    )


def test_an_adapter_that_names_no_base_is_refused(adapter):
    edit(adapter / "adapter_config.json", base_model_name_or_path=None)

    assert refusal(adapter).endswith("names no base model; say where it is by base=LOCATION")


def test_an_adapter_of_an_adapter_is_refused(adapter, adapters):
    edit(adapter / "adapter_config.json", base_model_name_or_path=str(adapters["model"]))

    assert "is no whole model (adapter)" in refusal(adapter)


def test_an_adapter_without_its_weights_is_refused(adapter):
    (adapter / "adapter_model.safetensors").unlink()

    assert "new has no weights" in refusal(adapter)


def test_an_adapter_that_was_cut_off_is_found_when_opening(adapter):
    weights = adapter / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-9])

    assert "is cut off" in refusal(adapter)


def test_an_adapter_of_another_model_is_told_in_one_line(adapter, plain_folder, tmp_path):
    other = shutil.copytree(plain_folder, tmp_path / "other")
    edit(other / "config.json", num_hidden_layers=1)

    assert "4 weights of the adapter" in refusal(f"{adapter},base={other}", when="loading")


def test_an_adapter_that_lacks_weights_is_refused(adapter):
    from safetensors.torch import load_file, save_file

    path = adapter / "adapter_model.safetensors"
    weights = {name: one for name, one in load_file(path).items() if "layer.1" not in name}
    save_file(weights, path, metadata={"format": "pt"})

    assert refusal(adapter, when="loading").startswith(
        "new lacks 4 weights that its vectors depend on"
    )


def test_a_wrong_word_for_merging_is_refused(adapter):
    assert refusal(f"{adapter},merge=maybe") == "merge is 'maybe'; it is yes or no"


def test_a_missing_peft_is_told_with_the_extra(adapter, monkeypatch):
    monkeypatch.setattr(
        "alignkit.checkpoints._extras.find_spec",
        lambda name: None if name == "peft" else really_find(name),
    )

    assert refusal(adapter, when="loading") == (
        "new, an adapter, needs peft: python -m pip install 'alignkit[adapters]'"
    )

"""What is a checkpoint, what is refused, and what its fingerprint says."""

import copy
import shutil
import subprocess
import sys

import numpy as np
import pytest
from tiny_models import leave_out, make_router

from alignkit.checkpoints import EncodeOptions, load_checkpoint
from alignkit.errors import AlignkitError


def refusal(spec, **options):
    with pytest.raises(AlignkitError) as raised:
        load_checkpoint(str(spec), EncodeOptions(device="cpu", **options))
    message = str(raised.value)
    assert "\n" not in message
    return message


def fingerprint(spec):
    return load_checkpoint(str(spec)).fingerprint


def test_opening_a_checkpoint_imports_no_heavy_library(model_folder):
    code = (
        "import sys, alignkit.checkpoints, alignkit.store, alignkit.embedding\n"
        f"alignkit.checkpoints.load_checkpoint('{model_folder},dtype=float32').describe()\n"
        "print({'torch', 'transformers', 'sentence_transformers'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


def test_a_folder_that_is_no_checkpoint_is_told_what_was_looked_for(tmp_path):
    assert refusal(tmp_path) == (
        f"{tmp_path} is no checkpoint; looked for a .npz or .parquet file (vectors); "
        "adapter_config.json (PEFT); modules.json (sentence-transformers); "
        "config.json (transformers); openai:MODEL or https://HOST/v1#MODEL (an endpoint); "
        "FILE.py:FUNCTION (your own)"
    )


def test_a_training_folder_stands_for_its_last_step(model_folder, tmp_path):
    for step in ("checkpoint-500", "checkpoint-1000", "checkpoint-90"):
        shutil.copytree(model_folder, tmp_path / step)

    checkpoint = load_checkpoint(str(tmp_path), EncodeOptions(device="cpu"))

    assert checkpoint.path == tmp_path / "checkpoint-1000"
    assert any("checkpoint-1000" in note for note in checkpoint.describe()["notes"])


@pytest.mark.parametrize("n_lost", [1, 1000, 109_950, 109_952])
def test_weights_that_were_cut_off_are_found_when_opening(n_lost, model_copy):
    weights = model_copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-n_lost])

    assert f"{weights} is cut off" in refusal(model_copy)


def test_weights_that_are_no_safetensors_are_found_when_opening(model_copy):
    weights = model_copy / "model.safetensors"
    weights.write_bytes((4).to_bytes(8, "little") + b"nope")

    assert refusal(model_copy) == f"{weights} is no safetensors file: its header cannot be read"


def test_a_missing_shard_is_found_when_opening(model_copy):
    (model_copy / "model.safetensors.index.json").write_text(
        '{"weight_map": {"a": "model.safetensors", "b": "model-00002-of-00002.safetensors"}}'
    )

    assert "lacks 1 of its weight files, first model-00002-of-00002" in refusal(model_copy)


def test_a_folder_without_weights_is_refused(plain_copy):
    (plain_copy / "model.safetensors").unlink()

    assert refusal(plain_copy).startswith(f"{plain_copy} has no weights; looked for *.safetensors")


def test_pickled_weights_are_refused_unless_allowed(plain_copy):
    (plain_copy / "model.safetensors").rename(plain_copy / "pytorch_model.bin")

    assert refusal(plain_copy) == (
        f"{plain_copy}/pytorch_model.bin is a pickle, which may run code when it is opened; "
        "save the model as safetensors, or trust it with --allow-pickle"
    )
    load_checkpoint(str(plain_copy), EncodeOptions(allow_pickle=True))


def test_a_pickle_of_one_module_is_refused_though_the_transformer_is_safe(model_copy):
    (model_copy / "2_Dense").mkdir()
    (model_copy / "2_Dense" / "pytorch_model.bin").write_bytes(b"?")

    assert "2_Dense/pytorch_model.bin is a pickle" in refusal(model_copy)


def test_a_pickle_beside_safe_weights_is_neither_read_nor_part_of_the_fingerprint(model_copy):
    before = fingerprint(model_copy)
    (model_copy / "pytorch_model.bin").write_bytes(b"?")

    assert fingerprint(model_copy) == before


@pytest.mark.parametrize(
    "name",
    ["config.json", "modules.json", "1_Pooling/config.json", "config_sentence_transformers.json"],
)
def test_a_broken_config_is_found_when_opening(name, model_copy):
    (model_copy / name).write_text('{"cut": ')

    assert refusal(model_copy).startswith(f"{model_copy / name} is broken: ")


def test_a_config_that_is_no_object_is_found_when_opening(model_copy):
    (model_copy / "config_sentence_transformers.json").write_text("[]")

    assert "is broken: it should hold a JSON object" in refusal(model_copy)


def test_a_module_of_its_own_code_needs_trust(model_copy):
    (model_copy / "modules.json").write_text('[{"idx": 0, "path": "", "type": "evil.Transformer"}]')

    assert refusal(model_copy) == (
        "copy has a module of its own code (evil.Transformer); "
        "--trust-remote-code runs it, if you trust it"
    )


def test_trusted_code_is_said_aloud(model_folder):
    checkpoint = load_checkpoint(str(model_folder), EncodeOptions(trust_remote_code=True))

    assert checkpoint.notes == (f"model: code that comes with {model_folder} may run",)


def test_manhattan_is_refused(model_copy, edit_json):
    edit_json(model_copy / "config_sentence_transformers.json", similarity_fn_name="manhattan")

    assert refusal(model_copy) == (
        "copy compares vectors by 'manhattan', which is not supported; "
        "supported are cosine, dot, euclidean"
    )


@pytest.mark.parametrize(("stated", "expected"), [("dot", "dot"), (None, "cosine")])
def test_the_models_similarity_is_respected(stated, expected, model_copy, edit_json):
    edit_json(model_copy / "config_sentence_transformers.json", similarity_fn_name=stated)

    assert load_checkpoint(str(model_copy)).similarity == expected


@pytest.mark.parametrize("saved", [0, "64"])
def test_a_saved_truncation_that_is_no_dimension_is_refused(saved, model_copy, edit_json):
    edit_json(model_copy / "config_sentence_transformers.json", truncate_dim=saved)

    assert f"truncate_dim {saved!r}" in refusal(model_copy)


def test_a_cross_encoder_is_refused(model_copy, edit_json):
    edit_json(model_copy / "config_sentence_transformers.json", model_type="CrossEncoder")

    assert refusal(model_copy).startswith("copy is a CrossEncoder, which does not make one vector")


def test_a_pooling_for_a_model_that_defines_its_own_is_refused(model_folder):
    assert refusal(model_folder, pooling="cls").startswith(
        "model defines its own pooling (mean); --pooling is for plain transformers folders"
    )


def test_an_architecture_that_nobody_knows_is_told_when_loading(plain_copy, edit_json):
    edit_json(plain_copy / "config.json", model_type="no-such-architecture")

    with pytest.raises(AlignkitError) as raised:
        load_checkpoint(str(plain_copy), EncodeOptions(device="cpu")).load()

    assert str(raised.value).startswith(f"cannot load copy from {plain_copy}: ")
    assert "\n" not in str(raised.value)


def test_a_cuda_device_that_is_not_there_is_told_when_loading(model_folder, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)

    with pytest.raises(AlignkitError) as raised:
        load_checkpoint(str(model_folder), EncodeOptions(device="cuda:1")).load()

    assert str(raised.value) == (
        "--device cuda:1: PyTorch sees no CUDA device here; try --device auto"
    )


def test_a_copy_under_another_name_has_the_same_fingerprint(model_folder, model_copy):
    assert fingerprint(model_folder) == fingerprint(f"other={model_copy},truncate-dim=8")


def test_device_and_batch_size_leave_the_fingerprint_alone(model_folder):
    options = EncodeOptions(device="cpu", batch_tokens=7, truncate_dim=4)

    assert load_checkpoint(str(model_folder), options).fingerprint == fingerprint(model_folder)


@pytest.mark.parametrize(
    "name",
    ["model.safetensors", "tokenizer.json", "config.json", "modules.json", "1_Pooling/config.json",
     "config_sentence_transformers.json", "tokenizer_config.json", "sentence_bert_config.json"],
)  # fmt: skip
def test_one_more_or_other_byte_in_any_file_of_the_model_changes_the_fingerprint(name, model_copy):
    before = fingerprint(model_copy)
    content = bytearray((model_copy / name).read_bytes())
    if name == "model.safetensors":
        content[-1] ^= 1
    else:
        content += b" "
    (model_copy / name).write_bytes(content)

    assert fingerprint(model_copy) != before


def test_what_training_leaves_beside_a_model_does_not_change_the_fingerprint(model_copy):
    before = fingerprint(model_copy)
    for name in ("README.md", "optimizer.pt", "training_args.bin", "trainer_state.json"):
        (model_copy / name).write_text("{}")
    shutil.copytree(model_copy, model_copy / "checkpoint-10")

    assert fingerprint(model_copy) == before


def test_dtype_and_pooling_change_the_fingerprint(plain_folder):
    specs = ["", ",dtype=bfloat16", ",pooling=cls", ",pooling=last"]

    assert len({fingerprint(f"{plain_folder}{spec}") for spec in specs}) == 4


def test_pooling_auto_is_the_mean_and_shares_its_vectors(plain_folder):
    assert fingerprint(plain_folder) == fingerprint(f"{plain_folder},pooling=mean")


def test_pooling_auto_of_a_decoder_is_the_last_token_and_said_aloud(plain_copy, edit_json):
    edit_json(plain_copy / "config.json", model_type="qwen2", architectures=["Qwen2Model"])

    checkpoint = load_checkpoint(str(plain_copy))

    assert checkpoint.describe()["pooling"] == "last"
    assert checkpoint.notes == (
        "copy: last pooling, as it is a decoder; --pooling chooses another",
    )


def test_describe_says_what_a_run_should_record(model_folder):
    described = load_checkpoint(f"new={model_folder},passage-prompt=").describe()

    assert len(described.pop("fingerprint")) == 64
    assert described == {
        "label": "new",
        "kind": "sentence-transformers",
        "location": str(model_folder),
        "revision": None,
        "similarity": "cosine",
        "truncate_dim": None,
        "store_dtype": "float32",
        "notes": [],
        "prompts": {"query": "query: ", "passage": ""},
        "pooling": "mean",
        "max_seq_length": 64,
        "dtype": "float32",
        "trust_remote_code": False,
        "backend": "torch",
    }


def test_recipes_of_roles_and_prompts_differ(model_folder):
    checkpoint = load_checkpoint(str(model_folder))
    other = load_checkpoint(f"{model_folder},query-prompt=ask: ")
    recipes = [checkpoint.recipe("query"), checkpoint.recipe("passage"), other.recipe("query")]

    assert len(np.unique([str(recipe) for recipe in recipes])) == 3
    assert checkpoint.recipe("passage") == other.recipe("passage")


@pytest.fixture
def without(plain_copy):
    """Leave weights out of the model's file."""

    def change(*words):
        leave_out(plain_copy / "model.safetensors", *words)
        return load_checkpoint(f"m={plain_copy}", EncodeOptions(device="cpu"))

    return change


def test_a_model_that_lacks_weights_is_refused_and_not_filled_at_random(without):
    with pytest.raises(AlignkitError) as raised:
        without("layer.1.output.dense").load()

    assert str(raised.value) == (
        "m lacks 2 weights that its vectors depend on, first encoder.layer.1.output.dense.bias; "
        "they would be random: save the whole model (see `alignkit doctor`)"
    )


@pytest.mark.parametrize("route", ["query", "document"])
def test_a_router_is_refused_where_one_of_its_transformers_lacks_weights(
    route, plain_folder, tmp_path
):
    folder = make_router(plain_folder, tmp_path / "router")
    (file,) = folder.glob(f"{route}*/model.safetensors")
    leave_out(file, "pooler")
    checkpoint = load_checkpoint(f"m={folder}", EncodeOptions(device="cpu"))
    assert checkpoint.load().weights.missing == {"pooler.dense.bias", "pooler.dense.weight"}

    leave_out(file, "layer.1.output.dense")

    with pytest.raises(AlignkitError, match="m lacks 2 weights that its vectors depend on, first"):
        checkpoint.load()


def test_a_missing_pooler_that_nothing_reads_does_no_harm(without, plain_folder):
    encoder = without("pooler").load()

    assert encoder.weights.missing == {"pooler.dense.bias", "pooler.dense.weight"}
    whole = load_checkpoint(str(plain_folder), EncodeOptions(device="cpu")).load()
    np.testing.assert_array_equal(encoder.encode(["a"], "query"), whole.encode(["a"], "query"))


def test_weights_of_a_first_attempt_that_was_given_up_do_not_count(without):
    encoder = without("pooler").load()

    encoder.weights.add(copy.deepcopy(encoder.model[0].auto_model), ["pooler.dense.bias"], ())

    assert encoder.random_weights == []


def test_transformers_own_loading_is_left_as_it_was(model_folder):
    from transformers import PreTrainedModel

    before = PreTrainedModel.__dict__["from_pretrained"]
    load_checkpoint(str(model_folder), EncodeOptions(device="cpu")).load()

    assert PreTrainedModel.__dict__["from_pretrained"] is before

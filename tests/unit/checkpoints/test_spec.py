import pytest

from alignkit.checkpoints import EncodeOptions, load_checkpoint
from alignkit.checkpoints._spec import Spec, parse_spec
from alignkit.errors import AlignkitError


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("org/name", Spec(None, "org/name", None, {})),
        ("new=org/name@v1.0", Spec("new", "org/name", "v1.0", {})),
        ("a+b.c-1=name", Spec("a+b.c-1", "name", None, {})),
        (
            "m=org/name,truncate-dim=64,pooling=cls",
            Spec("m", "org/name", None, {"truncate-dim": "64", "pooling": "cls"}),
        ),
        (
            "org/name@main,query-prompt=Find, in any language: ,dtype=float16",
            Spec(
                None,
                "org/name",
                "main",
                {"query-prompt": "Find, in any language: ", "dtype": "float16"},
            ),
        ),
        ("org/name,query-prompt=", Spec(None, "org/name", None, {"query-prompt": ""})),
        ("out/lr=1e-5/model", Spec(None, "out/lr=1e-5/model", None, {})),
    ],
)
def test_a_checkpoints_name_is_taken_apart_into_label_location_revision_settings(spec, expected):
    assert parse_spec(spec) == expected


@pytest.mark.parametrize("name", ["lr=1e-5", "model@v2", "a,pooling=cls", "new=model@v2"])
def test_a_folder_that_exists_as_written_is_never_split(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name.removeprefix("new=")).mkdir()

    parsed = parse_spec(name)

    assert parsed.location == name.removeprefix("new=")
    assert (parsed.revision, parsed.settings) == (None, {})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("org/name,truncate-dmi=64", "a checkpoint has no setting 'truncate-dmi'. "
         "Did you mean 'truncate-dim'?"),
        ("org/name,truncate-dim=many", "truncate-dim is 'many'; it must be a number, as in 64"),
        ("org/name,truncate-dim=0", "truncate-dim is 0; it must be 1 or more"),
        ("org/name,pooling=max", "no pooling is called 'max'; choose one of auto, mean, cls, last"),
        ("org/name,dtype=int8", "no dtype is called 'int8'; choose one of auto, float32, "
         "bfloat16, float16"),
        ("./nowhere", "./nowhere does not exist"),
        ("runs/a/checkpoint-500", "runs/a/checkpoint-500 does not exist"),
        ("vectors.npz", "vectors.npz does not exist"),
        ("my label=org/name", "'my label=org/name' is neither a file or folder here nor a name on "
         "the hub (org/name); labels have letters, digits and . _ + - only"),
        ("label=", "cannot read the checkpoint 'label='; write it as "
         "[label=]LOCATION[@REVISION], e.g. new=models/run-2/checkpoint-500"),
    ],
)  # fmt: skip
def test_a_name_that_cannot_be_read_is_told_in_one_line(spec, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(AlignkitError) as raised:
        load_checkpoint(spec)

    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("spec", "label"),
    [("{}", "model"), ("{}/", "model"), ("mine={}", "mine"), ("{},truncate-dim=8", "model-dim8"),
     ("mine={},truncate-dim=8", "mine")],
)  # fmt: skip
def test_a_label_is_the_given_one_or_the_last_part_of_the_path(spec, label, model_folder):
    assert load_checkpoint(spec.format(model_folder)).label == label


def test_settings_behind_a_name_override_the_options_of_this_checkpoint(model_folder):
    options = EncodeOptions(query_prompt="all: ", truncate_dim=16)

    checkpoint = load_checkpoint(f"{model_folder},query-prompt=one: ,truncate-dim=8", options)

    assert checkpoint.options.query_prompt == "one: "
    assert checkpoint.truncate_dim == 8


def test_a_folder_with_a_revision_is_refused(model_folder):
    with pytest.raises(AlignkitError, match="is on this disk and has no revision 'main'"):
        load_checkpoint(f"{model_folder}@main")


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "tpu", ""])
def test_a_device_that_is_none_is_refused_before_anything_is_read(device):
    with pytest.raises(AlignkitError, match=f"no device is called '{device}'"):
        EncodeOptions(device=device)

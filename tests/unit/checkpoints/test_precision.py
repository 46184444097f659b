"""`--dtype auto`: bfloat16 where it is fast and does no harm."""

import numpy as np
import pytest

from alignkit.checkpoints import EncodeOptions, _precision, load_checkpoint
from alignkit.checkpoints._model import ModelCheckpoint

AUTO = EncodeOptions(device="cpu")


@pytest.fixture
def fast(monkeypatch, cache):
    """A processor that multiplies bfloat16 fast; counts how often a model is tried."""
    monkeypatch.setattr(_precision, "_processor", lambda: "flags: amx_bf16")
    tried = []
    plain = ModelCheckpoint._try

    def count(self, dtype, texts):
        tried.append(dtype)
        return plain(self, dtype, texts)

    monkeypatch.setattr(ModelCheckpoint, "_try", count)
    assert not (cache / "precision").exists()
    return tried


def test_bfloat16_is_taken_said_and_tried_once_on_a_machine(fast, model_folder):
    checkpoint = load_checkpoint(str(model_folder), AUTO)

    assert checkpoint.describe()["dtype"] == "bfloat16"
    assert "runs in bfloat16" in checkpoint.notes[-1]
    assert sorted(fast) == ["bfloat16", "float32"]

    assert load_checkpoint(str(model_folder), AUTO).fingerprint == checkpoint.fingerprint
    assert len(fast) == 2
    asked = load_checkpoint(f"{model_folder},dtype=bfloat16", AUTO)
    assert asked.fingerprint == checkpoint.fingerprint


def test_a_model_that_bfloat16_moves_runs_in_float32_aloud(fast, model_folder, monkeypatch):
    monkeypatch.setattr(_precision, "least_cosine", lambda *_: 0.97)

    checkpoint = load_checkpoint(str(model_folder), AUTO)

    assert fast is not None
    assert checkpoint.describe()["dtype"] == "float32"
    assert "a cosine of 0.970" in checkpoint.notes[-1]
    asked = load_checkpoint(f"{model_folder},dtype=float32", AUTO)
    assert asked.fingerprint == checkpoint.fingerprint
    assert asked.notes == ()


@pytest.mark.parametrize("spec", ["", ",dtype=float32"])
def test_nothing_is_tried_where_it_is_not_fast_or_not_asked_for(
    spec, fast, model_folder, monkeypatch
):
    if not spec:
        monkeypatch.setattr(_precision, "_processor", str)
    assert load_checkpoint(f"{model_folder}{spec}", AUTO).describe()["dtype"] == "float32"
    assert fast == []


def test_an_unwritable_cache_only_costs_another_try(fast, model_folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ALIGNKIT_CACHE", str(tmp_path / "file"))
    for _ in range(2):
        assert load_checkpoint(str(model_folder), AUTO).describe()["dtype"] == "bfloat16"
    assert len(fast) == 4


def test_the_least_cosine_counts_what_is_no_number_as_the_worst():
    one = np.array([[1.0, 0.0], [0.0, 2.0]])
    assert _precision.least_cosine(one, one) == pytest.approx(1)
    assert _precision.least_cosine(one, np.array([[1.0, 1.0], [0.0, 1.0]])) == pytest.approx(
        np.sqrt(0.5)
    )
    assert _precision.least_cosine(one, np.array([[np.nan, 1.0], [0.0, 1.0]])) == -1
    assert _precision.least_cosine(one, np.zeros((2, 2))) == 0


def test_the_probes_are_64_different_texts():
    assert len(set(_precision.probes())) == 64

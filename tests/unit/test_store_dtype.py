"""Vectors that are kept in float16: half the bytes, and measured as what they are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_checkpoint import FakeCheckpoint, FakeEncoder, many_texts, options
from made import fully_parallel, partly_parallel, random_embeddings

from alignkit.cache_merge import merge_caches
from alignkit.checkpoints import load_checkpoint
from alignkit.comparison import tabulate
from alignkit.compressions import compress
from alignkit.cross_fitting import measure_repaired
from alignkit.embedding import embed
from alignkit.errors import AlignkitError
from alignkit.exchange import vectors_table
from alignkit.kernels.merging import one_by_one
from alignkit.measures import measure
from alignkit.projection import project
from alignkit.shard import shard_shape
from alignkit.store import VectorStore


@pytest.fixture
def store(tmp_path):
    return VectorStore(tmp_path / "cache")


def fake(store_dtype="float16"):
    return FakeCheckpoint("fake", "fake", Path(), None, replace(options(), store_dtype=store_dtype))


def in_both(similarity="cosine", dataset=None):
    """Give a data set, its vectors in float16, and the same numbers in float32."""
    rng = np.random.default_rng(0)
    dataset = dataset or partly_parallel(rng)
    sides = [
        replace(one, vectors=one.vectors.astype(np.float16), similarity=similarity)
        for one in random_embeddings(rng, dataset, 24)
    ]
    return dataset, sides, [replace(one, vectors=one.vectors.astype(np.float32)) for one in sides]


def table(measures):
    return tabulate({"a": measures}, "a", n_resamples=20)[0]


@pytest.mark.parametrize("similarity", ["cosine", "dot", "euclidean"])
@pytest.mark.parametrize("spread", [None, one_by_one], ids=["whole", "in parts"])
def test_they_are_measured_as_the_same_numbers_in_float32(similarity, spread):
    dataset, half, single = in_both(similarity)
    one, other = (table(measure(dataset, *sides, spread=spread)) for sides in (half, single))
    pd.testing.assert_frame_equal(one, other, rtol=1e-12)


@pytest.mark.parametrize("name", ["dim-8", "int8", "binary"])
def test_compression_starts_from_the_same_numbers(name):
    _, half, single = in_both()
    for one, other in zip(compress(name, *half), compress(name, *single), strict=True):
        np.testing.assert_array_equal(one.vectors, other.vectors)


def test_repairs_are_not_rounded_again():
    dataset, half, single = in_both(dataset=fully_parallel(("ar", "de", "en"), 20, 5))
    one, other = (table(measure_repaired(dataset, *sides, "centre")) for sides in (half, single))
    pd.testing.assert_frame_equal(one, other, rtol=1e-12)


def test_maps_are_those_of_the_same_numbers():
    _, half, single = in_both(dataset=fully_parallel(("ar", "de", "en"), 20, 5))
    one, other = (project({"a": sides[0]})[0] for sides in (half, single))
    pd.testing.assert_frame_equal(one, other)


def test_the_cache_holds_half_as_much_and_gives_back_what_it_was_given(store):
    texts = many_texts(500)
    first = embed(fake(), texts, "query", store=store)
    expected = embed(fake("float32"), texts, "query", store=store).vectors.astype(np.float16)
    assert first.vectors.dtype == np.float16
    np.testing.assert_array_equal(first.vectors, expected)
    np.testing.assert_array_equal(embed(fake(), texts, "query", store=store).vectors, first.vectors)
    size = {
        info.get("stored", "float32"): info["bytes"] - 16 * info["texts"] for info in store.info()
    }
    assert 0.5 < size["float16"] / size["float32"] < 0.6  # headers and recipes besides


def test_a_cache_of_float32_is_left_as_it_was(store):
    assert "stored" not in fake("float32").recipe("query")
    embed(fake("float32"), many_texts(9), "query", store=store)
    assert store.read(fake().recipe("query")).dim == 0


def test_what_float16_cannot_hold_is_named(store, monkeypatch):
    encode = FakeEncoder.encode
    monkeypatch.setattr(FakeEncoder, "encode", lambda *given: encode(*given) * 1000)
    with pytest.raises(AlignkitError) as raised:
        embed(fake(), many_texts(3), "query", store=store)
    assert str(raised.value) == (
        "fake gives a vector for 'en:2' whose numbers float16 cannot hold; leave --store-dtype out"
    )
    assert store.read(fake().recipe("query")).dim == 0


def test_caches_are_merged(store, tmp_path):
    embed(fake(), many_texts(30), "query", store=store)
    other = VectorStore(tmp_path / "other")
    merge_caches([tmp_path / "cache"], other)
    assert [one["texts"] for one in other.info()] == [30]
    assert {shard_shape(path) for path in other.folder.rglob("*.safetensors")} == {(30, 8)}


def test_vectors_made_elsewhere_are_rounded_too(tmp_path):
    rng, texts = np.random.default_rng(0), many_texts(4)
    np.savez(tmp_path / "v.npz", ids=texts.frame["id"].to_numpy(str),
             embeddings=rng.random((4, 3), np.float32))  # fmt: skip
    plain, half = (
        embed(load_checkpoint(f"{tmp_path}/v.npz{key}"), texts, "query")
        for key in ("", ",store-dtype=float16")
    )
    np.testing.assert_array_equal(half.vectors, plain.vectors.astype(np.float16))
    exported = vectors_table([("mine", "query", half)])["embedding"]
    assert exported[0].dtype == np.float32  # which every reader of Parquet knows


def test_another_type_is_refused(tmp_path):
    np.savez(tmp_path / "v.npz", ids=["en:0"], embeddings=np.ones((1, 3), np.float32))
    with pytest.raises(AlignkitError, match="no store-dtype is called 'int8'"):
        load_checkpoint(f"{tmp_path}/v.npz,store-dtype=int8")

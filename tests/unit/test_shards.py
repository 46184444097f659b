"""Shards of one job: no text twice, none left out, and the bits of one run."""

import json
from pathlib import Path

import numpy as np
import pytest
from fake_checkpoint import FakeCheckpoint, many_texts, options
from made import CARD, texts
from stored import look_up

from alignkit import batches as module
from alignkit.batches import Shard, plan
from alignkit.cache_merge import merge_caches
from alignkit.embedding import embed_datasets, fill_shard
from alignkit.errors import AlignkitError
from alignkit.shard import write_shard
from alignkit.store import VectorStore
from alignkit.tables import QREL_COLUMNS, Dataset


def fake(fingerprint="f" * 64):
    class Fake(FakeCheckpoint):
        def compute_fingerprint(self):
            return fingerprint

    return Fake("fake", "fake", Path(), None, options())


def dataset(n_texts, name="made", first=0):
    import pandas as pd

    rows = many_texts(first + n_texts).frame.iloc[first:].reset_index(drop=True)
    passages = [("en:p", "en", "", "a passage of five words")]
    card = CARD.__class__(name, "made for tests", (), "none", "tests", "")
    return Dataset(
        card, texts(rows.to_numpy().tolist()), texts(passages),
        pd.DataFrame(columns=QREL_COLUMNS), name,
    )  # fmt: skip


def kept(cache, data):
    stored = VectorStore(cache).read(fake().recipe("query"))
    return {text: look_up(stored, [text]).vectors.tobytes() for text in data.queries.frame["text"]}


@pytest.mark.parametrize("window", [64, 4096])  # whole windows are shared out, or batches of one
def test_sixteen_shards_leave_the_vectors_of_one_run(window, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "WINDOW", window)
    monkeypatch.setattr(module, "_WINDOWS_EACH", 1)
    # Some texts stand in both data sets: they are embedded with the first.
    data = [dataset(1100), dataset(300, "other", first=1000)]
    caches = [tmp_path / str(number) for number in range(16)]

    counts = [
        fill_shard(fake(), data, Shard(i + 1, 16), store=VectorStore(cache))
        for i, cache in enumerate(caches)
    ]  # fmt: skip
    merged = merge_caches(caches, VectorStore(tmp_path / "merged"))
    one = embed_datasets(fake(), data, store=VectorStore(tmp_path / "one"))
    both = embed_datasets(fake(), data, store=VectorStore(tmp_path / "merged"))

    assert len(one[0][2].texts) == 1100
    for (*_, first), (*_, second) in zip(one, both, strict=True):
        assert first.vectors.tobytes() == second.vectors.tobytes()
    assert kept(tmp_path / "one", data[0]) == kept(tmp_path / "merged", data[0])
    assert all(counts[i][0][1] > 0 for i in range(16))
    stored = VectorStore(tmp_path / "merged").info()
    assert [(info["role"], info["texts"]) for info in stored] == [("query", 1300), ("passage", 1)]
    assert merged.jobs == (
        "made and other, passage texts, ffffffff: complete",
        "made and other, query texts, ffffffff: complete",
    )


def test_a_shard_that_is_done_is_not_done_again_and_merging_again_copies_nothing(tmp_path):
    store = VectorStore(tmp_path / "a")
    fill_shard(fake(), [dataset(100)], Shard(2, 3), store=store)

    again = fill_shard(fake(), [dataset(100)], Shard(2, 3), store=store)
    first = merge_caches([tmp_path / "a"], VectorStore(tmp_path / "b"))
    second = merge_caches([tmp_path / "a"], VectorStore(tmp_path / "b"))

    assert again == [("query", 0), ("passage", 0)]
    assert (first.files > 0, second.files) == (True, 0)
    assert second.jobs[1] == "made, query texts, ffffffff: lacks 1/3, 3/3"


def test_half_of_a_batch_that_is_missing_is_put_together_with_others():
    import pandas as pd

    lines = pd.Index([f"text {i}" for i in range(12)])
    missing = np.zeros(12, bool)
    missing[[0, 5, 10, 11]] = True

    found = list(
        plan(lines, missing, lambda some: np.array([len(s) for s in some]), budget=14)
    )  # fmt: skip

    assert [batch.texts for batch in found] == [["text 10", "text 11"], ["text 0", "text 5"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("17/16", "there is no shard 17/16; they are counted from 1/16 to 16/16"),
        ("0/16", "there is no shard 0/16; they are counted from 1/16 to 16/16"),
        ("1/0", "there is no shard 1/0; they are counted from 1/1 to 1/1"),
        ("3", "'3' is no shard; write the third of 16 as 3/16"),
        ("-1/2", "'-1/2' is no shard; write the third of 16 as 3/16"),
    ],
)
def test_a_shard_that_is_none_is_refused(text, message):
    with pytest.raises(AlignkitError) as raised:
        Shard.parse(text)

    assert str(raised.value) == message


def test_shards_of_two_checkpoints_are_not_merged(tmp_path):
    for number, fingerprint in ((1, "a" * 64), (2, "b" * 64)):
        store = VectorStore(tmp_path / str(number))
        fill_shard(fake(fingerprint), [dataset(100)], Shard(number, 2), store=store)
    target = VectorStore(tmp_path / "merged")

    with pytest.raises(AlignkitError) as raised:
        merge_caches([tmp_path / "1", tmp_path / "2"], target)

    assert str(raised.value) == (
        "made, query texts: shard 1/2 and shard 2/2 are of different checkpoints: fingerprint is "
        "aaaaaaaaaaaa and bbbbbbbbbbbb; embed all shards with one checkpoint and --dtype"
    )
    assert not target.folder.exists()


RECIPE = {"fingerprint": "ab", "role": "query"}


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.ones((1, 3), np.float32), "of 2 dimensions and"),
        (np.array([[1, -1]], np.float32), "different vectors of one text"),
    ],
)
def test_shards_that_only_seem_to_be_of_one_checkpoint_are_not_merged(vectors, message, tmp_path):
    for name, own in (("a", np.ones((1, 2), np.float32)), ("b", vectors)):
        VectorStore(tmp_path / name).append(RECIPE, ["x"], own)

    with pytest.raises(AlignkitError, match=message):
        merge_caches([tmp_path / "b"], VectorStore(tmp_path / "a"))

    assert len(list((tmp_path / "a").rglob("*.safetensors"))) == 1


def test_last_bits_may_differ_between_shards_of_one_checkpoint(tmp_path):
    for name, value in (("a", 1.0), ("b", 1.0 + 1e-6)):
        VectorStore(tmp_path / name).append(RECIPE, ["x"], np.array([[1, value]], np.float32))

    assert merge_caches([tmp_path / "b"], VectorStore(tmp_path / "a")).files == 1


def test_a_damaged_or_foreign_source_is_refused_before_anything_is_copied(tmp_path):
    source = VectorStore(tmp_path / "a")
    source.append(RECIPE, ["x"], np.ones((1, 2), np.float32))
    (home,) = source.homes()
    write_shard(home, ["y"], np.ones((1, 2), np.float32))
    path = sorted(home.glob("*.safetensors"))[1]
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    target = VectorStore(tmp_path / "b")
    with pytest.raises(AlignkitError, match=r"damaged: its checksum does not fit"):
        merge_caches([tmp_path / "a"], target)
    path.unlink()
    (home / "recipe.json").write_text(json.dumps({**RECIPE, "fingerprint": "cd"}))
    with pytest.raises(AlignkitError, match="another checkpoint than its folder's name says"):
        merge_caches([tmp_path / "a"], target)
    with pytest.raises(AlignkitError, match="is no cache: it has no folder 'vectors'"):
        merge_caches([tmp_path / "nothing"], target)

    assert not target.folder.exists()


def test_a_note_that_was_cut_off_is_named_before_anything_is_copied(tmp_path):
    fill_shard(fake(), [dataset(30)], Shard(1, 2), store=VectorStore(tmp_path / "a"))
    note = sorted((tmp_path / "a").rglob("shard-*.json"))[0]
    note.write_bytes(note.read_bytes()[:20])
    target = VectorStore(tmp_path / "b")

    with pytest.raises(AlignkitError) as raised:
        merge_caches([tmp_path / "a"], target)

    assert str(raised.value).startswith(f"{note} is damaged: it does not say which shard was done")
    assert not target.folder.exists()

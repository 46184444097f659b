"""The vector cache: what was written comes back, what was damaged does not."""

import os
import time

import numpy as np
import pytest
from stored import look_up

from alignkit import store as module
from alignkit.cache_merge import merge_caches
from alignkit.errors import AlignkitError
from alignkit.shard import text_keys
from alignkit.store import VectorStore, recipe_key

RECIPE = {"fingerprint": "ab", "role": "query", "prompt": "Frage: ü\ud800"}
TEXTS = ["a", "", "ü", "a\0", "\ud800", "مرحبا"]


@pytest.fixture
def store(tmp_path):
    return VectorStore(tmp_path)


def vectors_of(texts, dim=5):
    return np.arange(len(texts) * dim, dtype=np.float32).reshape(len(texts), dim) + 1


def shards(store):
    return sorted(store.folder.glob("*/*/*.safetensors"))


def age(store, days):
    for path in store.folder.glob("*/*/*"):
        os.utime(path, (time.time() - days * 86_400,) * 2)


def test_vectors_come_back_in_the_order_asked_for_with_a_mask_of_the_missing(store):
    vectors = vectors_of(TEXTS)
    store.append(RECIPE, TEXTS[:4], vectors[:4])
    store.append(RECIPE, TEXTS[4:], vectors[4:])

    found = look_up(store.read(RECIPE), ["مرحبا", "b", "a", "a\0", "a"])

    assert found.missing.tolist() == [False, True, False, False, False]
    np.testing.assert_array_equal(found.vectors[[0, 2, 3, 4]], vectors[[5, 0, 3, 0]])


def test_a_store_without_the_recipe_finds_nothing(store):
    store.append(RECIPE, TEXTS, vectors_of(TEXTS))

    found = look_up(store.read({**RECIPE, "role": "passage"}), TEXTS)

    assert found.missing.all()
    assert found.vectors.shape == (6, 0)


def test_the_key_of_a_text_is_blake2b_of_its_utf_8():
    # printf 'ü' | b2sum --length 128
    assert text_keys(["ü"]).tobytes().hex() == "ccea9926cd506ef041d05adbd5a2dfb7"


def test_any_other_value_in_a_recipe_is_another_key():
    assert recipe_key(RECIPE) == recipe_key(dict(reversed(RECIPE.items())))
    assert recipe_key(RECIPE) != recipe_key({**RECIPE, "prompt": ""})


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "header", "foreign"])
def test_a_damaged_shard_is_reported_removed_and_never_trusted(damage, store):
    store.append(RECIPE, TEXTS[:3], vectors_of(TEXTS[:3]))
    (bad,) = shards(store)
    store.append(RECIPE, TEXTS[3:], vectors_of(TEXTS[3:]))
    content = bytearray(bad.read_bytes())
    content[-1] ^= 1
    bad.write_bytes(
        {"flip": content, "cut": content[:-7], "empty": b"", "header": b"\xff" * 64,
         "foreign": (2).to_bytes(8, "little") + b"{}"}[damage]
    )  # fmt: skip

    assert store.verify() == [bad]
    stored = store.read(RECIPE)

    assert stored.damaged == (bad,)
    assert look_up(stored, TEXTS).missing.tolist() == [True] * 3 + [False] * 3
    assert store.verify() == []
    assert store.read(RECIPE).damaged == ()


def test_no_byte_of_a_shard_can_change_unnoticed(store):
    store.append(RECIPE, TEXTS, vectors_of(TEXTS))
    (shard,) = shards(store)
    content = shard.read_bytes()
    harmless = []
    for place in range(len(content)):
        for flip in (1, 0x80):
            changed = bytearray(content)
            changed[place] ^= flip
            shard.write_bytes(changed)
            if store.verify() != [shard]:
                harmless.append(place)

    # What no reader asks for: the stated dtypes (each "F32" and "U8") and the padding's blanks.
    assert {chr(content[place]) for place in harmless} <= set("dtypeFU382 ")


def test_keys_that_changed_places_are_noticed(store):
    store.append(RECIPE, TEXTS[:2], vectors_of(TEXTS[:2]))
    (shard,) = shards(store)
    first, second = (text_keys([text]).tobytes() for text in TEXTS[:2])
    content = shard.read_bytes()
    shard.write_bytes(content.replace(first + second, second + first))

    assert store.verify() == [shard]


def test_names_change_with_what_is_kept_and_say_that_it_is_used(store):
    assert store.names(RECIPE) == []
    store.append(RECIPE, TEXTS[:3], vectors_of(TEXTS[:3]))
    first = store.names(RECIPE)
    store.append(RECIPE, TEXTS[3:], vectors_of(TEXTS[3:]))
    age(store, days=10)

    assert set(first) < set(store.names(RECIPE))
    assert store.prune(older_than_days=7) == 0


def test_the_same_texts_written_twice_do_no_harm(store):
    for _ in range(2):
        store.append(RECIPE, TEXTS, vectors_of(TEXTS))
    store.append(RECIPE, TEXTS[1:3], vectors_of(TEXTS)[1:3])

    np.testing.assert_array_equal(look_up(store.read(RECIPE), TEXTS).vectors, vectors_of(TEXTS))


def test_a_writer_that_is_stopped_before_the_rename_leaves_no_shard(store, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    store.reserve(RECIPE)
    monkeypatch.setattr("pathlib.Path.replace", stop)
    with pytest.raises(KeyboardInterrupt):
        store.append(RECIPE, TEXTS, vectors_of(TEXTS))

    assert look_up(store.read(RECIPE), TEXTS).missing.all()
    assert shards(store) == []


def test_info_counts_texts_by_recipe_the_largest_first(store):
    store.append(RECIPE, TEXTS[:2], vectors_of(TEXTS[:2]))
    other = {"fingerprint": "cd", "role": "passage"}
    store.append(other, TEXTS, vectors_of(TEXTS, dim=300))

    infos = store.info()

    assert [(info["fingerprint"], info["role"]) for info in infos] == [
        ("cd", "passage"), ("ab", "query")
    ]  # fmt: skip
    assert [(info["texts"], info["dim"], info["shards"]) for info in infos] == [
        (6, 300, 1), (2, 5, 1)
    ]  # fmt: skip
    assert infos[0]["bytes"] > 6 * 300 * 4


def test_pruning_by_age_spares_what_was_read_lately(store):
    old, used = {"role": "old"}, {"role": "used"}
    for recipe in (old, used):
        store.append(recipe, TEXTS, vectors_of(TEXTS))
    age(store, days=10)
    store.read(used)

    freed = store.prune(older_than_days=7)

    assert freed > 6 * 5 * 4
    assert [info["role"] for info in store.info()] == ["used"]
    assert not (store.folder / recipe_key(old)[:2] / recipe_key(old)).exists()


def test_pruning_takes_left_over_temporary_files_but_not_young_ones(store):
    store.append(RECIPE, TEXTS, vectors_of(TEXTS))
    folder = shards(store)[0].parent
    (folder / ".tmp-1-old").write_bytes(b"12345")
    age(store, days=1)
    (folder / ".tmp-1-young").write_bytes(b"1")

    assert store.prune() == 5
    assert len(shards(store)) == 1
    assert (folder / ".tmp-1-young").exists()


def test_pruning_everything_leaves_an_empty_cache(store):
    store.append(RECIPE, TEXTS, vectors_of(TEXTS))

    store.prune(everything=True)

    assert list(store.folder.rglob("*")) == []
    assert store.info() == []


def test_a_cache_that_cannot_be_written_is_told_in_one_line(tmp_path):
    (tmp_path / "vectors").write_text("a file where a folder should be")

    with pytest.raises(AlignkitError) as raised:
        VectorStore(tmp_path).append(RECIPE, TEXTS, vectors_of(TEXTS))

    assert str(raised.value) == (
        f"cannot write the vector cache in {tmp_path}/vectors: Not a directory; "
        "set ALIGNKIT_CACHE to a folder with room that you may write to"
    )


def test_the_cache_lies_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("ALIGNKIT_CACHE", str(tmp_path / "here"))

    assert VectorStore().folder == tmp_path / "here" / "vectors"


def test_a_cache_of_more_shards_than_files_may_be_open_is_read_whole(store):
    resource = pytest.importorskip("resource")
    texts = [f"text {n}" for n in range(150)]
    vectors = vectors_of(texts)
    for n, text in enumerate(texts):
        store.append(RECIPE, [text], vectors[n : n + 1])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = os.open(os.devnull, os.O_RDONLY)  # some files are open already
    os.close(highest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 40, hard))
    try:
        stored = store.read(RECIPE)
        found = look_up(stored, texts)
        merge_caches([store.folder.parent], VectorStore(store.folder.parent / "other"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert stored.damaged == ()
    np.testing.assert_array_equal(found.vectors, vectors)


def test_a_shard_that_cannot_be_read_is_no_damage(store, monkeypatch):
    store.append(RECIPE, TEXTS, vectors_of(TEXTS))
    (shard,) = shards(store)

    def refuse(_):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(module, "open_shard", refuse)
    with pytest.raises(AlignkitError) as raised:
        store.read(RECIPE)
    assert str(raised.value) == (
        f"cannot read {shard} in the vector cache: Too many open files; mend that, or set "
        "ALIGNKIT_CACHE to another folder"
    )
    assert shard.exists()

"""Each text once, in batches of like length, kept as they come; never another's vector."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import fake_checkpoint
import numpy as np
import pytest
from fake_checkpoint import FakeCheckpoint, FakeEncoder, make_texts, many_texts, options
from stored import look_up
from tiny_models import make_plain_model

from alignkit import embedding as module
from alignkit.batches import token_batches
from alignkit.checkpoints import EncodeOptions, NoRoomError, load_checkpoint
from alignkit.embedding import EmbeddingSession, embed, embed_datasets
from alignkit.errors import AlignkitError
from alignkit.progress import Reporter
from alignkit.store import VectorStore


@pytest.fixture
def store(tmp_path):
    return VectorStore(tmp_path / "cache")


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


def fake(log=None, *, label="fake", truncate_dim=None):
    opened = EncodeOptions(device="cpu", batch_tokens=40, truncate_dim=truncate_dim)
    return FakeCheckpoint(label, "fake", Path(), None, opened, log=log)


def encoded(log):
    return log.read_text().splitlines() if log.exists() else []


def test_a_text_that_stands_twice_is_embedded_once_and_order_is_kept(store, log):
    sentences = ["one two three", "a", "one two three", "b b"]

    embedded = embed(fake(log), make_texts(sentences), "query", store=store)

    assert sorted(encoded(log)) == ["a", "b b", "one two three"]
    for sentence, vector in zip(sentences, embedded.vectors, strict=True):
        alone = FakeEncoder(None, 0).encode([sentence], "query")[0]
        np.testing.assert_allclose(vector, alone, rtol=1e-4)  # the batch shows in the last bits


def test_a_second_run_loads_no_model(store, monkeypatch):
    texts = many_texts(50)
    first = embed(fake(), texts, "query", store=store)
    monkeypatch.setattr(FakeCheckpoint, "load", lambda _: pytest.fail("the model was loaded"))

    second = embed(fake(label="other"), texts, "query", store=store)

    np.testing.assert_array_equal(first.vectors, second.vectors)


def test_only_texts_that_are_missing_are_embedded(store, log):
    embed(fake(), many_texts(30), "query", store=store)

    embed(fake(log), many_texts(33), "query", store=store)

    assert sorted(encoded(log)) == sorted(many_texts(33).frame["text"][30:])


def test_a_model_is_loaded_once_for_queries_and_passages(store, monkeypatch):
    loads = []
    load = FakeCheckpoint.load
    monkeypatch.setattr(FakeCheckpoint, "load", lambda self: loads.append(1) or load(self))

    with EmbeddingSession(fake(), store=store) as session:
        queries = session.embed(many_texts(5), "query")
        passages = session.embed(many_texts(5), "passage")

    assert loads == [1]
    assert not np.isclose(queries.vectors, passages.vectors).all(axis=1).any()


@pytest.fixture
def real_models(tmp_path):
    """Two models in folders of one name, and one of them with prompts to choose."""
    first = make_plain_model(tmp_path / "a" / "checkpoint-500", seed=1)
    second = make_plain_model(tmp_path / "b" / "checkpoint-500", seed=2)
    return [
        (str(first), "query"),
        (str(first), "passage"),
        (str(second), "query"),
        (f"{first},query-prompt=find: ", "query"),
        (f"{first},pooling=cls", "query"),
        (f"{first},dtype=bfloat16", "query"),
    ]


def test_models_of_one_folder_name_prompts_and_roles_never_share_a_vector(real_models, store):
    texts = make_texts(["Where is it?", "Here."])
    opened = EncodeOptions(device="cpu")

    embedded = [
        embed(load_checkpoint(spec, opened), texts, role, store=store) for spec, role in real_models
    ]

    counts = [info["texts"] for info in store.info()]
    assert counts == [2] * len(real_models)  # nothing was taken from another's cache
    fresh = [
        load_checkpoint(spec, opened).load().encode(list(texts.frame["text"]), role)
        for spec, role in real_models
    ]
    for one, expected in zip(embedded, fresh, strict=True):
        np.testing.assert_allclose(one.vectors, expected, atol=1e-6)


def test_a_copied_folder_finds_the_vectors_of_the_original(real_models, store, tmp_path):
    texts = make_texts(["Where is it?"])
    original = Path(real_models[0][0])
    copy = shutil.copytree(original, tmp_path / "copy")
    embed(load_checkpoint(str(original)), texts, "query", store=store)

    embed(load_checkpoint(str(copy)), texts, "query", store=store)

    assert [info["texts"] for info in store.info()] == [1]


def test_truncations_share_the_cache_and_are_contiguous(store, log):
    whole = embed(fake(), many_texts(9), "query", store=store)

    short = embed(fake(log, truncate_dim=3), many_texts(9), "query", store=store)

    assert encoded(log) == []
    np.testing.assert_array_equal(short.vectors, whole.vectors[:, :3])
    assert short.vectors.flags.c_contiguous


def test_a_truncation_beyond_the_dimension_is_an_error(store):
    with pytest.raises(AlignkitError) as raised:
        embed(fake(truncate_dim=9), many_texts(2), "query", store=store)

    assert str(raised.value) == "fake has vectors of 8 dimensions; truncate-dim=9 asks for more"


def test_batches_keep_within_the_token_budget_except_for_single_texts():
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 50, 500)

    batches = list(token_batches(counts, budget=40))

    assert sorted(np.concatenate(batches).tolist()) == list(range(500))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * counts[batch].max() <= 40
    longest = [counts[batch].max() for batch in batches]
    assert longest == sorted(longest, reverse=True)
    assert len(batches) < 500 * 25 / 40 * 1.5  # near the least number there can be


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.nan, "fake gives NaN or inf for 'en:3'; check its weights, or try --dtype float32"),
        (np.inf, "fake gives NaN or inf for 'en:3'; check its weights, or try --dtype float32"),
        (0.0, "fake gives a vector of zeros for 'en:3', which has no direction; "
         "check that text and the model's weights"),
    ],
)  # fmt: skip
def test_a_bad_vector_ends_the_run_with_its_text_and_is_not_kept(bad, message, store, monkeypatch):
    encode = FakeEncoder.encode

    def spoil(self, texts, role):
        vectors = encode(self, texts, role)
        vectors[[text.startswith("text 3 ") for text in texts]] = bad
        return vectors

    monkeypatch.setattr(FakeEncoder, "encode", spoil)

    with pytest.raises(AlignkitError) as raised:
        embed(fake(), many_texts(40), "query", store=store)

    assert str(raised.value) == message
    kept = look_up(store.read(fake().recipe("query")), list(many_texts(40).frame["text"]))
    assert kept.missing[3]
    assert not kept.missing.all()


def test_ctrl_c_keeps_what_was_embedded(store, monkeypatch):
    encode = FakeEncoder.encode
    batches = []

    def interrupt(self, texts, role):
        if len(batches) == 3:
            raise KeyboardInterrupt
        batches.append(texts)
        return encode(self, texts, role)

    monkeypatch.setattr(FakeEncoder, "encode", interrupt)
    with pytest.raises(KeyboardInterrupt):
        embed(fake(), many_texts(80), "query", store=store)

    done = [text for batch in batches for text in batch]
    assert not look_up(store.read(fake().recipe("query")), done).missing.any()


def test_a_damaged_shard_is_said_and_embedded_again(store, capsys):
    texts = many_texts(30)
    before = embed(fake(), texts, "query", store=store)
    (shard,) = store.folder.glob("*/*/*.safetensors")
    shard.write_bytes(shard.read_bytes()[:-1])

    after = embed(fake(), texts, "query", store=store, reporter=Reporter(-1))

    np.testing.assert_array_equal(before.vectors, after.vectors)
    assert capsys.readouterr().err == (
        f"{shard} in the vector cache is damaged; what it held is embedded again\n"
    )


def test_what_a_checkpoint_has_to_say_is_said(plain_model, store, capsys):
    embed(load_checkpoint(str(plain_model)), make_texts(["a"]), "query", store=store,
          reporter=Reporter())  # fmt: skip

    assert "mean pooling, as it is a plain transformers model" in capsys.readouterr().err


@pytest.fixture
def plain_model(tmp_path):
    return make_plain_model(tmp_path / "plain", seed=0)


def test_no_texts_need_no_model(store, monkeypatch):
    monkeypatch.setattr(FakeCheckpoint, "load", lambda _: pytest.fail("the model was loaded"))

    assert len(embed(fake(), make_texts([]), "query", store=store).vectors) == 0


def test_datasets_come_back_with_name_and_role_beside_each_part(store):
    from made import fully_parallel

    dataset = fully_parallel(["de", "en"], 3)

    parts = embed_datasets(fake(), [dataset], store=store)

    expected = [(dataset.name, "query", 6), (dataset.name, "passage", 6)]
    assert [(name, role, len(one.texts)) for name, role, one in parts] == expected


def start(cache, log, out, *, n_texts=200, pause=0.02):
    return subprocess.Popen(
        [sys.executable, fake_checkpoint.__file__, cache, log, out, str(n_texts), str(pause)],
        env={**os.environ, "PYTHONPATH": str(Path(module.__file__).parents[1])},
    )


def wait_for_shards(cache, n_shards, process):
    for _ in range(600):
        if len(list(cache.glob("vectors/*/*/*.safetensors"))) >= n_shards:
            return
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.05)
    pytest.fail("no shards after 30 seconds")


def test_after_kill_9_nothing_that_was_kept_is_embedded_again_and_no_bit_differs(tmp_path):
    cache, log, out = tmp_path / "cache", tmp_path / "log", tmp_path / "out.npy"
    killed = start(cache, log, out, pause=0.1)
    wait_for_shards(cache, 2, killed)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    texts = many_texts(200)
    sentences = list(texts.frame["text"])
    stored = VectorStore(cache).read(fake().recipe("query"))
    kept = {text for text, gone in zip(sentences, look_up(stored, sentences).missing, strict=True)
            if not gone}  # fmt: skip

    resumed_log = tmp_path / "resumed"
    resumed = embed(fake(resumed_log), texts, "query", store=VectorStore(cache))
    whole = embed(fake(), texts, "query", store=VectorStore(tmp_path / "other"))

    assert 40 <= len(kept) < 200
    assert not out.exists()
    assert set(encoded(resumed_log)) == set(sentences) - kept
    np.testing.assert_array_equal(resumed.vectors, whole.vectors)


def test_two_processes_that_embed_the_same_texts_leave_a_valid_cache(tmp_path):
    cache = tmp_path / "cache"
    outs = [tmp_path / f"{number}.npy" for number in range(2)]

    processes = [start(cache, tmp_path / f"log{number}", out, pause=0.01)
                 for number, out in enumerate(outs)]  # fmt: skip
    codes = [process.wait() for process in processes]

    texts = many_texts(200)
    store = VectorStore(cache)
    stored = look_up(store.read(fake().recipe("query")), list(texts.frame["text"]))
    first, second = (np.load(out) for out in outs)
    assert codes == [0, 0]
    assert store.verify() == []
    assert not stored.missing.any()
    assert list(cache.rglob(".tmp-*")) == []
    np.testing.assert_allclose(first, second, rtol=1e-4)
    np.testing.assert_allclose(stored.vectors, first, rtol=1e-4)


def test_reading_26000_vectors_takes_no_longer_than_a_blink(store):
    sentences = [f"text {row}" for row in range(26_000)]
    recipe = fake().recipe("query")
    vectors = np.random.default_rng(0).standard_normal((26_000, 384), np.float32)
    for start_row in range(0, 26_000, 4096):
        rows = slice(start_row, start_row + 4096)
        store.append(recipe, sentences[rows], vectors[rows])

    began = time.perf_counter()
    found = look_up(store.read(recipe), sentences)
    took = time.perf_counter() - began

    np.testing.assert_array_equal(found.vectors, vectors)
    assert took < 2  # 0.2 s alone on two cores; others may be at work


def test_options_of_the_script_are_those_of_these_tests():
    assert options() == fake().options


def test_a_batch_without_room_is_halved_and_the_run_goes_on(store, monkeypatch, capsys):
    launch = FakeEncoder.launch
    sizes = []

    def launch_few(self, prepared):
        sizes.append(len(prepared[0]))
        if len(prepared[0]) > 2:
            raise NoRoomError("no room")
        return launch(self, prepared)

    expected = embed(fake(), many_texts(40), "query", store=VectorStore(store.folder / "other"))
    monkeypatch.setattr(FakeEncoder, "launch", launch_few)

    found = embed(fake(), many_texts(40), "query", store=store, reporter=Reporter(0))

    np.testing.assert_allclose(found.vectors, expected.vectors, rtol=1e-3)
    assert max(sizes) > 2
    assert "no room for" in capsys.readouterr().err


def test_a_text_without_room_ends_the_run_with_a_line(store, monkeypatch):
    def launch_none(*_):
        raise NoRoomError("no room")

    monkeypatch.setattr(FakeEncoder, "launch", launch_none)
    with pytest.raises(AlignkitError, match="no memory left on the device for a single text"):
        embed(fake(), many_texts(5), "query", store=store)


def test_batches_are_tokenised_ahead_in_another_thread(store, monkeypatch):
    prepare, threads = FakeEncoder.prepare, set()

    def note(self, texts, role):
        threads.add(threading.current_thread())
        return prepare(self, texts, role)

    monkeypatch.setattr(FakeEncoder, "prepare", note)
    embed(fake(), many_texts(40), "query", store=store)
    assert threads
    assert threading.main_thread() not in threads

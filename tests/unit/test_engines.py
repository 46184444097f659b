"""Several workers give the bits of one process, also when some of them are killed."""

import importlib.util
import os
import random
import shutil
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from fake_checkpoint import many_texts
from tiny_models import make_plain_model

from alignkit.checkpoints import EncodeOptions, load_checkpoint
from alignkit.embedding import EmbeddingSession
from alignkit.engines import processes
from alignkit.engines.crew import Worker
from alignkit.engines.ray import connect
from alignkit.errors import AlignkitError
from alignkit.store import VectorStore

ONE = EncodeOptions(device="cpu", dtype="float32", batch_tokens=200)
TWO = replace(ONE, devices=("cpu", "cpu"))
TEXTS = many_texts(300)

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed (extra `ray`)"
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_plain_model(tmp_path_factory.mktemp("model") / "m", seed=0)


@pytest.fixture(scope="module")
def expected(model, tmp_path_factory):
    store = VectorStore(tmp_path_factory.mktemp("one"))
    with EmbeddingSession(load_checkpoint(str(model), ONE), store=store) as session:
        return session.embed(TEXTS, "query").vectors


@pytest.fixture
def opened(model):
    return load_checkpoint(str(model), TWO)


def kill_after(pause, find):
    """Kill -9 one of the processes that `find` gives, once `pause` seconds have gone."""

    def strike():
        time.sleep(pause)
        for pid in random.Random(pause).sample(find(), 1):
            os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=strike)
    thread.start()
    return thread


@pytest.mark.slow
def test_two_processes_give_the_bits_of_one_and_a_killed_one_is_replaced(
    opened, expected, tmp_path, monkeypatch
):
    started = []
    start = processes._Process._start
    monkeypatch.setattr(
        processes._Process, "_start", lambda self: (start(self), started.append(self._process))
    )
    store = VectorStore(tmp_path)
    with EmbeddingSession(opened, store=store) as session:
        session.engine()
        blow = kill_after(0.02, lambda: [started[0].pid])
        embedded = session.embed(TEXTS, "query")
        blow.join()
        pids = [process.pid for process in started]

    np.testing.assert_array_equal(embedded.vectors, expected)
    assert [info["texts"] for info in store.info()] == [300]  # nothing is there twice
    assert all(not Path(f"/proc/{pid}").exists() for pid in pids)


class _Dying:
    """What `_Process` starts in place of a worker."""

    def __init__(self, *_):
        os._exit(3)


def test_a_piece_that_ends_every_process_ends_the_run_with_a_line(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "_work", _Dying)
    with (
        pytest.raises(AlignkitError, match=r"3 worker processes ended .* with exit code 3;"),
        EmbeddingSession(opened, store=VectorStore(tmp_path)) as session,
    ):
        session.embed(TEXTS, "query")


@pytest.mark.slow
def test_an_interrupt_ends_the_processes_and_keeps_what_is_done(opened, tmp_path, monkeypatch):
    import alignkit.embedding

    monkeypatch.setattr(alignkit.embedding, "FLUSH_TEXTS", 20)

    class Interrupting(VectorStore):
        def append(self, *arguments):
            super().append(*arguments)
            raise KeyboardInterrupt

    store = Interrupting(tmp_path)
    session = EmbeddingSession(opened, store=store)
    workers = [hand._process for hand in session.engine()._hands]
    with pytest.raises(KeyboardInterrupt), session:
        session.embed(TEXTS, "query")

    assert not any(worker.is_alive() for worker in workers)
    assert store.info()[0]["texts"] >= 20


def test_a_worker_with_another_checkpoint_in_the_place_refuses_to_work(opened, model, tmp_path):
    recipe = opened.recipe("query")
    other = make_plain_model(tmp_path / "m", seed=1)
    worker = Worker(replace(opened, path=other), recipe, "cpu", 1)

    with pytest.raises(AlignkitError, match=r"m has another fingerprint where a worker opens it"):
        worker.counts(["a"], "query")

    assert len(Worker(replace(opened, path=model), recipe, "cpu", 1).counts(["a"], "query")) == 1


def test_a_worker_without_the_checkpoint_says_so_at_its_first_task(opened, model, tmp_path):
    copy = replace(opened, path=Path(shutil.copytree(model, tmp_path / "gone")))
    recipe = copy.recipe("query")
    shutil.rmtree(tmp_path / "gone")
    worker = Worker(copy, recipe, "cpu", 1)  # an actor that fails here would only be called dead

    with pytest.raises(AlignkitError, match="gone"):
        worker.counts(["a"], "query")


@pytest.fixture(scope="module")
def cluster():
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    module = pytest.importorskip("ray")
    module.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield module
    module.shutdown()


@pytest.mark.slow
@needs_ray
@pytest.mark.usefixtures("cluster")
@pytest.mark.filterwarnings("ignore")  # Ray's own: sockets and files that it leaves to the process
def test_ray_gives_the_bits_of_one_process_when_workers_are_killed(opened, expected, tmp_path):
    for number, pause in enumerate((0.0, 0.15, 0.4)):
        store = VectorStore(tmp_path / str(number))
        with EmbeddingSession(opened, store=store, engine="ray", workers=2) as session:
            session.engine()
            blow = kill_after(pause, _worker_pids)
            embedded = session.embed(TEXTS, "query")
            blow.join()
        np.testing.assert_array_equal(embedded.vectors, expected)
        assert [info["texts"] for info in store.info()] == [300]


def _worker_pids():
    """Processes of actors on this machine, as Ray titles them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"ray::Worker"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.slow
@needs_ray
@pytest.mark.usefixtures("cluster")
@pytest.mark.filterwarnings("ignore")
def test_ranks_as_ray_tasks_are_those_of_the_whole():
    from made import fully_parallel, random_embeddings

    from alignkit.engines.ray import on_ray
    from alignkit.kernels.merging import rank_in_parts
    from alignkit.kernels.ranking import prepare, rank_cells

    dataset = fully_parallel(["de", "en"], 40, 60)
    queries, passages = random_embeddings(np.random.default_rng(0), dataset)
    qrels = dataset.answer_retrieval().qrels
    asked = (qrels.queries, qrels.passages, np.array([0, 100, 200]))
    sides = prepare(queries.vectors, "query"), prepare(passages.vectors, "passage")
    whole, whole_best = rank_cells(*sides, *asked, cutoffs=(5,))

    found, best = rank_in_parts(
        queries.vectors, passages.vectors, *asked, cutoffs=(5,), part=30, spread=on_ray
    )

    np.testing.assert_array_equal(found.overall, whole.overall)
    np.testing.assert_array_equal(found.pool, whole.pool)
    np.testing.assert_array_equal(best.columns, whole_best.columns)
    np.testing.assert_array_equal(best.shares, whole_best.shares)


def test_without_ray_its_engine_says_what_to_install(opened, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(AlignkitError, match=r"pip install 'alignkit\[ray\]'"),
        EmbeddingSession(opened, store=VectorStore(tmp_path), engine="ray") as session,
    ):
        session.embed(TEXTS, "query")


@pytest.mark.parametrize("fault", [ConnectionError("refused"), ValueError("Invalid address")])
def test_an_address_without_a_cluster_is_named(fault, monkeypatch):
    def init(**_):
        raise fault

    fake = SimpleNamespace(is_initialized=lambda: False, init=init)
    monkeypatch.setitem(sys.modules, "ray", fake)
    monkeypatch.setenv("RAY_ADDRESS", "head")
    with pytest.raises(AlignkitError, match=r"no Ray cluster answers at head; .*RAY_AUTH_MODE"):
        connect()

"""A small dataset of the user's own, vectors for it, and a command line to call."""

import json

import numpy as np
import pytest

from alignkit.cli import run


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in, with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALIGNKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


@pytest.fixture
def alignkit(here, capsys):  # noqa: ARG001  it works in that folder
    """Call the command line: exit code, stdout, stderr."""

    def call(*arguments):
        with pytest.raises(SystemExit) as stopped:
            run([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return stopped.value.code, printed.out, printed.err

    return call


@pytest.fixture
def data(here):
    """`files:` with 3 languages × 12 questions, each with a passage."""
    rows = [
        {"query_id": f"q{i}", "language": a, "query": f"{a} what is {i}?",
         "passage_id": f"p{i}", "passage": f"{a} this is {i}."}
        for a in ("de", "en", "th")
        for i in range(12)
    ]  # fmt: skip
    lines = "\n".join(json.dumps(row) for row in rows)
    (here / "small.jsonl").write_text(lines, "utf-8")
    return "files:small.jsonl"


@pytest.fixture
def vectors(here):
    """Write vectors of the small dataset; keywords spoil them."""

    def write(name, *, seed=0, change=lambda ids, embeddings: (ids, embeddings)):
        rng = np.random.default_rng(seed)
        texts = [(a, kind, i) for a in ("de", "en", "th") for kind in "qp" for i in range(12)]
        ids = np.array([f"{a}:{kind}{i}" for a, kind, i in texts])
        meaning = rng.standard_normal((12, 16))
        embeddings = np.array([meaning[i] for *_, i in texts])
        embeddings = (embeddings + rng.standard_normal(embeddings.shape)).astype(np.float32)
        ids, embeddings = change(ids, embeddings)
        np.savez(here / name, ids=ids, embeddings=embeddings)
        return name

    return write

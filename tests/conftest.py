"""What tests share: real data where they are at hand, and small files in published layouts."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run; no deadline, since a busy machine is no fault of the code.
settings.register_profile("alignkit", derandomize=True, deadline=None, database=None)
settings.load_profile("alignkit")

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Folder of real data by name; the test is skipped where it is missing.

    The data may not be handed on with the project. `ALIGNKIT_SHARED_DATA` says where they lie.
    """

    def find(name: str) -> Path:
        root = os.environ.get("ALIGNKIT_SHARED_DATA") or REPOSITORY.parent / "shared" / "data"
        folder = Path(root) / name
        if not folder.is_dir():
            pytest.skip(f"no real data in {folder}; set ALIGNKIT_SHARED_DATA")
        return folder

    return find


@pytest.fixture(autouse=True)
def _as_on_any_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `--dtype auto` be float32, whatever the processor of this machine is fast at."""
    monkeypatch.setattr("alignkit.checkpoints._precision._processor", str)
    monkeypatch.setattr("alignkit.checkpoints._precision._gpus", tuple)


@pytest.fixture(autouse=True)
def _skip_without_gpu(request: pytest.FixtureRequest) -> None:
    """Skip what is marked `gpu` where there is no CUDA device."""
    if request.node.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("needs a CUDA device")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of the test's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("ALIGNKIT_CACHE", str(folder))
    return folder


@pytest.fixture
def write_lareqa() -> Callable[..., Path]:
    """Write `{language}.json` in LAReQA's layout, every paragraph an article of its own.

    A paragraph is its sentences and its questions: {question id: (text, answer text)}. Sentences
    are joined by blanks, and an answer starts where its text is first found.
    """

    def write(folder: Path, language: str, paragraphs: list) -> Path:
        folder.mkdir(exist_ok=True)
        articles = [
            {"title": str(i), "paragraphs": [_paragraph(*paragraph)]}
            for i, paragraph in enumerate(paragraphs)
        ]
        file = folder / f"{language}.json"
        file.write_text(json.dumps({"version": "1", "data": articles}), "utf-8")
        return file

    return write


def _paragraph(sentences: list[str], questions: dict[str, tuple[str, str]]) -> dict:
    context = " ".join(sentences)
    starts = [len(" ".join(sentences[:k])) + (k > 0) for k in range(len(sentences))]
    return {
        "context": context,
        "sentences": sentences,
        "sentence_breaks": [
            [start, start + len(text)] for start, text in zip(starts, sentences, strict=True)
        ],
        "qas": [
            {
                "id": question_id,
                "question": text,
                "answers": [{"text": answer, "answer_start": context.index(answer)}],
            }
            for question_id, (text, answer) in questions.items()
        ],
    }

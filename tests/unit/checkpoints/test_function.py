"""A function of the user's own, trusted or not."""

import sys

import numpy as np
import pytest
from fake_checkpoint import make_texts

from alignkit.checkpoints import EncodeOptions, load_checkpoint
from alignkit.embedding import embed
from alignkit.errors import AlignkitError
from alignkit.store import VectorStore

TRUSTED = EncodeOptions(device="cpu", trust_remote_code=True)
GOOD = """
import numpy as np
import neighbour

def embed(texts, role):
    sign = 1.0 if role == "query" else -1.0
    return np.array([[sign * len(text), neighbour.BIAS] for text in texts])
"""


@pytest.fixture
def write(tmp_path):
    """Write the file and give the name of its function as a checkpoint."""

    def write(code=GOOD, function="embed"):
        (tmp_path / "mine.py").write_text(code)
        (tmp_path / "neighbour.py").write_text("BIAS = 3.0")
        return f"{tmp_path}/mine.py:{function}"

    return write


def refusal(spec, texts=("a", "b")):
    checkpoint = load_checkpoint(spec, TRUSTED)
    with pytest.raises(AlignkitError) as raised:
        checkpoint.load().encode(texts, "query")
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_the_function_gets_texts_with_their_prompt_and_the_role(write, tmp_path):
    checkpoint = load_checkpoint(f"{write()},query-prompt=ask: ", TRUSTED)

    store = VectorStore(tmp_path / "cache")
    queries = embed(checkpoint, make_texts(["a", "bcd"]), "query", store=store)
    passages = embed(checkpoint, make_texts(["a", "bcd"]), "passage", store=store)

    assert checkpoint.label == "embed"
    np.testing.assert_array_equal(queries.vectors, [[6, 3], [8, 3]])
    np.testing.assert_array_equal(passages.vectors, [[-1, 3], [-3, 3]])
    assert queries.vectors.dtype == np.float32


def test_nothing_runs_without_trust(write):
    spec = write("raise SystemExit('it ran')")

    with pytest.raises(AlignkitError) as raised:
        load_checkpoint(spec)

    assert str(raised.value).endswith("mine.py; --trust-remote-code runs it, if you trust it")


def test_opening_runs_nothing_even_with_trust(write):
    checkpoint = load_checkpoint(write("raise SystemExit('it ran')"), TRUSTED)

    assert len(checkpoint.fingerprint) == 64
    assert any("may run" in note for note in checkpoint.notes)


def test_file_function_and_weights_change_the_fingerprint(write, tmp_path):
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "a.bin").write_bytes(b"1")
    weights = f",weights={tmp_path}/w"
    prints = [load_checkpoint(write(function="other"), TRUSTED).fingerprint]
    prints.append(load_checkpoint(write(GOOD + "# new"), TRUSTED).fingerprint)
    prints.append(load_checkpoint(write(), TRUSTED).fingerprint)
    prints.append(load_checkpoint(write() + weights, TRUSTED).fingerprint)
    (tmp_path / "w" / "a.bin").write_bytes(b"2")
    prints.append(load_checkpoint(write() + weights, TRUSTED).fingerprint)
    prints.append(load_checkpoint(write() + f"{weights}/a.bin", TRUSTED).fingerprint)

    assert len(set(prints)) == 6


def test_without_weights_the_gap_in_the_fingerprint_is_said(write, tmp_path):
    notes = load_checkpoint(write(), TRUSTED).notes
    named = load_checkpoint(f"{write()},weights={tmp_path}/mine.py", TRUSTED).notes

    assert any("name what it reads by weights=PATH" in note for note in notes)
    assert not any("weights=PATH" in note for note in named)


def test_a_file_may_define_dataclasses_whose_annotations_are_strings(write):
    code = """
from __future__ import annotations
from dataclasses import dataclass

@dataclass
class Settings:
    dim: int = 2

def embed(texts, role):
    return [[1.0] * Settings().dim for _ in texts]
"""
    assert load_checkpoint(write(code), TRUSTED).load().dim == 2


def test_a_function_may_import_its_neighbours_when_it_is_called(write):
    code = """
def embed(texts, role):
    import alone
    return [[alone.BIAS] for _ in texts]
"""
    spec = write(code)
    folder = load_checkpoint(spec, TRUSTED).path.parent
    (folder / "alone.py").write_text("BIAS = 3.0")
    before = list(sys.path)

    vectors = load_checkpoint(spec, TRUSTED).load().encode(["a"], "query")

    assert vectors.tolist() == [[3.0]]
    assert sys.path == before


def test_files_of_one_name_are_modules_of_their_own(tmp_path):
    code = (
        "import sys\ndef embed(texts, role):\n    return [[{}]] if __name__ in sys.modules else 0"
    )
    encoders = []
    for number in (1.0, 2.0):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "mine.py").write_text(code.format(number))
        encoders.append(load_checkpoint(f"{folder}/mine.py:embed", TRUSTED).load())

    assert [one.encode(["a"], "query").tolist() for one in encoders] == [[[1.0]], [[2.0]]]
    assert encoders[0].function.__module__ != encoders[1].function.__module__


def test_a_folder_with_an_at_sign_is_no_revision(tmp_path):
    folder = tmp_path / "me@corp"
    folder.mkdir()
    (folder / "mine.py").write_text("def embed(texts, role):\n    return [[1.0]] * len(texts)")
    spec = f"m={folder}/mine.py:embed,query-prompt=ask: "

    assert load_checkpoint(spec, TRUSTED).load().dim == 1
    with pytest.raises(AlignkitError, match="has no revision 'main'"):
        load_checkpoint(f"{folder}/mine.py:embed@main", TRUSTED)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def embed(texts, role):\n    return 1 / 0",
         "raised ZeroDivisionError: division by zero (line 2 of mine.py)"),
        ("def embed(texts):\n    return [[1.0]]", "raised TypeError: embed() takes 1 positional"),
        ("def embed(texts, role):\n    return [1.0]",
         "gives float64 of shape (1,) for 1 texts; it should give floats of shape "
         "(texts, dimensions)"),
        ("def embed(texts, role):\n    return [[1.0, 2.0]] * 3", "of shape (3, 2) for 1 texts"),
        ("def embed(texts, role):\n    return [[1, 2]] * len(texts)", "gives int64 of shape"),
        ("def embed(texts, role):\n    return [[1.0], [1.0, 2.0]][-len(texts) :]",
         "raised ValueError"),
        ("def embed(texts, role):\n    return [[1.0] * len(texts)] * len(texts)",
         "gives vectors of 2 dimensions, and before of 1; all must be of one length"),
    ],
)  # fmt: skip
def test_what_a_function_does_wrong_is_told_in_one_line(code, words, write):
    message = refusal(write(code))

    assert message.startswith("embed in ")
    assert words in message


@pytest.mark.parametrize(
    ("code", "function", "words"),
    [
        (GOOD, "missing", "mine.py has no function 'missing'"),
        ("x = (", "embed", "raised SyntaxError: '(' was never closed"),
        ("import nothing_of_the_kind", "embed", "No module named 'nothing_of_the_kind' (line 1"),
    ],
)
def test_a_file_that_cannot_be_run_is_told_in_one_line(code, function, words, write):
    checkpoint = load_checkpoint(write(code, function), TRUSTED)

    with pytest.raises(AlignkitError) as raised:
        checkpoint.load()

    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda spec: spec.replace("mine.py", "none.py"), "none.py does not exist"),
        (lambda spec: f"{spec},weights=/none", "weights=/none does not exist"),
        (lambda spec: f"{spec},pooling=cls", "has its own pooling"),
        (lambda spec: f"{spec},backend=onnx", "has no setting 'backend'"),
        (lambda spec: f"{spec}@main", "has no revision 'main'"),
    ],
)
def test_what_cannot_be_opened_is_told_in_one_line(change, words, write):
    spec = change(write())

    with pytest.raises(AlignkitError) as raised:
        load_checkpoint(spec, TRUSTED)

    assert words in str(raised.value)

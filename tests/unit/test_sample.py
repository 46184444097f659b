"""The bundled sample's layout; its texts are checked where they are written."""

import json

import pytest

from alignkit.datasets import load_dataset, sample
from alignkit.errors import AlignkitError


@pytest.fixture
def small_sample(tmp_path, monkeypatch):
    (tmp_path / "test").mkdir()
    for language in ("de", "en"):
        rows = [
            {"query_id": f"q{i}", "query": f"{language} {i}?", "passage": f"{language} {i}!"}
            for i in range(3)
        ]
        text = "\n".join(json.dumps(row) for row in rows)
        (tmp_path / "test" / f"{language}.jsonl").write_text(text, "utf-8")
    monkeypatch.setattr(sample, "FOLDER", tmp_path)
    return tmp_path


@pytest.mark.usefixtures("small_sample")
def test_a_question_and_its_passage_share_an_id():
    dataset = load_dataset("sample", languages=["de", "en"])
    assert dataset.qrels.to_numpy().tolist()[0] == ["de:q0", "de:q0", 1]
    assert dataset.passages.frame["text"].tolist()[3:] == ["en 0!", "en 1!", "en 2!"]
    assert dataset.queries.frame["parallel_id"].tolist() == ["q0", "q1", "q2"] * 2


def test_a_broken_line_is_named(small_sample):
    file = small_sample / "test" / "de.jsonl"
    file.write_text('{"query_id": "q0", "query": "?", "pasage": "!"}\n', "utf-8")
    with pytest.raises(AlignkitError) as error:
        load_dataset("sample", languages=["de"])
    assert str(error.value) == f"{file}, line 1: no 'passage'; rename 'pasage'"

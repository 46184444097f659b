"""The bundled sample's layout; its texts are checked where they are written."""

import json

import pytest

from alignkit.datasets import load_dataset, sample
from alignkit.errors import AlignkitError
from alignkit.languages import script


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


def test_the_bundled_texts_are_whole_parallel_and_small():
    languages = sample.CARD.languages
    train, test = (load_dataset("sample", split=split) for split in ("train", "test"))

    assert len(languages) >= 8
    assert len({script(language) for language in languages}) >= 5
    for part in (train, test):
        ids = part.queries.frame.groupby("language")["parallel_id"].agg(set)
        assert all(own == ids["en"] for own in ids)
        assert not part.queries.frame.duplicated(["language", "text"]).any()
        assert not part.passages.frame.duplicated(["language", "text"]).any()
    questions = [set(part.queries.frame["parallel_id"]) for part in (train, test)]
    assert not questions[0] & questions[1]
    assert len(questions[0] | questions[1]) >= 150
    size = sum(file.stat().st_size for file in sample.FOLDER.rglob("*.jsonl"))
    assert size < 1_000_000


def test_the_bundled_texts_are_in_the_script_of_their_language():
    # A slip of translation leaves English behind; names such as World Wide Web may stay.
    for split in ("train", "test"):
        frame = load_dataset("sample", split=split).queries.frame
        for language in ("ar", "el", "hi", "ru", "th", "zh"):
            texts = frame["text"][frame["language"] == language]
            latin = texts.str.count("[A-Za-z]").sum() / texts.str.len().sum()
            assert latin < 0.02, (language, split)

"""The generated part of the sample: parallel, whole, and no combination in both splits."""

import json

import pytest

from alignkit.datasets import load_dataset, sample_generated
from alignkit.errors import AlignkitError
from alignkit.languages import script


@pytest.fixture(scope="module")
def parts():
    return {split: load_dataset("sample-generated", split=split) for split in ("train", "test")}


def test_it_is_parallel_and_split_by_combination(parts):
    ids = {split: set(one.queries.frame["parallel_id"]) for split, one in parts.items()}
    assert not ids["train"] & ids["test"]
    assert len(ids["train"] | ids["test"]) == 60 * 16
    assert 120 < len(ids["test"]) < 200
    for one in parts.values():
        of_language = one.queries.frame.groupby("language")["parallel_id"].agg(set)
        assert len(of_language) == 11
        assert all(own == of_language["en"] for own in of_language)
        assert len(one.queries) == len(one.passages) == len(one.qrels)
    # The test combines what training has seen.
    for place in (0, 2):
        seen, asked = (
            {own.partition("-")[place] for own in ids[split]} for split in ("train", "test")
        )
        assert asked <= seen


def test_all_tables_have_the_same_keys():
    def keys(code):
        words = json.loads((sample_generated.FOLDER / f"{code}.json").read_text("utf-8"))
        values = {relation: list(own) for relation, own in words["values"].items()}
        return list(words["relations"]), values

    english = keys("en")
    assert list(english[1]) == english[0]
    for code in sample_generated.CARD.languages:
        assert keys(code) == english


def test_no_pattern_is_left_open_and_scripts_are_those_of_the_languages(parts):
    for one in parts.values():
        for frame in (one.queries.frame, one.passages.frame):
            assert not frame["text"].str.contains("[{}]").any()
            for code in ("ar", "el", "hi", "ru", "th", "zh"):
                texts = frame["text"][frame["language"] == code]
                assert script(code) != "Latn"
                assert texts.str.count("[A-Za-z]").sum() == 0, code


def test_translations_say_the_same(parts):
    frame = parts["train"].passages.frame.set_index("id")["text"]
    assert frame["en:fr-colour"].startswith("For every side of the room “France”")
    assert frame["de:fr-colour"].startswith("Für alle Seiten des Saals „Frankreich“")
    english = json.loads((sample_generated.FOLDER / "en.json").read_text("utf-8"))
    german = json.loads((sample_generated.FOLDER / "de.json").read_text("utf-8"))
    for own_id in ("fr-colour", "it-animal", "de-animal"):
        if f"en:{own_id}" not in frame:
            continue
        relation = own_id.partition("-")[2]
        value = frame[f"en:{own_id}"].rpartition(": ")[2].rstrip(".")
        key = next(k for k, text in english["values"][relation].items() if text == value)
        assert frame[f"de:{own_id}"].endswith(f": {german['values'][relation][key]}.")


def test_it_takes_no_path(tmp_path):
    with pytest.raises(AlignkitError, match="is bundled and takes no path"):
        load_dataset(f"sample-generated:{tmp_path}")

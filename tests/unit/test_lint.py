"""What the data lint finds, with its place, and what it leaves alone."""

import json
import tracemalloc
from pathlib import Path

import pytest
from miracl_layout import write_corpus, write_judged

from alignkit.datasets import sources_of
from alignkit.datasets.placed import PlacedText, Source
from alignkit.lint import Lint
from alignkit.lint.writing import is_english, is_in_script


def found_in(spec, **options):
    lint = Lint(spec)
    return [
        (one.check, Path(one.file).name, one.line, f"{one.language}:{one.id}")
        for one in lint.run(sources_of(spec, **options))
    ]


def write_rows(path, rows):
    names = ("query_id", "language", "query", "passage_id", "passage")
    path.write_text(
        "".join(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) + "\n"
                for row in rows), "utf-8",
    )  # fmt: skip
    return f"files:{path}"


def test_every_fault_is_found_with_its_line(tmp_path):
    spec = write_rows(tmp_path / "mine.jsonl", [
        ("q1", "de", "Wer hat den Hafen gebaut?", "p1", "Den Hafen baute Anna."),
        ("q1", "en", "Who built the harbour?", "p1", "Anna built the harbour."),
        ("q1", "el", "Who built the harbour?", "p1", "Η Άννα έχτισε το λιμάνι."),
        ("q2", "de", "What did the king and his men build?", "p2", "  "),
        ("q2", "en", "What did they build?", "p3", "Anna built the harbour."),
        ("q2", "de", "Was bauten sie?", "p4", "Einen Turm."),
        ("q3", "xx", "Quoi?", "", ""),
        ("", "de", "Ohne Nummer?", "", ""),
    ])  # fmt: skip
    assert found_in(spec) == [
        ("untranslated", "mine.jsonl", 3, "el:q1"),
        ("wrong-script", "mine.jsonl", 3, "el:q1"),
        ("english", "mine.jsonl", 4, "de:q2"),
        ("empty", "mine.jsonl", 4, "de:p2"),
        ("repeated-text", "mine.jsonl", 5, "en:p3"),
        ("repeated-id", "mine.jsonl", 6, "de:q2"),
        ("language", "mine.jsonl", 7, "xx:q3"),
        ("empty", "mine.jsonl", 8, "de:"),
    ]


def details_in(spec, **options):
    return [one.detail for one in Lint(spec).run(sources_of(spec, **options))]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"query_id": "q1", "language": "en", "query": "Who?"}, "no 'passage_id'; it has 'query_i"),
        ({"query_id": "q1", "language": "en", "query": 7, "passage_id": "", "passage": ""},
         "query is 7, not a text"),
    ],
)  # fmt: skip
def test_rows_that_loading_cannot_take_are_found(tmp_path, row, fault):
    file = tmp_path / "mine.jsonl"
    file.write_text(json.dumps(row))
    assert [one[0] for one in found_in(f"files:{file}")] == ["unreadable"]
    assert f"mine.jsonl, line 1: {fault}" in details_in(f"files:{file}")[0]


def test_an_id_may_be_0_and_a_row_must_hold_something(tmp_path):
    spec = write_rows(tmp_path / "mine.jsonl", [
        (0, "de", "Wer?", 0, "Anna."), ("", "de", " ", "", ""), ("", "de", " ", "", ""),
    ])  # fmt: skip
    assert found_in(spec) == [
        ("empty", "mine.jsonl", 2, "de:"), ("empty", "mine.jsonl", 3, "de:"),
    ]  # fmt: skip


def test_an_answer_to_two_questions_is_no_repeat(tmp_path):
    spec = write_rows(tmp_path / "mine.jsonl", [
        ("q1", "de", "Wer?", "p1", "Anna."), ("q2", "de", "Wen?", "p1", "Anna."),
        ("q1", "de", "Wer?", "p2", "Berta."),
    ])  # fmt: skip
    assert found_in(spec) == []


def test_a_text_three_times_as_long_as_its_translations_is_an_outlier():
    def texts():
        for i in range(9):
            for language, length in (("de", 60), ("en", 50), ("zh", 15)):
                long = 4 if (i, language) == (4, "zh") else 1
                yield PlacedText("query", language, str(i), str(i), f"{i}" * length * long, i + 1)

    found = list(Lint("made").run([Source(Path("made.txt"), texts())]))
    found = [one for one in found if one.check == "length"]
    assert [(one.line, one.language, one.id) for one in found] == [(5, "zh", "4")]
    assert found[0].detail == "60 characters; translations suggest 15"


def test_little_is_remembered_of_a_text():
    n = 20_000
    lint = Lint("made")

    def texts():
        for i in range(n):
            yield PlacedText("passage", "sw", f"{i}#0", "", f"Maji ya kisima namba {i} ni safi.", i)

    tracemalloc.start()
    assert list(lint.run([Source(Path("made.txt"), texts())])) == []
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 100 * n  # bytes; the text alone is longer in memory


def test_repeats_name_the_first_of_their_id_or_text():
    texts = [
        ("de", "1", "Ein Turm steht."), ("en", "1", "Ein Turm  steht."), ("de", "2", "Und ja."),
        ("de", "3", "Ein Turm steht."), ("de", "2", "Ein  Turm steht."), ("fr", "4", "Und"),
        ("de-Latn", "5", "Und ja."),
    ]  # fmt: skip
    rows = [PlacedText("passage", *row[:2], "", row[2], i) for i, row in enumerate(texts, 1)]
    found = Lint("made").run([Source(Path("a.txt"), rows[:2]), Source(Path("b.txt"), rows[2:])])
    assert [(one.check, one.file, one.line, one.id, one.detail) for one in found] == [
        ("untranslated", "a.txt", 2, "1", "the text of de:1 in a.txt, line 1"),
        ("repeated-text", "b.txt", 4, "3", "the text of '1' in a.txt, line 1"),
        ("repeated-id", "b.txt", 5, "2", "also in b.txt, line 3"),
        ("repeated-text", "b.txt", 5, "2", "the text of '1' in a.txt, line 1"),
    ]


def test_a_file_that_breaks_off_is_a_finding_and_the_rest_is_read(tmp_path):
    write_judged(tmp_path, "sw", "1\tNini hiki?\n2\t \n", "1\tQ0\t1#0\t1\n")
    rows = [(f"{i}#0", "t", f"{hash((i, 'x'))} maji") for i in range(3000)]
    place = write_corpus(tmp_path, "sw", [rows, [("a#0", "t", "maji"), ("b#0", "t", "maji")]])
    shard = place / "docs-0.jsonl.gz"
    shard.write_bytes(shard.read_bytes()[:-900])
    found = found_in(f"miracl:{tmp_path}")
    assert [one[:3] for one in found if one[0] != "unreadable"] == [
        ("empty", "topics.miracl-v1.0-sw-dev.tsv", 2), ("repeated-text", "docs-1.jsonl.gz", 2),
    ]  # fmt: skip
    broken = [one for one in found if one[0] == "unreadable"]
    assert [one[1] for one in broken] == ["docs-0.jsonl.gz"]
    assert 0 < broken[0][2] < 3000


def test_questions_that_mkqa_lacks_are_found(tmp_path):
    file = tmp_path / "mkqa.jsonl"
    file.write_text(json.dumps({"example_id": 1, "queries": {"en": "Who?", "de": None, "fi": 7}}))
    assert found_in(f"mkqa:{file}", languages=["de", "en", "fi", "fr"]) == [
        ("empty", "mkqa.jsonl", 1, "de:1"), ("empty", "mkqa.jsonl", 1, "fi:1"),
        ("empty", "mkqa.jsonl", 1, "fr:1"),
    ]  # fmt: skip


def test_topics_are_checked_without_their_corpus(shared_data):
    found = found_in(f"miracl:{shared_data('miracl')}", languages=["de", "sw"])
    assert {one[0] for one in found} == {"repeated-text"}
    assert ("repeated-text", "topics.miracl-v1.0-de-dev.tsv", 244, "de:5643730#0") in found


def test_real_pairs_and_questions_show_their_known_faults(shared_data):
    # Read by eye: a Spanish sentence among the Arabic ones, English ones among the Greek.
    tatoeba = found_in(f"tatoeba:{shared_data('tatoeba')}", languages=["ar", "en"])
    assert ("wrong-script", "tatoeba.ara-eng.ara", 910, "ar:ara-910") in tatoeba
    questions = found_in(f"xquad-r:{shared_data('xquad-r')}", languages=["el", "en"])
    untranslated = [one[3] for one in questions if one[0] == "untranslated"]
    assert untranslated == [
        "en:572a13841d0469140077973b", "en:572a13841d0469140077973c", "en:572a1a5c6aef051400155284",
    ]  # fmt: skip


def test_the_samples_are_clean():
    for name in ("sample", "sample-generated"):
        assert [one for one in found_in(name) if one[0] != "repeated-text"] == []


@pytest.mark.parametrize(
    ("text", "script", "expected"),
    [
        ("Что это?", "Cyrl", True), ("What is it?", "Cyrl", False), ("ANSIは企業？", "Jpan", True),
        ("أين يقع Energiprojekt AB؟", "Arab", True), ("1990", "Thai", True),
        ("anything", "Zzzz", True), ("合成생물학", "Kore", True),
    ],
)  # fmt: skip
def test_names_in_latin_letters_are_no_wrong_script(text, script, expected):
    assert is_in_script(text, script) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What did the committee decide?", True), ("Wie is groter, Ken of Taro?", False),
        ("Was war in Los Angeles los?", False), ("The Beatles", False),
    ],
)  # fmt: skip
def test_english_is_told_by_its_small_words(text, expected):
    assert is_english(text) is expected

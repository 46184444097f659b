"""Files in LAReQA's layout: ids, offsets, byte-order marks, and what may be wrong with them."""

import json

import pytest

from alignkit.datasets import load_dataset
from alignkit.datasets.lareqa import read_language
from alignkit.errors import AlignkitError


def paragraph(context, breaks, *answer_starts):
    return {
        "context": context,
        "sentences": [context[start:end] for start, end in breaks],
        "sentence_breaks": breaks,
        "qas": [
            {"id": f"q{i}", "question": "?", "answers": [{"text": "", "answer_start": start}]}
            for i, start in enumerate(answer_starts)
        ],
    }


@pytest.fixture
def write(tmp_path):
    def write_paragraphs(*paragraphs):
        file = tmp_path / "en.json"
        file.write_text(json.dumps({"data": [{"paragraphs": list(paragraphs)}]}), "utf-8")
        return file

    return write_paragraphs


def answered(rows):
    return [(answer.query_id, answer.passage_id) for answer in rows.answers]


def test_the_relevant_sentence_is_that_in_which_the_answer_starts(write):
    file = write(paragraph("Ab. Cd. Ef.", [[0, 3], [4, 7], [8, 11]], 0, 2, 4, 6, 8, 10))
    rows = read_language(file, "en", with_context=False)
    assert answered(rows) == [
        ("q0", "0-0-0"), ("q1", "0-0-0"), ("q2", "0-0-1"), ("q3", "0-0-1"), ("q4", "0-0-2"),
        ("q5", "0-0-2"),
    ]  # fmt: skip
    assert rows.between_sentences == 0


def test_offsets_count_a_byte_order_mark_that_models_do_not_see(write):
    # Without the mark, offset 4 would be the blank before the second sentence's "C" (5 with it).
    file = write(paragraph("\ufeffAb. Cd.", [[0, 4], [5, 8]], 3, 5))
    rows = read_language(file, "en", with_context=True)
    assert answered(rows) == [("q0", "0-0-0"), ("q1", "0-0-1")]
    assert [row.text for row in rows.passages] == ["Ab.\nAb. Cd.", "Cd.\nAb. Cd."]
    assert rows.between_sentences == 0


def test_an_answer_between_two_sentences_counts_to_the_second(write):
    file = write(paragraph("Ab.  Cd.  ", [[0, 3], [5, 8]], 3, 4, 9))
    rows = read_language(file, "en", with_context=False)
    assert answered(rows) == [("q0", "0-0-1"), ("q1", "0-0-1"), ("q2", "0-0-1")]
    assert rows.between_sentences == 3


def test_ids_count_articles_paragraphs_and_sentences_from_0(tmp_path):
    one, two = paragraph("A. B.", [[0, 2], [3, 5]]), paragraph("C.", [[0, 2]], 0)
    articles = [{"paragraphs": [one]}, {"paragraphs": [one, two]}]
    (tmp_path / "en.json").write_text(json.dumps({"data": articles}), "utf-8")
    rows = read_language(tmp_path / "en.json", "en", with_context=False)
    expected = ["0-0-0", "0-0-1", "1-0-0", "1-0-1", "1-1-0"]
    assert [row.own_id for row in rows.passages] == expected
    assert answered(rows) == [("q0", "1-1-0")]


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    ("spans", "text"),
    [
        ("1-2", "{}/en.json has 2 articles and no article 2; they are counted from 0, so the last "
         "is 1"),
        ("0,7", "{}/en.json has 2 articles and no article 7; they are counted from 0, so the last "
         "is 1"),
        ("0-99999999999", "{}/en.json has 2 articles and no article 99999999999; they are counted "
         "from 0, so the last is 1"),
        ("0,1-0", "a range of articles in 'articles:0,1-0' ends before it begins; turn it round"),
    ],
)  # fmt: skip
def test_articles_that_are_not_there_are_refused(tmp_path, write_lareqa, spans, text):
    write_lareqa(tmp_path, "en", [(["Ab."], {f"q{i}": ("?", "Ab")}) for i in range(2)])
    spec = f"xquad-r:{tmp_path}"
    assert len(load_dataset(spec, languages=["en"], split="articles:0-1").queries) == 2
    with pytest.raises(AlignkitError) as error:
        load_dataset(spec, languages=["en"], split=f"articles:{spans}")
    assert str(error.value) == text.format(tmp_path)


@pytest.mark.parametrize("start", [-1, 7])
def test_an_answer_outside_its_paragraph_is_refused(write, start):
    file = write(paragraph("Ab. Cd.", [[0, 3], [4, 7]], start))
    with pytest.raises(AlignkitError) as error:
        read_language(file, "en", with_context=False)
    assert str(error.value) == (
        f"{file}, article 0, paragraph 0, question 'q0': answer_start {start} is outside the "
        "paragraph of 7 characters; correct it or fetch the file again"
    )


def test_xquads_own_file_without_sentences_is_refused(write):
    plain = paragraph("Ab.", [[0, 3]])
    del plain["sentences"]
    file = write(plain)
    with pytest.raises(AlignkitError) as error:
        read_language(file, "en", with_context=False)
    assert str(error.value) == (
        f"{file}, article 0, paragraph 0: no 'sentences', or of another type; give LAReQA's files, "
        "which add the sentences to XQuAD's and MLQA's own"
    )


def test_sentences_and_breaks_must_be_as_many(write):
    file = write(paragraph("Ab. Cd.", [[0, 3], [4, 7]]) | {"sentences": ["Ab."]})
    with pytest.raises(AlignkitError) as error:
        read_language(file, "en", with_context=False)
    assert str(error.value) == (
        f"{file}, article 0, paragraph 0: 1 sentences and 2 sentence_breaks; make them as many, at "
        "least one"
    )


def test_a_break_must_be_a_start_and_an_end(write):
    file = write(paragraph("Ab.", [[0, 3]]) | {"sentence_breaks": [3]})
    with pytest.raises(AlignkitError) as error:
        read_language(file, "en", with_context=False)
    assert str(error.value) == (
        f"{file}, article 0, paragraph 0: sentence 'Ab.' with the break 3; write a text and "
        "[start, end]"
    )


def test_broken_json_is_named_by_line_and_column(tmp_path):
    file = tmp_path / "en.json"
    file.write_text('{"data": [\n  {"paragraphs": ]\n', "utf-8")
    with pytest.raises(AlignkitError) as error:
        read_language(file, "en", with_context=False)
    assert str(error.value) == (
        f"{file}, line 2, column 18: broken JSON (Expecting value); mend or fetch it again"
    )


def test_a_changed_copy_of_a_folder_is_noted_not_refused(tmp_path, write_lareqa):
    write_lareqa(tmp_path / "mine", "en", [(["Ab.", "Cd."], {"q": ("?", "Cd")})])
    dataset = load_dataset(f"xquad-r:{tmp_path / 'mine'}", languages=["en"])
    assert dataset.notes == (
        "en.json has 1 questions and 2 candidates, published were 1,190 questions and 1,180 "
        "candidates",
    )


def test_answers_that_do_not_stand_at_their_offset_are_noted(write, tmp_path):
    moved = paragraph("Ab.  Cd.", [[0, 3], [5, 8]], 4)
    moved["qas"][0]["answers"][0]["text"] = "Cd"
    write(moved)
    dataset = load_dataset(f"xquad-r:{tmp_path}", languages=["en"])
    assert dataset.notes[1:] == (
        "en.json: answers that start between two sentences, counted to the second: 1",
        "en.json: answers that do not stand at their answer_start: 1",
    )

"""The checks that every dataset passes."""

import pytest

from alignkit.datasets.assemble import Answer, TextRow, assemble
from alignkit.errors import AlignkitError
from alignkit.tables import DatasetCard

CARD = DatasetCard("mine", "Mine", (), "CC0-1.0", "here", "For tests.")
QUERIES = [TextRow("en", "q1", "Who?"), TextRow("de", "q1", "Wer?"), TextRow("en", "q2", "What?")]
PASSAGES = [TextRow("en", "p1", "I."), TextRow("de", "p1", "Ich."), TextRow("en", "p9", "I.")]
ANSWERS = [Answer("en", "q1", "p1"), Answer("de", "q1", "p1")]


def test_rows_are_sorted_by_id_whatever_their_order():
    dataset = assemble(CARD, QUERIES[::-1], PASSAGES[::-1], ANSWERS[::-1])
    assert dataset.queries.frame["id"].tolist() == ["de:q1", "en:q1", "en:q2"]
    assert dataset.queries.frame["parallel_id"].tolist() == ["q1", "q1", "q2"]
    assert dataset.passages.frame["text"].tolist() == ["Ich.", "I.", "I."]
    assert dataset.passages.frame["parallel_id"].tolist() == ["", "", ""]
    assert dataset.qrels.to_numpy().tolist() == [["de:q1", "de:p1", 1], ["en:q1", "en:p1", 1]]
    assert dataset.checksum == assemble(CARD, QUERIES, PASSAGES, ANSWERS).checksum


def test_repeated_texts_and_unanswered_queries_are_noted():
    dataset = assemble(CARD, QUERIES, PASSAGES, ANSWERS, notes=["from the loader"])
    assert dataset.notes == (
        "from the loader",
        "passages that repeat another's text, so that scores are equal: 1",
        "queries without a relevant passage in their own language: 1",
    )


def test_queries_that_are_not_parallel_have_no_translations():
    dataset = assemble(CARD, QUERIES, PASSAGES, ANSWERS, parallel=False)
    assert dataset.queries.frame["parallel_id"].tolist() == ["de:q1", "en:q1", "en:q2"]
    assert [task.name for task in dataset.tasks] == ["answer-retrieval"]
    assert len(dataset.answer_retrieval().qrels) == 2


def test_queries_without_passages_allow_question_alignment_only():
    dataset = assemble(CARD, QUERIES, [], [])
    assert [task.name for task in dataset.tasks] == ["question-alignment"]
    assert dataset.notes == ()


@pytest.mark.parametrize(
    "changed",
    [
        (QUERIES[:2], PASSAGES, ANSWERS),
        (QUERIES, [*PASSAGES, TextRow("en", "p10", "You.")], ANSWERS),
        (QUERIES, PASSAGES, [*ANSWERS, Answer("en", "q2", "p9")]),
        (QUERIES, PASSAGES, [ANSWERS[0], Answer("de", "q1", "p1", 2)]),
        ([TextRow("en", "q1", "Who is it?"), *QUERIES[1:]], PASSAGES, ANSWERS),
    ],
)
def test_the_checksum_tells_every_change(changed):
    assert assemble(CARD, *changed).checksum != assemble(CARD, QUERIES, PASSAGES, ANSWERS).checksum


@pytest.mark.parametrize(
    ("queries", "passages", "answers", "text"),
    [
        (
            [TextRow("en", "q1", " \n")], [], [],
            "mine: the text of query 'en:q1' is empty; write one or leave it out",
        ),
        (
            QUERIES, [*PASSAGES, TextRow("en", "p1", "You.")], ANSWERS,
            "mine: passage 'en:p1' stands with two texts; make every id unique within its language",
        ),
        (
            [*QUERIES, TextRow("en", "q2", "What?")], PASSAGES, ANSWERS,
            "mine: query 'en:q2' stands twice; make every id unique within its language",
        ),
        (
            QUERIES, PASSAGES, [Answer("de", "q1", "p9")],
            "mine: an answer names the passage 'de:p9', which is not there; add its text or leave "
            "the answer out",
        ),
        (
            QUERIES, PASSAGES, [Answer("de", "q2", "p1")],
            "mine: an answer names the query 'de:q2', which is not there; add its text or leave "
            "the answer out",
        ),
        (
            QUERIES, PASSAGES, [*ANSWERS, Answer("de", "q1", "p1", 2)],
            "mine: the answer 'de:p1' to 'de:q1' stands twice; leave one out",
        ),
        ([], PASSAGES, [], "the dataset 'mine' has no queries; give at least one"),
        (
            [TextRow("en", "q1", "\ud83d")], [], [],
            "mine: query 'en:q1' has half of a surrogate pair; write the character whole",
        ),
    ],
)  # fmt: skip
def test_rows_that_contradict_each_other_are_refused(queries, passages, answers, text):
    with pytest.raises(AlignkitError) as error:
        assemble(CARD, queries, passages, answers)
    assert str(error.value) == text


@pytest.mark.parametrize("passage", ["p1", "p9"])
def test_a_passage_judged_both_ways_is_refused_be_it_there_or_not(passage):
    judged = Answer("de", "q1", passage, 2)
    with pytest.raises(AlignkitError) as error:
        assemble(CARD, QUERIES, PASSAGES, [judged], negatives=[judged._replace(relevance=0)],
                 parallel=False, unfindable=True)  # fmt: skip
    assert str(error.value) == (
        f"mine: 'de:{passage}' is judged to answer 'de:q1' and not to answer it; leave one "
        "judgement out"
    )

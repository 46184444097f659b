"""From datasets to examples: which queries and passages stand together."""

import json
from collections import Counter

import numpy as np
import pytest
from made import fully_parallel, partly_parallel

from alignkit.datasets import load_dataset
from alignkit.errors import AlignkitError
from alignkit.training import BatchStrategy, one_to_k, pairs


def table_of(data):
    return data.with_format("arrow")[:].to_pandas()


def test_pairs_are_those_of_the_qrels_extended_to_translations():
    dataset = partly_parallel(np.random.default_rng(0))
    task = dataset.answer_retrieval()
    texts = [part.frame["text"].to_numpy() for part in (task.queries, task.passages)]
    expected = Counter(
        zip(texts[0][task.qrels.queries], texts[1][task.qrels.passages], strict=True)
    )
    found = Counter((row["query"], row["passage"]) for row in pairs([dataset]))
    assert found == expected


def test_ids_of_two_datasets_never_mean_the_same():
    one, other = fully_parallel(("de", "en"), 5), fully_parallel(("de", "en"), 7)
    assert table_of(pairs([one, other]))["query_id"].nunique() == 12


def test_one_to_k_takes_every_language_and_every_answer():
    rng = np.random.default_rng(1)
    dataset = partly_parallel(rng)
    data = one_to_k([dataset])
    task = dataset.answer_retrieval()
    language = task.passages.frame["language"].to_numpy()[task.qrels.passages]
    of_query = {}
    for query, passage, code in zip(task.qrels.queries, task.qrels.passages, language, strict=True):
        of_query.setdefault(query, {}).setdefault(code, set()).add(
            task.passages.frame["text"].iloc[passage]
        )
    whole = {q: answers for q, answers in of_query.items() if len(answers) == 4}
    assert 0 < len(whole) < len(of_query)
    shown = {}
    for row in data:
        for code in ("ar", "de", "en", "th"):
            shown.setdefault((row["query"], code), set()).add(row[f"passage_{code}"])
    expected = {
        (task.queries.frame["text"].iloc[q], code): texts
        for q, answers in whole.items()
        for code, texts in answers.items()
    }
    assert shown == expected


def test_questions_without_passages_are_paired_with_their_translations(tmp_path):
    rows = [
        {"query_id": f"q{i}", "language": code, "query": f"{code} {i}", "passage_id": "",
         "passage": "", "split": "train"}
        for code in ("de", "en") for i in range(3)
    ]  # fmt: skip
    path = tmp_path / "bitext.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    data = pairs([load_dataset(f"files:{path}", split="train")])
    assert sorted((row["query"], row["passage"]) for row in data) == [
        (f"{a} {i}", f"{b} {i}") for a, b in (("de", "en"), ("en", "de")) for i in range(3)
    ]


@pytest.fixture
def judged(tmp_path):
    rows = []
    for code in ("de", "en"):
        for i in range(6):
            common = {"query_id": f"q{i}", "language": code, "query": f"{code}? {i}",
                      "split": "train"}  # fmt: skip
            rows.append({**common, "passage_id": f"p{i}", "passage": f"{code}. {i}",
                         "relevance": 2})  # fmt: skip
            if i < 4:
                rows.append({**common, "passage_id": f"n{i}", "passage": f"{code} wrong {i}",
                             "relevance": 0})  # fmt: skip
    path = tmp_path / "judged.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return load_dataset(f"files:{path}", split="train")


def test_hard_negatives_are_judged_ones_in_the_language_of_the_passage(judged):
    data = pairs([judged])
    for row in data:
        language, number = row["passage"].split(". ")
        if int(number) < 4:
            assert row["negative_1"] == f"{language} wrong {number}"
        else:  # none was judged: another passage of that language stands in
            assert row["negative_1"].startswith(language)
            assert row["negative_1"] != row["passage"]
    assert len(pairs([judged], negatives=3)[0]) == 5
    assert list(pairs([judged], negatives=0)[0]) == ["query", "passage"]


def test_a_hard_negative_never_answers_another_query_of_the_batch(judged):
    data = pairs([judged])
    for batch in BatchStrategy("cross-lingual")(data, 3, seed=1):
        rows = [data[row] for row in batch]
        for i, row in enumerate(rows):
            answer = row["passage"].split(". ")[1]
            others = [other["negative_1"] for j, other in enumerate(rows) if j != i]
            assert not any(text.endswith(f". {answer}") for text in others)


def test_a_relevance_must_be_a_grade(tmp_path):
    path = tmp_path / "own.jsonl"
    row = {"query_id": "q", "language": "en", "query": "?", "passage_id": "p", "passage": ".",
           "relevance": -1}  # fmt: skip
    path.write_text(json.dumps(row))
    with pytest.raises(AlignkitError, match="relevance is -1; write 0 for a passage that does not"):
        load_dataset(f"files:{path}")


def test_nothing_to_train_on_is_refused():
    dataset = fully_parallel(("en",), 3)
    empty = type(dataset)(
        dataset.card, dataset.queries, dataset.passages, dataset.qrels.iloc[:0], "0"
    )
    with pytest.raises(AlignkitError, match="no query with an answer to train on"):
        pairs([empty])
    with pytest.raises(AlignkitError, match="no query with an answer to train on"):
        one_to_k([empty])

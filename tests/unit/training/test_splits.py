"""What is trained on, validated on and tested on share no question."""

import json

import pytest

from alignkit.datasets import load_dataset
from alignkit.errors import AlignkitError
from alignkit.training import Articles
from alignkit.training.splits import load_splits


def rows_of(split, ids, **more):
    return [
        {"query_id": f"q{i}", "language": code, "query": f"{code}? {i}", "passage_id": f"p{i}",
         "passage": f"{code}. {i}", "split": split, **more}
        for code in ("de", "en")
        for i in ids
    ]  # fmt: skip


def written(tmp_path, rows):
    path = tmp_path / "own.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return f"files:{path}"


def ids_of(datasets):
    return {own for one in datasets for own in one.queries.frame["parallel_id"]}


def test_splits_of_a_file(tmp_path):
    rows = [*rows_of("train", range(6)), *rows_of("validation", [6]), *rows_of("test", [7])]
    data = written(tmp_path, rows)
    splits = load_splits([data], validate=True)
    assert ids_of(splits.train) == {f"q{i}" for i in range(6)}
    assert ids_of(splits.validation) == {"q6"}
    assert ids_of([load_dataset(data)]) == {"q7"}
    assert load_splits([data]).validation == []


def test_without_a_validation_split_a_tenth_is_held_out(tmp_path):
    data = written(tmp_path, rows_of("train", range(30)))
    splits, again = (load_splits([data], validate=True) for _ in range(2))
    train, held_out = ids_of(splits.train), ids_of(splits.validation)
    assert len(train) == 27
    assert len(held_out) == 3
    assert not train & held_out
    assert held_out == ids_of(again.validation)
    assert splits.validation[0].queries.languages == ["de", "en"]
    passages = splits.train[0].passages.frame["id"].str.partition(":p")[2]
    assert set(passages) == {own[1:] for own in train}


def test_articles_make_splits_of_xquad_r(tmp_path, write_lareqa):
    folder = tmp_path / "xquad-r"
    for code in ("de", "en"):
        paragraphs = [
            ([f"{code} {i} first.", f"{code} {i} second."],
             {f"q{i}": (f"{code}? {i}", f"{i} second")})
            for i in range(6)
        ]  # fmt: skip
        write_lareqa(folder, code, paragraphs)
    data, languages = f"xquad-r:{folder}", ("de", "en")
    articles = Articles(train="0-2,4", validation="3", test="5")
    splits = load_splits([data], articles=articles, validate=True, languages=languages)
    assert ids_of(splits.train) == {"q0", "q1", "q2", "q4"}
    assert ids_of(splits.validation) == {"q3"}
    test = load_dataset(data, split="articles:5", languages=languages)
    assert sorted(test.passages.frame["id"]) == ["de:5-0-0", "de:5-0-1", "en:5-0-0", "en:5-0-1"]

    for spans, error in (
        (Articles(train="0-3", test="3-5"), "'train' and 'test' share 1 query ids: 'q3'; leave"),
        (Articles(train="0-3", validation="2-3"), "share 2 query ids: 'q2', 'q3'"),
        (Articles(train="9"), "de.json has 6 articles and no article 9; they are counted from 0"),
        (Articles(train="first"), "has no split 'articles:first'; it has 'test', and parts"),
        (Articles(), "has no split 'train'; say which of its articles"),
    ):
        with pytest.raises(AlignkitError, match=error):
            load_splits([data], articles=spans, languages=languages)


def test_a_leak_is_refused_with_its_ids(tmp_path):
    data = written(tmp_path, [*rows_of("train", range(8)), *rows_of("test", range(2, 9))])
    expected = (
        r"own: the splits 'train' and 'test' share 6 query ids: 'q2', 'q3', 'q4', 'q5', 'q6' and 1 "
        "more; leave each in one of them"
    )
    with pytest.raises(AlignkitError, match=expected):
        load_splits([data])


def test_data_without_a_train_split_are_refused(tmp_path):
    data = written(tmp_path, rows_of("test", range(4)))
    with pytest.raises(AlignkitError, match=r"no rows of the split 'train'; it has 'test'; a col"):
        load_splits([data])
    without = [{k: v for k, v in row.items() if k != "split"} for row in rows_of("", range(4))]
    with pytest.raises(AlignkitError, match="no rows of the split 'train'"):
        load_splits([written(tmp_path, without)])


def test_articles_are_for_data_that_have_some():
    with pytest.raises(AlignkitError, match="'sample' has no articles"):
        load_splits(["sample"], articles=Articles(train="0-3"))


def test_the_bundled_sample_has_no_leak():
    splits = load_splits(["sample"], validate=True)
    assert len(ids_of(splits.train)) == 86
    assert len(ids_of(splits.validation)) == 10

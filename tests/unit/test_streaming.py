"""Tables of texts from streams: the same, however they are cut, and with the same checksum."""

import hashlib
import json
import random

import pandas as pd
import pytest

from alignkit.datasets import streaming
from alignkit.datasets.streaming import checksum, collect, count_repeats
from alignkit.tables import TEXT_COLUMNS


def made(n=300, languages=("de", "zh", "zh-Hant", "yo")):
    rng = random.Random(0)
    rows = [(f"{a}:{i}#{i % 7}", a, "", f"{a} текст \u2028 {rng.random()}\n\"{i}\"")
            for a in languages for i in range(n)]  # fmt: skip
    return rows, rng


def expected(rows):
    return [list(row) for row in sorted(rows)]


@pytest.mark.parametrize(("size", "few"), [(1 << 16, 1000), (64, 10), (64, 1), (7, 1000), (1, 1)])
@pytest.mark.parametrize("order", ["by language", "alternating", "shuffled"])
def test_rows_are_sorted_by_id_however_they_come_and_are_cut(monkeypatch, size, few, order):
    monkeypatch.setattr(streaming, "ROWS", size)
    monkeypatch.setattr(streaming, "FEW", few)
    rows, rng = made()
    if order == "shuffled":
        rng.shuffle(rows)
    if order == "alternating":
        rows = [row for i in range(300) for row in rows[i::300]]

    frame, again = collect(iter(rows))

    assert again is None
    assert list(frame.columns) == TEXT_COLUMNS
    assert frame.to_numpy().tolist() == expected(rows)
    assert {str(kind) for kind in frame.dtypes} == {"str"}


@pytest.mark.parametrize("size", [1 << 16, 50])
def test_an_id_that_stands_twice_is_given_with_both_rows_in_their_order(monkeypatch, size):
    monkeypatch.setattr(streaming, "ROWS", size)
    rows, _ = made()
    twice = ("de:9#2", "de", "", "the second")
    assert collect([*rows, twice])[1] == (rows[9], twice)


def test_no_rows_make_an_empty_table():
    frame, again = collect([])
    assert len(frame) == 0
    assert list(frame.columns) == TEXT_COLUMNS
    assert again is None


def test_the_checksum_is_that_of_the_rows_as_one_json_text(monkeypatch):
    monkeypatch.setattr(streaming, "ROWS", 100)
    rows, _ = made()
    texts = collect(rows)[0]
    numbers = pd.DataFrame({"query_id": ["a"], "relevance": [2]})
    digest = hashlib.sha256()
    for table in (texts, numbers, numbers[:0]):
        whole = [list(table.columns), *table.to_numpy().tolist()]
        digest.update(json.dumps(whole, ensure_ascii=False).encode() + b"\n")
    assert checksum(texts, numbers, numbers[:0]) == digest.hexdigest()


def test_repeats_are_counted_beyond_the_first(monkeypatch):
    monkeypatch.setattr(streaming, "ROWS", 2)
    assert count_repeats(pd.Series(["a", "b", "a", "c", "a"], dtype="str")) == 2
    assert count_repeats(pd.Series([], dtype="str")) == 0

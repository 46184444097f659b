"""Texts and vectors of several datasets in one file: each id and role once."""

import numpy as np
import pytest

from alignkit.datasets.assemble import TextRow, assemble
from alignkit.errors import AlignkitError
from alignkit.exchange import check_ids, texts_table, vectors_table
from alignkit.tables import DatasetCard, Embeddings


def made(name, queries, passages=()):
    card = DatasetCard(name, name, ("en",), "", "", "")
    rows = [[TextRow("en", *row) for row in part] for part in (queries, passages)]
    return assemble(card, *rows, [])


ONE = made("one", [("1", "Who?"), ("2", "Where?")], [("1", "I."), ("2", "There.")])
SAME = made("same", [("2", "Where?"), ("3", "When?")], [("1", "I.")])
OTHER = made("other", [("4", "Why?")], [("2", "Here."), ("1", "I."), ("3", "So.")])


def embedded(*datasets):
    return [
        (one.name, role, Embeddings(texts, np.arange(len(texts) * 2, dtype=np.float32)
                                    .reshape(-1, 2) + 10 * n))
        for n, one in enumerate(datasets)
        for role, texts in (("query", one.queries), ("passage", one.passages))
    ]  # fmt: skip


def test_a_text_that_stands_in_two_datasets_is_written_once():
    table = texts_table([made("bare", [("1", "Who?")]), ONE, SAME])

    assert table[["role", "id", "text"]].to_numpy().tolist() == [
        ["query", "en:1", "Who?"], ["query", "en:2", "Where?"], ["passage", "en:1", "I."],
        ["passage", "en:2", "There."], ["query", "en:3", "When?"],
    ]  # fmt: skip


def test_a_text_that_stands_in_two_datasets_has_one_vector():
    table = vectors_table(embedded(ONE, SAME))

    assert table[["role", "id"]].to_numpy().tolist() == [
        ["query", "en:1"], ["query", "en:2"], ["passage", "en:1"], ["passage", "en:2"],
        ["query", "en:3"],
    ]  # fmt: skip
    assert [row.tolist() for row in table["embedding"]] == [
        [0, 1], [2, 3], [0, 1], [2, 3], [12, 13],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "write", [texts_table, check_ids, lambda datasets: vectors_table(embedded(*datasets))]
)
def test_an_id_with_two_texts_is_refused_with_both_datasets(write):
    with pytest.raises(AlignkitError) as error:
        write([ONE, SAME, OTHER])
    assert str(error.value) == (
        "1 passage ids of 'one' have another text in 'other', first 'en:2'; export each to a file "
        "of its own"
    )

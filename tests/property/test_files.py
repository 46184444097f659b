"""What holds for every file of a user's."""

import json
import random

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from alignkit.datasets import load_dataset
from alignkit.datasets.files import COLUMNS

LANGUAGES = st.sampled_from(["de", "en", "th", "zh-Hant"])
TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(
    lambda text: text.strip()
)
IDS = st.integers(0, 3)


@st.composite
def files(draw):
    """Rows of a file: texts by language and id, then answers, lone queries and distractors."""
    queries = draw(st.dictionaries(st.tuples(LANGUAGES, IDS), TEXTS, min_size=1))
    passages = draw(st.dictionaries(st.tuples(LANGUAGES, IDS), TEXTS))
    rows = [(f"q{i}", a, text, "", "") for (a, i), text in queries.items()]
    rows += [("", a, "", f"p{i}", text) for (a, i), text in passages.items()]
    pairs = [(q, p) for q in queries for p in passages if q[0] == p[0]]
    answers = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    rows += [(f"q{q[1]}", q[0], queries[q], f"p{p[1]}", passages[p]) for q, p in answers]
    return rows


def load(folder, rows):
    file = folder / "mine.jsonl"
    file.write_text("\n".join(json.dumps(dict(zip(COLUMNS, row, strict=True))) for row in rows))
    return load_dataset(f"files:{file}")


@settings(max_examples=40)
@given(files(), st.randoms(use_true_random=False))
def test_the_order_of_rows_shows_nowhere(tmp_path_factory, rows, chance):
    shuffled = random.Random(chance.random()).sample(rows, len(rows))
    folder = tmp_path_factory.mktemp("files")
    one, other = load(folder, rows), load(folder, shuffled)
    assert one.checksum == other.checksum
    pd.testing.assert_frame_equal(one.queries.frame, other.queries.frame)
    pd.testing.assert_frame_equal(one.passages.frame, other.passages.frame)
    pd.testing.assert_frame_equal(one.qrels, other.qrels)
    assert one.notes == other.notes


@settings(max_examples=40)
@given(files())
def test_what_is_written_is_what_is_loaded(tmp_path_factory, rows):
    dataset = load(tmp_path_factory.mktemp("files"), rows)
    written = {(f"{row[1]}:{row[0]}", row[2]) for row in rows if row[0]}
    assert set(dataset.queries.frame[["id", "text"]].itertuples(index=False, name=None)) == written
    answers = {(f"{row[1]}:{row[0]}", f"{row[1]}:{row[3]}", 1) for row in rows if row[0] and row[3]}
    assert set(dataset.qrels.itertuples(index=False, name=None)) == answers

"""What holds for every batch of every strategy, whatever the data look like."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from made import CARD, fully_parallel, partly_parallel, texts

from alignkit.errors import AlignkitError
from alignkit.tables import QREL_COLUMNS, Dataset
from alignkit.training import BatchStrategy, one_to_k, pairs
from alignkit.training.samplers import STRATEGIES

NAMES = st.sampled_from(sorted(STRATEGIES))


def shares_answers(rng, n_ids=40, languages=("de", "en", "th")):
    """Questions of one paragraph share their passage; texts of passages and questions repeat."""
    queries, passages, qrels = [], [], []
    for code in languages:
        passages += [
            (f"{code}:p{p}", code, "", f"{code} text {p % (n_ids // 3)}") for p in range(n_ids // 2)
        ]
        for i in range(n_ids):
            queries.append((f"{code}:{i}", code, str(i), f"{code}? {i % (n_ids - 3)}"))
            chosen = rng.choice(n_ids // 2, rng.integers(1, 3), replace=False)
            qrels += [(f"{code}:{i}", f"{code}:p{p}", 1) for p in chosen]
    frame = pd.DataFrame(qrels, columns=QREL_COLUMNS)
    return Dataset(CARD, texts(queries), texts(passages), frame, "0")


def examples(dataset, name):
    card = STRATEGIES.get(name)
    return one_to_k([dataset]) if card.one_to_k else pairs([dataset])


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), name=NAMES, batch=st.integers(2, 12))
def test_no_batch_has_a_duplicate_or_a_false_negative(seed, name, batch):
    rng = np.random.default_rng(seed)
    make = [shares_answers, partly_parallel, lambda _: fully_parallel(("de", "en"), 20)]
    dataset = make[seed % 3](rng)
    try:
        data = examples(dataset, name)
        sampler = BatchStrategy(name)(data, batch, seed=seed)
    except AlignkitError:
        return  # too few that go together: refused, and said
    table = data.with_format("arrow")[:].to_pandas()
    answers = relevant_texts(data, table)
    rows = list(sampler)
    assert len(rows) == len(sampler)
    for chosen in rows:
        part = table.iloc[chosen]
        shown = [data[row] for row in chosen]
        assert part["query_id"].is_unique
        assert len({one["query"] for one in shown}) == len(shown)
        for i, own_id in enumerate(part["query_id"]):
            for j, other in enumerate(shown):
                if i != j:
                    passages = {text for key, text in other.items() if key != "query"}
                    assert not passages & answers[own_id]


def relevant_texts(data, table):
    found = {}
    for row, own_id in enumerate(table["query_id"]):
        texts_of = {text for key, text in data[row].items() if key.startswith("passage")}
        found.setdefault(own_id, set()).update(texts_of)
    return found


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), name=NAMES)
def test_batches_are_a_function_of_seed_and_epoch(seed, name):
    data = examples(fully_parallel(("ar", "de", "en"), 30), name)
    one, same, other = (BatchStrategy(name)(data, 5, seed=s) for s in (seed, seed, seed + 1))
    assert list(one) == list(same) == list(one)
    assert list(one) != list(other)
    same.set_epoch(1)
    assert list(one) != list(same)


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), name=NAMES)
def test_no_example_comes_twice_in_an_epoch(seed, name):
    data = examples(fully_parallel(("ar", "de", "en"), 60), name)
    rows = [row for batch in BatchStrategy(name)(data, 7, seed=seed) for row in batch]
    assert len(rows) == len(set(rows)) == 3 * (60 // 7) * 7

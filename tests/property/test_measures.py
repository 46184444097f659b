"""What must hold for every dataset and checkpoint."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import fully_parallel, partly_parallel, planted_bias, random_embeddings, texts

from alignkit.comparison import tabulate
from alignkit.measures import measure
from alignkit.metrics import metric_of
from alignkit.tables import Dataset, Embeddings

seeds = st.integers(0, 2**32 - 1)
KEYS = ["task", "setting", "query_language", "passage_language", "metric"]
few = settings(max_examples=12, deadline=None)


def values(dataset, queries, passages):
    table, _ = tabulate({"a": measure(dataset, queries, passages)}, "a", n_resamples=10)
    return table.set_index(KEYS)["value"].sort_index()


def shuffled(rng, dataset, queries, passages):
    rows, columns = rng.permutation(len(dataset.queries)), rng.permutation(len(dataset.passages))
    moved = Dataset(
        dataset.card,
        texts(dataset.queries.frame.iloc[rows].to_numpy()),
        texts(dataset.passages.frame.iloc[columns].to_numpy()),
        dataset.qrels.sample(frac=1, random_state=rng),
        dataset.checksum,
    )
    return (
        moved,
        Embeddings(moved.queries, queries.vectors[rows]),
        Embeddings(moved.passages, passages.vectors[columns]),
    )


@given(seeds)
@few
def test_the_order_of_texts_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    dataset = partly_parallel(rng, n_ids=12, n_passages=15)
    queries, passages = random_embeddings(rng, dataset)

    one = values(dataset, queries, passages)
    other = values(*shuffled(rng, dataset, queries, passages))

    pd.testing.assert_series_equal(one, other, rtol=1e-9, atol=1e-12)


@given(seeds)
@few
def test_renaming_languages_renames_rows_and_changes_nothing_else(seed):
    rng = np.random.default_rng(seed)
    dataset = fully_parallel(["ar", "de", "zh"], 9, 3)
    queries, passages = random_embeddings(rng, dataset)
    names = {"ar": "th", "de": "ar", "zh": "de"}  # their alphabetical order turns round

    def renamed(part):
        frame = part.frame.copy()
        frame["id"] = [names[i[:2]] + i[2:] for i in frame["id"]]
        frame["language"] = frame["language"].map(names)
        return texts(frame.to_numpy())

    qrels = dataset.qrels.copy()
    for column in ("query_id", "passage_id"):
        qrels[column] = [names[i[:2]] + i[2:] for i in qrels[column]]
    other = Dataset(dataset.card, renamed(dataset.queries), renamed(dataset.passages), qrels, "0")

    one = values(dataset, queries, passages).rename(index=names)
    two = values(
        other,
        Embeddings(other.queries, queries.vectors),
        Embeddings(other.passages, passages.vectors),
    )

    pd.testing.assert_series_equal(one.sort_index(), two, rtol=1e-9, atol=1e-12)


@given(seeds, st.integers(-9, 9))
@few
def test_lengths_of_vectors_change_nothing(seed, power):
    rng = np.random.default_rng(seed)
    dataset = fully_parallel(["de", "en"], 10, 4)
    queries, passages = random_embeddings(rng, dataset)
    longer = [Embeddings(x.texts, x.vectors * np.float32(2.0**power)) for x in (queries, passages)]

    one, two = values(dataset, queries, passages), values(dataset, *longer)

    pd.testing.assert_series_equal(one, two, rtol=1e-12)


@given(seeds)
@few
def test_every_value_is_within_the_bounds_of_its_card(seed):
    rng = np.random.default_rng(seed)
    dataset = partly_parallel(rng, n_ids=12, n_passages=15)

    for (*_, name), value in values(dataset, *random_embeddings(rng, dataset)).dropna().items():
        low, high = metric_of(name).bounds
        assert low - 1e-12 <= value <= high + 1e-12, name


@given(seeds)
@few
def test_a_checkpoint_against_itself_shows_no_difference(seed):
    rng = np.random.default_rng(seed)
    dataset = partly_parallel(rng, n_ids=12, n_passages=15)
    measures = measure(dataset, *random_embeddings(rng, dataset))

    _, table = tabulate({"a": measures, "b": measures}, "a", n_resamples=20)

    defined = table[table["reason"].isna()]
    assert (defined["delta"] == 0).all()
    assert (defined["p_value"] == 1).all()
    assert (defined[["ci_low", "ci_high"]] == 0).all(axis=None)


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_bias_raises_the_bias_measures_step_by_step(seed):
    dataset = fully_parallel(["ar", "de", "en", "th", "zh"], 60)
    ladder = [
        values(dataset, *planted_bias(np.random.default_rng(seed), dataset, strength))
        for strength in (0.0, 0.5, 1.0, 2.0)
    ]

    for name in ("rank_distance", "same_language_lift@10", "max_rank"):
        steps = [one["answer-retrieval", "multilingual", "*", "*", name] for one in ladder]
        assert steps == sorted(steps), name
        assert steps[-1] > 1.5 * steps[0], name
    shares = [one["answer-retrieval", "multilingual", "*", "*", "tlr@10"] for one in ladder]
    assert shares == sorted(shares, reverse=True)


def test_a_whole_language_bias_has_its_known_size():
    # So strong an offset that a query sees its own language first and the others in no order:
    # ten of ten places are its own, five times its share of a fifth.
    dataset = fully_parallel(["ar", "de", "en", "th", "zh"], 60)

    found = values(dataset, *planted_bias(np.random.default_rng(0), dataset, 20.0))

    bias = found["answer-retrieval"]["multilingual"]
    assert bias["*", "*", "same_language_lift@10"] == pytest.approx(5.0)
    assert bias["de", "de", "language_share@10"] == pytest.approx(1.0)
    assert bias["*", "*", "rank_distance"] > 60


@given(seeds)
@few
def test_rows_of_language_shares_sum_to_one(seed):
    rng = np.random.default_rng(seed)
    dataset = partly_parallel(rng, n_ids=12, n_passages=15)

    found = values(dataset, *random_embeddings(rng, dataset))

    shares = found["answer-retrieval"]["multilingual"].xs("language_share@10", level="metric")
    assert shares.groupby("query_language").sum().to_numpy() == pytest.approx(1.0)

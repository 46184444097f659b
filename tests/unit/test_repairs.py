"""Repairs: each by its own definition, and never fitted on what it is measured on."""

import numpy as np
import pandas as pd
import pytest
from made import fully_parallel, partly_parallel, planted_bias, random_embeddings
from scipy.linalg import orthogonal_procrustes
from scipy.stats import ortho_group

from alignkit import cross_fitting
from alignkit.comparison import tabulate
from alignkit.cross_fitting import measure_repaired
from alignkit.errors import AlignkitError
from alignkit.measures import measure
from alignkit.repairs import REPAIRS, Learned, RepairCard, parse_repair
from alignkit.tables import Embeddings

KEYS = ["task", "setting", "query_language", "passage_language", "metric"]
LANGUAGES = ["ar", "de", "en", "th"]


def values(measures):
    table, _ = tabulate({"a": measures}, "a", n_resamples=10)
    return table.set_index(KEYS)["value"].sort_index()


def fit(name, learned):
    card, argument = parse_repair(name)
    return card.fit(learned, argument)


@pytest.fixture
def temporary(monkeypatch):
    """Register a repair for one test."""

    def register(name, function):
        monkeypatch.setitem(REPAIRS._entries, name, RepairCard(name, function, "", "this test"))

    return register


@pytest.fixture
def learned():
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((60, 6)) + np.repeat(rng.standard_normal((3, 6)), 20, axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Learned(vectors, np.repeat([0, 1, 2], 20), np.tile(np.arange(20), 3), 4, pivot=1)


def test_centred_languages_have_no_mean(learned):
    repaired = fit("centre", learned)(learned.vectors, learned.languages)
    for language in range(3):
        assert np.abs(repaired[learned.languages == language].mean(axis=0)).max() < 1e-12


@pytest.mark.parametrize("n", [1, 2])
def test_lir_takes_away_what_numpys_svd_finds_first(learned, n):
    repaired = fit(f"lir:{n}", learned)(learned.vectors, learned.languages)
    for language in range(3):
        own = learned.of(language)
        left, singular, right = np.linalg.svd(own, full_matrices=False)
        singular[:n] = 0
        expected = left * singular @ right
        np.testing.assert_allclose(repaired[learned.languages == language], expected, atol=1e-9)


def test_whitened_texts_have_the_covariance_that_shrinkage_leaves(learned):
    from sklearn.covariance import LedoitWolf

    repaired = fit("whiten", learned)(learned.vectors, learned.languages)

    covariance = LedoitWolf().fit(learned.vectors).covariance_
    sample = np.cov(learned.vectors.T, bias=True)
    turn = np.linalg.inv(np.linalg.cholesky(covariance))
    # Whichever root is used, the repaired cosines are the same.
    expected = turn @ sample @ turn.T
    found = np.cov(repaired.T, bias=True)
    np.testing.assert_allclose(np.linalg.eigvalsh(found), np.linalg.eigvalsh(expected), atol=1e-9)


def test_procrustes_turns_each_language_as_scipy_does(learned):
    repaired = fit("procrustes", learned)(learned.vectors, learned.languages)
    for language in range(3):
        turn, _ = orthogonal_procrustes(learned.of(language), learned.of(1))
        expected = learned.of(language) @ turn
        np.testing.assert_allclose(repaired[learned.languages == language], expected, atol=1e-9)


@pytest.mark.parametrize("name", ["centre", "lir:1", "whiten", "procrustes"])
def test_a_language_without_texts_to_learn_from_stays_finite(learned, name):
    repaired = fit(name, learned)(learned.vectors[:2], np.array([3, 3]))
    assert np.isfinite(repaired).all()


def test_a_repair_that_does_nothing_changes_no_measure(temporary):
    # The folds are ranked one by one and put together again: nothing may be lost or mixed up.
    rng = np.random.default_rng(1)
    dataset = partly_parallel(rng)
    queries, passages = random_embeddings(rng, dataset)
    temporary("nothing", lambda *_: lambda vectors, _: vectors)

    plain = values(measure(dataset, queries, passages))
    repaired = values(measure_repaired(dataset, queries, passages, "nothing"))

    pd.testing.assert_series_equal(repaired, plain, atol=1e-6)


def test_no_repair_sees_the_questions_that_it_is_measured_on(temporary):
    rng = np.random.default_rng(2)
    dataset = fully_parallel(LANGUAGES, 33)
    queries, passages = random_embeddings(rng, dataset)

    def memorise(learned, argument):
        del argument
        known = {row.tobytes() for row in learned.vectors}

        def apply(vectors, languages):
            del languages
            # A vector that was learned from is marked by a length of two.
            return np.array([row * (2 if row.tobytes() in known else 1) for row in vectors])

        return apply

    temporary("memory", memorise)
    ids = tuple(sorted(dataset.queries.frame["parallel_id"].unique()))
    folds = cross_fitting._folds(dataset, queries, passages, ids, "memory")

    measured = np.zeros(len(queries.vectors), int)
    for fold in folds:
        length = np.linalg.norm(fold.fitted.queries.vectors, axis=1)
        own = fold.of_query == fold.number
        measured += own
        assert length[own] == pytest.approx(1)
        assert length[~own] == pytest.approx(2)
        answers = np.linalg.norm(fold.fitted.passages.vectors, axis=1)
        # In this dataset the passage of a query stands at the query's place.
        assert answers[own] == pytest.approx(1)
    assert (measured == 1).all()


def rank_distance(measures):
    return values(measures)["answer-retrieval", "multilingual", "*", "*", "rank_distance"]


def test_centring_takes_a_planted_bias_away():
    dataset = fully_parallel(LANGUAGES, 80)
    biased, fair = (
        planted_bias(np.random.default_rng(3), dataset, strength) for strength in (1.0, 0.0)
    )

    as_is, repaired = rank_distance(measure(dataset, *biased)), rank_distance(
        measure_repaired(dataset, *biased, "centre")
    )  # fmt: skip

    least = rank_distance(measure(dataset, *fair))
    assert as_is > 5 * least
    assert repaired < least + 0.05 * (as_is - least)


def test_procrustes_undoes_a_rotation_of_each_language():
    rng = np.random.default_rng(4)
    dataset = fully_parallel(LANGUAGES, 80)
    queries, passages = planted_bias(rng, dataset, 0.0, dim=8, noise=0.01)
    turns = ortho_group.rvs(8, size=len(LANGUAGES), random_state=rng)
    turned = [
        Embeddings(
            side.texts,
            np.einsum("nd,nde->ne", side.vectors, turns[side.texts.language_codes]).astype("f4"),
        )
        for side in (queries, passages)
    ]

    assert rank_distance(measure(dataset, *turned)) > 50
    # Queries and passages of one meaning are nearly one vector: its answers rank 1 to 4.
    assert rank_distance(measure_repaired(dataset, *turned, "procrustes")) == pytest.approx(3)


def test_too_few_questions_are_refused():
    rng = np.random.default_rng(5)
    dataset = fully_parallel(LANGUAGES, 9)
    with pytest.raises(AlignkitError, match="9 questions, too few to learn a repair"):
        measure_repaired(dataset, *random_embeddings(rng, dataset), "centre")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("center", "Did you mean 'centre'"),
        ("lir", "lir:N"),
        ("lir:0", "lir:1"),
        ("lir:x", "lir:1"),
        ("centre:2", "as centre"),
    ],
)
def test_a_repair_that_is_written_wrong_is_refused(spec, words):
    with pytest.raises(AlignkitError, match=words):
        parse_repair(spec)

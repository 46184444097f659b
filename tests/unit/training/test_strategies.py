"""What each strategy promises, over many batches."""

import datasets
import numpy as np
import pytest
from made import fully_parallel
from scipy import stats

from alignkit.errors import AlignkitError
from alignkit.training import BatchStrategy, one_to_k, pairs, with_texts
from alignkit.training.samplers import STRATEGIES, Draw, Kinds, weights

LANGUAGES = ("ar", "de", "en", "th")


@pytest.fixture(scope="module")
def data():
    return pairs([fully_parallel(LANGUAGES, 200)])


def languages_of(data, batch):
    rows = data.with_format("arrow")[:].to_pandas().iloc[batch]
    return list(zip(rows["query_language"], rows["passage_language"], strict=True))


def batches_of(data, name, n, **options):
    """The first n batches, over as many epochs as that takes."""
    table = data.with_format("arrow")[:].to_pandas()
    kind = list(zip(table["query_language"], table["passage_language"], strict=True))
    sampler = BatchStrategy(name, **options)(data, 16, seed=3)
    found = []
    while len(found) < n:
        found += [[kind[row] for row in batch] for batch in sampler]
        sampler.set_epoch(sampler.epoch + 1)
    return found[:n]


def test_monolingual_batches_have_one_language(data):
    for batch in batches_of(data, "monolingual", 100):
        (query, passage), *others = set(batch)
        assert query == passage
        assert not others


def test_cross_lingual_examples_differ_in_language_and_mix_pairs(data):
    for batch in batches_of(data, "cross-lingual", 100):
        assert all(query != passage for query, passage in batch)
        assert len(set(batch)) > 1


def test_same_language_batches_mix_languages(data):
    for batch in batches_of(data, "same-language", 100):
        assert all(query == passage for query, passage in batch)
        assert len(set(batch)) > 1


def test_one_to_k_shows_every_language():
    examples = one_to_k([fully_parallel(LANGUAGES, 200)])
    assert list(examples[0]) == ["query", *(f"passage_{code}" for code in LANGUAGES)]
    for batch in batches_of(examples, "one-to-k", 20):
        assert len({query for query, _ in batch}) > 1


@pytest.mark.parametrize("alpha", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_the_share_of_monolingual_batches_is_alpha(data, alpha):
    n = 10_000
    batches = batches_of(data, "hybrid", n, alpha=alpha)
    monolingual = sum(len(set(batch)) == 1 and batch[0][0] == batch[0][1] for batch in batches)
    low, high = stats.binom.interval(0.9999, n, alpha)
    assert low <= monolingual <= high
    for batch in batches:
        same = {query == passage for query, passage in batch}
        assert len(same) == 1
        assert same == {False} or len(set(batch)) == 1


def test_kinds_of_batches_are_drawn_independently(data):
    batches = batches_of(data, "hybrid", 10_000)
    kind = np.array([batch[0][0] == batch[0][1] for batch in batches])
    after = np.histogram2d(kind[:-1], kind[1:], bins=2)[0]
    assert stats.chi2_contingency(after).pvalue > 1e-4


@pytest.mark.parametrize("name", ["monolingual", "cross-lingual", "same-language"])
def test_languages_and_pairs_are_uniform(data, name):
    counts = {}
    for batch in batches_of(data, name, 10_000):
        for kind in batch:
            counts[kind] = counts.get(kind, 0) + 1
    assert len(counts) == (12 if name == "cross-lingual" else 4)
    assert stats.chisquare(list(counts.values())).pvalue > 1e-4


@pytest.mark.parametrize(
    ("sampling", "exponent"), [("proportional", 1.0), ("temperature:2", 0.5), ("uniform", 0.0)]
)
def test_unequal_languages_are_drawn_by_their_weight(sampling, exponent):
    rng = np.random.default_rng(0)
    counts = np.array([1000, 100, 10])
    kinds = Kinds(("a", "b", "c"), ("a", "b", "c"), counts)
    drawn = [
        Draw(kinds, 7, 5, 0.5, weights(sampling), rng).one_for_each(kinds.same_language)
        for _ in range(2000)
    ]
    found = np.bincount(np.concatenate(drawn).ravel(), minlength=3)
    expected = counts**exponent / (counts**exponent).sum()
    assert stats.chisquare(found, expected * found.sum()).pvalue > 1e-4


def test_an_epoch_favours_no_language():
    kinds = Kinds(("a", "b", "c"), ("a", "b", "c"), np.array([5, 5, 5]))
    draw = Draw(kinds, 100, 2, 0.5, weights("uniform"), np.random.default_rng(1))
    counts = np.bincount(draw.one_for_all(kinds.same_language)[:, 0])
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize("name", sorted(STRATEGIES))
def test_every_strategy_is_called_after_its_file_and_says_what_it_does(name):
    card = STRATEGIES.get(name)
    assert card.plan.__module__ == f"alignkit.training.samplers.{name.replace('-', '_')}"
    assert "arXiv" in card.definition


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: BatchStrategy("hybird"), "no batch strategy is called 'hybird'. Did you mean"),
        (lambda: BatchStrategy("hybrid", alpha=1.2), "alpha is 1.2, but is the share"),
        (lambda: BatchStrategy("hybrid", sampling="square"), "no sampling is called 'square'"),
        (lambda: BatchStrategy("hybrid", sampling="temperature:0"), "temperature:T with T above 0"),
    ],
)
def test_a_wrong_strategy_is_refused(make, error):
    with pytest.raises(AlignkitError, match=error):
        make()


@pytest.mark.parametrize("name", ["cross-lingual", "hybrid"])
def test_one_language_has_no_cross_lingual_batches(name):
    one = pairs([fully_parallel(("en",), 50)])
    with pytest.raises(AlignkitError, match=r"need questions in two languages.* queries in: en"):
        BatchStrategy(name)(one, 8)


def test_hybrid_with_alpha_1_needs_one_language_only():
    one = pairs([fully_parallel(("en",), 50)])
    assert len(list(BatchStrategy("hybrid", alpha=1.0)(one, 8))) == 6


def test_one_to_k_needs_its_own_examples(data):
    with pytest.raises(AlignkitError, match=r"alignkit\.training\.one_to_k"):
        BatchStrategy("one-to-k")(data, 8)


def test_text_data_of_ones_own_can_be_batched():
    own = datasets.Dataset.from_dict(
        {
            "query_id": [str(i % 20) for i in range(40)],
            "query_language": ["en"] * 20 + ["de"] * 20,
            "passage_language": ["de"] * 20 + ["en"] * 20,
            "query": [f"q{i}" for i in range(40)],
            "passage": [f"p{i}" for i in range(40)],
        }
    )
    data = with_texts(own)
    assert list(data[0]) == ["query", "passage"]
    batches = list(BatchStrategy("cross-lingual")(data, 8))
    assert [len(batch) for batch in batches] == [8] * 4
    with pytest.raises(AlignkitError, match="no 'query_id'"):
        BatchStrategy("cross-lingual")(own.remove_columns("query_id"), 8)

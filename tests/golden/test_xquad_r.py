"""Real data whole: ranks and measures of XQuAD-R against a full float64 sort and pytrec_eval."""

import numpy as np
import pytest

from alignkit.comparison import tabulate
from alignkit.datasets import load_dataset
from alignkit.measures import measure
from alignkit.ranks import ranks_table
from alignkit.tables import Embeddings

pytestmark = [pytest.mark.oracle, pytest.mark.slow]

BIAS = ("rank_distance", "max_rank", "complete@20", "complete@100")
KEYS = ["task", "setting", "query_language", "passage_language", "metric"]


def clustered(rng, texts, meaning, names, offsets):
    """Meaning where it is known, a language's offset, and noise; repeated texts get one vector."""
    known = np.array([meaning.get(name, np.zeros(24)) for name in names])
    vectors = known + 0.7 * offsets[texts.language_codes] + rng.standard_normal(known.shape)
    first = texts.frame.groupby("text")["id"].transform("first")
    place = dict(zip(texts.frame["id"], range(len(texts)), strict=True))
    return Embeddings(texts, vectors[[place[i] for i in first]].astype(np.float32))


@pytest.fixture(scope="module")
def case(shared_data):
    dataset = load_dataset(f"xquad-r:{shared_data('xquad-r')}")
    rng = np.random.default_rng(0)
    parallel = dataset.queries.frame["parallel_id"]
    meaning = {key: rng.standard_normal(24) for key in parallel.unique()}
    of_query = dict(zip(dataset.queries.frame["id"], parallel, strict=True))
    answers = zip(dataset.qrels["passage_id"], dataset.qrels["query_id"], strict=True)
    of_passage = {passage: meaning[of_query[query]] for passage, query in answers}
    offsets = rng.standard_normal((11, 24))
    queries = clustered(rng, dataset.queries, meaning, parallel, offsets)
    passages = clustered(rng, dataset.passages, of_passage, dataset.passages.frame["id"], offsets)
    measures = measure(dataset, queries, passages)
    return dataset, queries, passages, measures


@pytest.fixture(scope="module")
def scores(case):
    _, queries, passages, _ = case
    unit = [x.vectors / np.linalg.norm(x.vectors.astype(np.float64), axis=1, keepdims=True)
            for x in (queries, passages)]  # fmt: skip
    # Rounded, so that a repeated text scores the same wherever the product puts it.
    return np.round(unit[0] @ unit[1].T, 13)


def test_every_rank_is_that_of_a_full_sort(case, scores):
    dataset, *_, measures = case
    ranks = ranks_table([task for task in measures.ranks if task.task.name == "answer-retrieval"])
    row = {name: i for i, name in enumerate(dataset.queries.frame["id"])}
    column = {name: i for i, name in enumerate(dataset.passages.frame["id"])}
    language = dataset.passages.frame["language"].to_numpy(str)
    by_rank = -np.sort(-scores, axis=1)  # descending
    pools = {a: -np.sort(-scores[:, language == a], axis=1) for a in dataset.passages.languages}

    wrong = 0
    for setting, query, passage, answered, rank in zip(
        *(ranks[name] for name in ("setting", "query", "passage", "passage_language", "rank")),
        strict=True,
    ):
        pool = by_rank if setting == "multilingual" else pools[answered]
        i = row[query]
        no_less = len(pool[i]) - np.searchsorted(pool[i][::-1], scores[i, column[passage]])
        wrong += rank != no_less
    assert len(ranks) == 13_090 * (1 + 10 + 11)
    assert wrong == 0


def test_means_are_those_of_the_ranks(case, scores):
    dataset, *_, measures = case
    found = tabulate({"a": measures}, "a", n_resamples=10)[0].set_index(KEYS)["value"]
    column = {name: i for i, name in enumerate(dataset.passages.frame["id"])}
    answers = {}
    parallel = dict(
        zip(dataset.queries.frame["id"], dataset.queries.frame["parallel_id"], strict=True)
    )
    for query, passage in zip(dataset.qrels["query_id"], dataset.qrels["passage_id"], strict=True):
        answers.setdefault(parallel[query], []).append(column[passage])
    language = dataset.passages.frame["language"].to_numpy(str)
    for asked in ("de", "th"):
        rows = np.flatnonzero(dataset.queries.frame["language"] == asked)
        relevant = np.array([answers[dataset.queries.frame["parallel_id"].iloc[i]] for i in rows])
        cells = np.take_along_axis(scores[rows], relevant, axis=1)
        ranks = np.array(
            [
                (row >= cell[:, None]).sum(axis=1)
                for row, cell in zip(scores[rows], cells, strict=True)
            ]
        )
        best, worst = ranks.min(axis=1), ranks.max(axis=1)
        expected = dict(zip(BIAS, (worst - best, worst, worst <= 20, worst <= 100), strict=True))
        for name, values in expected.items():
            got = found["answer-retrieval", "multilingual", asked, "*", name]
            assert got == pytest.approx(values.mean(), abs=1e-6), name
        tops = np.argsort(-scores[rows], axis=1, kind="stable")[:, :10]
        share = found["answer-retrieval", "multilingual", asked, asked, "language_share@10"]
        # Ties at the tenth place are rare, and shared there rather than won by the first.
        assert share == pytest.approx((language[tops] == asked).mean(), abs=1e-4)


def test_average_precision_equals_pytrec_eval(case, scores):
    import pytrec_eval

    dataset, *_, measures = case
    table = ranks_table([task for task in measures.ranks if task.task.name == "answer-retrieval"])
    ids = dataset.passages.frame["id"].to_numpy(str)
    chosen = np.arange(0, len(dataset.queries), 331)
    queries = dataset.queries.frame["id"].iloc[chosen]
    rows = table[table["query"].isin(queries)]
    for setting in ("monolingual", "multilingual"):
        part = rows[rows["setting"] == setting]
        own = {query: query.split(":")[0] + ":" for query in queries}
        run = {
            query: {
                name: score for name, score in zip(ids, scores[i].tolist(), strict=True)
                if setting == "multilingual" or name.startswith(own[query])
            }
            for i, query in zip(chosen, queries, strict=True)
        }  # fmt: skip
        qrels = {
            query: dict.fromkeys(of_query, 1)
            for query, of_query in part.groupby("query", observed=True)["passage"]
        }
        expected = pytrec_eval.RelevanceEvaluator(qrels, {"map"}).evaluate(run)
        found = part.groupby("query", observed=True)["average_precision"].first()
        for query, value in found.items():
            assert value == pytest.approx(expected[query]["map"], abs=1e-6)

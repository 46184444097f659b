"""Are they *the* measures? Against pytrec_eval, and brute force from a full float64 sort."""

from itertools import product

import numpy as np
import pytest
from made import fully_parallel, partly_parallel, random_embeddings

from alignkit.comparison import tabulate
from alignkit.measures import measure


class Oracle:
    """Every score of a small dataset, as a dictionary of dictionaries."""

    def __init__(self, dataset, queries, passages):
        self.queries = dataset.queries.frame
        self.passages = dataset.passages.frame
        unit = [x.vectors / np.linalg.norm(x.vectors.astype(np.float64), axis=1, keepdims=True)
                for x in (queries, passages)]  # fmt: skip
        self.query_vectors = unit[0]
        self.scores = unit[0] @ unit[1].T
        self.languages = dataset.queries.languages
        parallel = dict(zip(self.queries["id"], self.queries["parallel_id"], strict=True))
        answers = {}
        for query, passage in zip(
            dataset.qrels["query_id"], dataset.qrels["passage_id"], strict=True
        ):
            answers.setdefault(parallel[query], set()).add(passage)
        self.relevant = {
            query: answers.get(parallel_id, set()) for query, parallel_id in parallel.items()
        }

    def trec(self, asked, pool):
        """Run and qrels of the queries of a language against the passages of some languages."""
        columns = np.flatnonzero(self.passages["language"].isin(pool))
        ids = self.passages["id"].to_numpy()[columns]
        run, qrels = {}, {}
        for row in np.flatnonzero(self.queries["language"] == asked):
            query = self.queries["id"].iloc[row]
            found = {passage: 1 for passage in ids if passage in self.relevant[query]}
            if found:
                qrels[query] = found
                run[query] = dict(zip(ids, self.scores[row, columns].tolist(), strict=True))
        return run, qrels

    def ranks(self, asked, pool):
        """For each query, the ranks of its relevant passages with their languages."""
        run, qrels = self.trec(asked, pool)
        table = []
        for query, found in qrels.items():
            order = sorted(run[query], key=run[query].get, reverse=True)
            table.append([(order.index(passage) + 1, passage[:2]) for passage in found])
        return table

    def top(self, asked, k):
        run, _ = self.trec(asked, self.languages)
        return [
            [p[:2] for p in sorted(scores, key=scores.get, reverse=True)[:k]]
            for scores in run.values()
        ]


@pytest.fixture(params=[0, 1, 2])
def case(request):
    rng = np.random.default_rng(request.param)
    dataset = partly_parallel(rng) if request.param else fully_parallel(["de", "en", "zh"], 25, 9)
    queries, passages = random_embeddings(rng, dataset)
    metrics, _ = tabulate({"a": measure(dataset, queries, passages)}, "a", n_resamples=10)
    keys = ["task", "setting", "query_language", "passage_language", "metric"]
    return metrics.set_index(keys)["value"], Oracle(dataset, queries, passages)


TREC = {"map": "map", "map@20": "map_cut_20", "mrr": "recip_rank", "ndcg@10": "ndcg_cut_10"}
TREC |= {f"recall@{k}": f"recall_{k}" for k in (1, 5, 10, 100)}
TREC |= {f"hit@{k}": f"success_{k}" for k in (1, 5, 10)}
TREC |= {f"precision@{k}": f"P_{k}" for k in (1, 10)}


def pytrec(run, qrels):
    import pytrec_eval

    measures = {
        "map",
        "recip_rank",
        "ndcg_cut",
        "recall.1,5,10,100",
        "success",
        "P.1,10",
        "map_cut.20",
    }
    scored = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(run).values()
    return {name: np.mean([one[name] for one in scored]) for name in TREC.values()}


@pytest.mark.oracle("map", "map@20", "mrr", "ndcg", "recall", "hit", "precision")
def test_retrieval_equals_pytrec_eval_in_every_setting_and_pair(case):
    value, oracle = case
    pairs = list(product(oracle.languages, repeat=2))
    expected = {pair: pytrec(*oracle.trec(pair[0], [pair[1]])) for pair in pairs}
    mixed = {a: pytrec(*oracle.trec(a, oracle.languages)) for a in oracle.languages}
    for name, trec_name in TREC.items():
        of = {pair: expected[pair][trec_name] for pair in pairs}
        if name == "recall@100":  # says nothing of pools smaller than that
            of = dict.fromkeys(pairs, np.nan)
        for a, b in pairs:
            setting = "monolingual" if a == b else "cross-lingual"
            got = value["answer-retrieval", setting, a, b, name]
            assert got == pytest.approx(of[a, b], abs=1e-6, nan_ok=True), (name, a, b)
        for a in oracle.languages:
            row = value["answer-retrieval", "cross-lingual", a, "*", name]
            others = [of[a, b] for b in oracle.languages if b != a]
            assert row == pytest.approx(np.mean(others), abs=1e-6, nan_ok=True)
            got = value["answer-retrieval", "multilingual", a, "*", name]
            assert got == pytest.approx(mixed[a][trec_name], abs=1e-6)
        macro = {
            "monolingual": np.mean([of[a, a] for a in oracle.languages]),
            "cross-lingual": np.mean([of[a, b] for a, b in pairs if a != b]),
            "multilingual": np.mean([mixed[a][trec_name] for a in oracle.languages]),
        }
        for setting, mean in macro.items():
            got = value["answer-retrieval", setting, "*", "*", name]
            assert got == pytest.approx(mean, abs=1e-6, nan_ok=True), (name, setting)


@pytest.mark.oracle(
    "rank_distance", "max_rank", "max_rank_log", "complete", "tlr", "preference_rank"
)
def test_bias_measures_equal_a_full_sort(case):
    value, oracle = case
    bias = value["answer-retrieval"]["multilingual"]
    pool = oracle.passages
    means = {}
    for a in oracle.languages:
        table = oracle.ranks(a, oracle.languages)
        ranks = [[rank for rank, _ in row] for row in table]
        foreign = [[rank for rank, language in row if language != a] for row in table]
        expected = {
            "rank_distance": np.mean([max(row) - min(row) for row in ranks]),
            "max_rank": np.mean([max(row) for row in ranks]),
            "max_rank_log": np.mean(
                [100 * np.log(len(pool) / max(row)) / np.log(len(pool) / len(row)) for row in ranks]
            ),
            "complete@20": np.mean([max(row) <= 20 for row in ranks]),
            "complete@100": np.mean([max(row) <= 100 for row in ranks]),
            "tlr@10": np.mean([np.mean(np.array(row) <= 10) for row in foreign if row]),
            "tlr@100": np.mean([np.mean(np.array(row) <= 100) for row in foreign if row]),
        }
        for name, expected_value in expected.items():
            assert bias[a, "*", name] == pytest.approx(expected_value, abs=1e-6), (name, a)
            means.setdefault(name, []).append(expected_value)
        for b in oracle.languages:
            per_query = [[rank for rank, language in row if language == b] for row in table]
            rank = np.mean([rank for row in per_query for rank in row])
            assert bias[a, b, "preference_rank"] == pytest.approx(rank, abs=1e-6)
    for name, of_languages in means.items():
        assert bias["*", "*", name] == pytest.approx(np.mean(of_languages), abs=1e-6)


@pytest.mark.oracle("language_share", "same_language_lift")
def test_language_shares_equal_a_full_sort(case):
    value, oracle = case
    bias = value["answer-retrieval"]["multilingual"]
    for a in oracle.languages:
        observed = [
            np.mean([b == language for language in top for b in [a]]) for top in oracle.top(a, 10)
        ]
        for b in oracle.languages:
            observed = np.mean([np.mean([one == b for one in top]) for top in oracle.top(a, 10)])
            assert bias[a, b, "language_share@10"] == pytest.approx(observed, abs=1e-6)
            relevant = [
                np.mean([language == b for _, language in row])
                for row in oracle.ranks(a, oracle.languages)
            ]
            lift = observed / np.mean(relevant)
            assert bias[a, b, "same_language_lift@10"] == pytest.approx(lift, abs=1e-6)
        own = bias[a, a, "same_language_lift@10"]
        assert bias[a, "*", "same_language_lift@10"] == pytest.approx(own, abs=1e-12)


@pytest.mark.oracle("cosine_parallel", "cosine_random", "cosine_margin")
def test_question_alignment_equals_brute_force(case):
    value, oracle = case
    aligned = value["question-alignment"]["cross-lingual"]
    rows = {
        (language, parallel_id): row
        for row, (language, parallel_id) in enumerate(
            zip(oracle.queries["language"], oracle.queries["parallel_id"], strict=True)
        )
    }
    cosines = oracle.query_vectors @ oracle.query_vectors.T
    for a, b in product(oracle.languages, repeat=2):
        if a == b:
            continue
        both = [i for language, i in rows if language == a and (b, i) in rows]
        parallel = [cosines[rows[a, i], rows[b, i]] for i in both]
        random = [cosines[rows[a, i], rows[b, j]] for i in both for j in both if i != j]
        assert aligned[a, b, "cosine_parallel"] == pytest.approx(np.mean(parallel), abs=1e-6)
        assert aligned[a, b, "cosine_random"] == pytest.approx(np.mean(random), abs=1e-6)
        margin = np.mean(parallel) - np.mean(random)
        assert aligned[a, b, "cosine_margin"] == pytest.approx(margin, abs=1e-6)
        pool = [row for (language, _), row in rows.items() if language == b]
        ranks = np.array(
            [(cosines[rows[a, i], pool] >= cosines[rows[a, i], rows[b, i]]).sum() for i in both]
        )
        assert aligned[a, b, "mrr"] == pytest.approx(np.mean(1 / ranks), abs=1e-6)
        for k in (1, 5, 10):
            assert aligned[a, b, f"recall@{k}"] == pytest.approx(np.mean(ranks <= k), abs=1e-6)

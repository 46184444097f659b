"""Corpora of languages without parallel queries, alone and joined, against pytrec_eval."""

import numpy as np
import pytest
from made import CARD, partly_parallel, random_embeddings

from alignkit.comparison import tabulate
from alignkit.datasets.assemble import Answer, TextRow, assemble
from alignkit.measures import measure
from alignkit.metrics import METRICS, RelevantRanks, metric_of

LANGUAGES = ["sw", "te", "yo"]
TREC = {
    "ndcg@10": "ndcg_cut_10", "recall@10": "recall_10", "recall@100": "recall_100", "map": "map",
    "map@20": "map_cut_20", "mrr": "recip_rank", "hit@10": "success_10", "precision@10": "P_10",
}  # fmt: skip


@pytest.fixture(scope="module")
def judged():
    """Graded judgements with zeros, some of them of passages that the corpus does not hold."""
    rng = np.random.default_rng(5)
    queries, passages, judgements = [], [], []
    for language in LANGUAGES:
        passages += [TextRow(language, f"{i}#0", f"{language} {i}") for i in range(120)]
        for q in range(25):
            queries.append(TextRow(language, str(q), f"{language}? {q}"))
            for i in rng.choice(124, 8, replace=False):  # 120 to 123 are not there
                grade = int(rng.integers(0, 4))
                judgements.append(Answer(language, str(q), f"{i}#0", grade))
            judgements.append(Answer(language, str(q), "own", 1))
            passages += [TextRow(language, "own", "an answer")] if q == 0 else []
    dataset = assemble(
        CARD, queries, passages, [one for one in judgements if one.relevance],
        negatives=[one for one in judgements if not one.relevance],
        parallel=False, unfindable=True,
    )  # fmt: skip
    asked, pool = random_embeddings(rng, dataset)
    table, _ = tabulate({"a": measure(dataset, asked, pool)}, "a", n_resamples=20)
    keys = ["setting", "query_language", "passage_language", "metric"]
    return dataset, judgements, (asked, pool), table.set_index(keys)


def evaluated(judged, language, pool):
    """pytrec_eval's value of every query of a language against the passages of some languages."""
    pytrec_eval = pytest.importorskip("pytrec_eval", reason="the test extra is not installed")
    dataset, judgements, sides, _ = judged
    unit = [s.vectors / np.linalg.norm(s.vectors.astype(float), axis=1)[:, None] for s in sides]
    scores = unit[0] @ unit[1].T
    here = np.flatnonzero(dataset.passages.frame["language"].isin(pool))
    names = dataset.passages.frame["id"].to_numpy()[here]
    run, qrels = {}, {}
    for row in np.flatnonzero(dataset.queries.frame["language"] == language):
        query = dataset.queries.frame["id"][row]
        run[query] = dict(zip(names, scores[row, here].tolist(), strict=True))
        qrels[query] = {one.passage: one.relevance for one in judgements if one.query == query}
    wanted = {"map", "map_cut.20", "recip_rank", "ndcg_cut.10", "recall.10,100", "P.10"}
    wanted |= {"success.10"}
    found = pytrec_eval.RelevanceEvaluator(qrels, wanted).evaluate(run).values()
    return {name: np.array([one[trec] for one in found]) for name, trec in TREC.items()}


@pytest.mark.oracle("ndcg", "recall")
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_alone_and_among_all_scores_as_in_pytrec_eval(judged, language):
    table = judged[3]["value"]
    alone, joined = evaluated(judged, language, [language]), evaluated(judged, language, LANGUAGES)
    for name in TREC:
        own = table["monolingual", language, language, name]
        assert own == pytest.approx(alone[name].mean(), abs=1e-9), name
        mixed = table["multilingual", language, "*", name]
        assert mixed == pytest.approx(joined[name].mean(), abs=1e-9), name


@pytest.mark.oracle("interference_ndcg", "interference_recall")
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["ndcg@10", "recall@10", "recall@100"])
def test_interference_is_the_mean_loss_of_each_query(judged, language, name):
    row = judged[3].loc[("multilingual", language, "*", f"interference_{name}")]
    losses = evaluated(judged, language, [language])[name]
    losses = losses - evaluated(judged, language, LANGUAGES)[name]

    assert row["value"] == pytest.approx(losses.mean(), abs=1e-9)
    assert row["n"] == 25
    assert losses.min() >= 0
    # Paired by query: the interval is of the losses, narrower than that of either pool's value.
    spread = 1.96 * losses.std() / 5
    assert row["ci_high"] - row["ci_low"] == pytest.approx(2 * spread, rel=0.6)


def test_a_translation_above_the_answer_is_no_interference():
    rng = np.random.default_rng(2)
    dataset = partly_parallel(rng, n_ids=20, n_passages=30)
    sides = random_embeddings(rng, dataset)
    table, _ = tabulate({"a": measure(dataset, *sides)}, "a", n_resamples=10)
    row = table.set_index(["setting", "query_language", "passage_language", "metric"]).loc[
        ("multilingual", "de", "*", "interference_recall@10")
    ]
    unit = [s.vectors / np.linalg.norm(s.vectors.astype(float), axis=1)[:, None] for s in sides]
    scores = unit[0] @ unit[1].T
    task = dataset.answer_retrieval()
    relevant = np.zeros(scores.shape, bool)
    relevant[task.qrels.queries, task.qrels.passages] = True
    german = (dataset.passages.frame["language"] == "de").to_numpy()
    losses = []
    for query in np.flatnonzero(dataset.queries.frame["language"] == "de"):
        found = []
        for pool in (german, german | ~relevant[query]):
            best = np.flatnonzero(pool)[np.argsort(-scores[query, pool])][:10]
            found.append(relevant[query, best].sum() / (relevant[query] & german).sum())
        losses.append(found[0] - found[1])

    assert row["value"] == pytest.approx(np.mean(losses), abs=1e-9)
    assert row["value"] > 0.05


def test_interference_of_random_rankings_is_as_expected(judged):
    for name in ("interference_ndcg@10", "interference_recall@10"):
        row = judged[3].loc[("multilingual", "*", "*", name)]
        noise = (row["ci_high"] - row["ci_low"]) or 0.1
        assert row["random"] == pytest.approx(row["value"], abs=2 * noise)


def test_what_compares_translations_is_null_for_want_of_parallel_queries(judged):
    table = judged[3]
    assert not len(table[table["task"] == "question-alignment"])
    for card in METRICS.values():
        for variant in card.variants():
            if card.compares_answers:
                row = table.loc[("multilingual", "*", "*", variant.name)]
                assert np.isnan(row["value"])
                assert row["reason"] == "there are no parallel queries"
    for name in ("rank_distance", "mrv_std", "friedman", "mrc@10", "tlr@10", "max_rank"):
        assert np.isnan(table["value"]["multilingual", "*", "*", name])
    reasons = set(table.loc["cross-lingual"]["reason"])
    assert reasons == {"there are no parallel queries"}


def test_language_shares_and_lifts_stand_for_every_pair(judged):
    table = judged[3]["value"]["multilingual"]
    for asked in LANGUAGES:
        shares = [table[asked, answered, "language_share@10"] for answered in LANGUAGES]
        assert sum(shares) == pytest.approx(1.0)
        assert table[asked, asked, "same_language_lift@10"] == pytest.approx(
            shares[LANGUAGES.index(asked)]
        )


def test_missing_passages_are_counted_named_and_never_found(judged):
    dataset = judged[0]
    answers = {(one.query, one.passage) for one in judged[1] if one.relevance}
    assert len(dataset.qrels) + len(dataset.unfindable) == len(answers)
    there = set(dataset.passages.frame["id"])
    gone = sorted({one.passage for one in judged[1] if one.passage not in there and one.relevance})
    assert (
        "relevant passages that are not in the corpus, counted as not found: "
        f"{len(gone)} ({', '.join(gone[:5])} and {len(gone) - 5} more)"
    ) in dataset.notes


def test_no_model_finds_what_is_not_there():
    ranks = RelevantRanks(
        np.array([0]), np.array([1]), 1, np.array([1]), pool=np.array([9]),
        unfindable=np.array([[0], [3]]),
    )  # fmt: skip
    best = 1 / (3 + 1 / np.log2(3))
    for name, expected in (("recall@1", 0.5), ("map", 0.5), ("map@20", 0.5), ("ndcg@10", best)):
        variant = next(v for v in metric_of(name).variants() if v.name == name)
        assert variant(ranks) == pytest.approx(expected)
        assert variant.level("best", ranks) == pytest.approx(expected)

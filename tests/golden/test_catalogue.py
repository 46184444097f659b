"""Every measure of the catalogue against an oracle: another library, else plain loops."""

from itertools import combinations, permutations, product

import numpy as np
import pytest
from made import fully_parallel, partly_parallel, planted_bias, random_embeddings
from scipy.spatial.distance import pdist
from scipy.stats import chi2, friedmanchisquare, kruskal, skew, spearmanr

from alignkit.comparison import tabulate
from alignkit.measures import measure
from alignkit.metrics import METRICS, LanguageRanks, ParallelVectors, RelevantRanks, metric_of

KEYS = ["task", "setting", "query_language", "passage_language", "metric"]


def tabulated(dataset, queries, passages):
    table, _ = tabulate({"a": measure(dataset, queries, passages)}, "a", n_resamples=10)
    return table.set_index(KEYS)


@pytest.fixture(scope="module", params=["all languages", "some languages"])
def space(request):
    """Unit vectors of parallel questions, with a bias; some ids are not in all languages."""
    rng = np.random.default_rng(3)
    dataset = fully_parallel(["ar", "de", "en"], 40)
    vectors = planted_bias(rng, dataset, 0.4, noise=1.0)[0].vectors.astype(float)
    vectors = vectors.reshape(3, 40, -1).transpose(1, 0, 2)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    present = np.ones((40, 3), bool)
    if request.param == "some languages":
        present = rng.random((40, 3)) < 0.8
        vectors = np.where(present[:, :, None], vectors, 0.0)
    return ParallelVectors(vectors, present)


def shares(name, source):
    variant = next(v for v in metric_of(name).variants() if v.name == name)
    return variant(source)


def mean(values):
    return values[~np.isnan(values)].mean()


def both(space, a, b):
    here = space.present[:, a] & space.present[:, b]
    return space.vectors[here, a], space.vectors[here, b]


PAIRS = list(permutations(range(3), 2))


@pytest.mark.oracle("alignment", "centroid_distance", "cka")
@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_alignment_centroids_and_cka_equal_their_formulas(space, a, b):
    x, y = both(space, a, b)
    assert mean(shares("alignment", space)[:, a, b]) == pytest.approx(
        np.mean(np.sum((x - y) ** 2, axis=1)), abs=1e-9
    )
    distance = np.linalg.norm(x.mean(axis=0) - y.mean(axis=0))
    pair = space.subset([a, b])
    assert mean(shares("centroid_distance", pair)) == pytest.approx(distance, abs=1e-9)

    # By centred Gram matrices, Kornblith et al. eq. 1 and 3: the other way round.
    centre = np.eye(len(x)) - 1 / len(x)
    k, m = (centre @ z @ z.T @ centre for z in (x, y))
    expected = np.sum(k * m) / np.sqrt(np.sum(k * k) * np.sum(m * m))
    assert mean(shares("cka", space)[:, a, b]) == pytest.approx(expected, abs=1e-9)


@pytest.mark.oracle("uniformity")
def test_uniformity_is_that_of_scipys_distances(space):
    values = shares("uniformity", space)
    for language in range(3):
        x = space.vectors[space.present[:, language], language]
        expected = np.log(np.mean(np.exp(-2 * pdist(x) ** 2)))
        assert mean(values[:, language]) == pytest.approx(expected, abs=1e-9)


def affinity(vectors, present):
    """The paper's formulas, one pair at a time."""
    within, between = [], []
    for a in range(present.shape[1]):
        here = np.flatnonzero(present[:, a])
        within.append(
            np.mean([1 - vectors[i, a] @ vectors[j, a] for i, j in combinations(here, 2)])
        )
    for i in range(len(present)):
        here = np.flatnonzero(present[i])
        if len(here) > 1:
            between.append(
                np.mean([1 - vectors[i, a] @ vectors[i, b] for a, b in combinations(here, 2)])
            )
    return 1 / (1 + np.mean(between) / np.mean(within))


@pytest.mark.oracle("semantic_affinity")
def test_semantic_affinity_equals_its_formula_for_all_languages_and_for_two(space):
    expected = affinity(space.vectors, space.present)
    assert mean(shares("semantic_affinity", space)) == pytest.approx(expected, abs=1e-9)
    pair = space.subset([0, 2])
    expected = affinity(pair.vectors, pair.present)
    assert mean(shares("semantic_affinity", pair)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.oracle("isoscore")
def test_isoscore_is_that_of_its_authors_package(space):
    from IsoScore.IsoScore import IsoScore

    expected = IsoScore(space.vectors[space.present]).item()

    assert mean(shares("isoscore", space)) == pytest.approx(expected, abs=1e-6)


def cosines_of(space, a, b):
    """Cosines of all of a's texts with all of b's, and where each translation stands."""
    here, there = (np.flatnonzero(space.present[:, language]) for language in (a, b))
    place = {i: column for column, i in enumerate(there)}
    own = [(row, place[i], i) for row, i in enumerate(here) if i in place]
    return space.vectors[here, a] @ space.vectors[there, b].T, own, there


@pytest.mark.oracle("xsim_error", "csls_recall", "hubness")
@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_xsim_csls_and_hubness_equal_plain_loops(space, a, b):
    cosines, own, there = cosines_of(space, a, b)

    def nearest(matrix, k):
        return np.sort(matrix, axis=1)[:, ::-1][:, :k].mean(axis=1)

    wrong, ranks = [], []
    margin = cosines / ((nearest(cosines, 4)[:, None] + nearest(cosines.T, 4)) / 2)
    csls = 2 * cosines - nearest(cosines, 10)[:, None] - nearest(cosines.T, 10)
    for row, column, _ in own:
        candidates = np.argsort(-cosines[row])[:4]
        wrong.append(candidates[np.argmax(margin[row, candidates])] != column)
        ranks.append(1 + np.sum(csls[row] > csls[row, column]))
    assert mean(shares("xsim_error", space)[:, a, b]) == pytest.approx(np.mean(wrong), abs=1e-12)
    for k in (1, 5, 10):
        expected = np.mean(np.array(ranks) <= k)
        assert mean(shares(f"csls_recall@{k}", space)[:, a, b]) == pytest.approx(expected)

    occurrence = np.bincount(np.argsort(-cosines, axis=1)[:, :10].ravel(), minlength=len(there))
    expected = skew(occurrence)
    assert mean(shares("hubness", space)[:, a, b]) == pytest.approx(expected, abs=1e-9)


@pytest.mark.oracle("hubness")
def test_hubness_counts_what_scikit_learn_finds(space):
    from sklearn.neighbors import NearestNeighbors

    x, y = (space.vectors[space.present[:, i], i] for i in (0, 1))
    found = NearestNeighbors(n_neighbors=10, metric="cosine").fit(y).kneighbors(x)[1]
    expected = skew(np.bincount(found.ravel(), minlength=len(y)))

    assert mean(shares("hubness", space)[:, 0, 1]) == pytest.approx(expected, abs=1e-6)


def test_blocks_of_rows_change_nothing(space, monkeypatch):
    whole = space.neighbours
    monkeypatch.setattr("alignkit.kernels.neighbours._SCORES", 200)
    blocked = ParallelVectors(space.vectors, space.present).neighbours

    for name in ("wrong", "csls_rank", "occurrence"):
        np.testing.assert_allclose(getattr(blocked, name), getattr(whole, name), atol=1e-9)


@pytest.mark.oracle("language_probe_accuracy")
def test_the_probe_is_scikit_learns_cross_validation(space):
    from sklearn.linear_model import RidgeClassifier
    from sklearn.model_selection import PredefinedSplit, cross_val_predict

    ids, languages = np.nonzero(space.present)
    predicted = cross_val_predict(
        RidgeClassifier(alpha=1e-2), space.vectors[ids, languages], languages,
        cv=PredefinedSplit(ids % 5),
    )  # fmt: skip

    values = shares("language_probe_accuracy", space)
    for language in range(3):
        expected = np.mean(predicted[languages == language] == language)
        assert mean(values[:, language]) == pytest.approx(expected, abs=1e-9)


def leave_one_out(name, space, pick):
    """Jackknife pseudo-values of a statistic: n θ - (n - 1) θ without one id."""
    n = len(space.present)
    theta = mean(pick(shares(name, space)))
    without = []
    for i in range(n):
        rest = np.delete(np.arange(n), i)
        part = ParallelVectors(space.vectors[rest], space.present[rest])
        without.append(mean(pick(shares(name, part))))
    return n * theta - (n - 1) * np.array(without)


@pytest.mark.parametrize(
    ("name", "pick"),
    [
        ("semantic_affinity", lambda x: x),
        ("isoscore", lambda x: x),
        ("uniformity", lambda x: x[:, 0]),
        ("cka", lambda x: x[:, 0, 1]),
    ],
)
def test_what_an_id_adds_to_a_statistic_is_what_the_jackknife_says(name, pick):
    rng = np.random.default_rng(5)
    dataset = fully_parallel(["de", "en"], 200)
    vectors = planted_bias(rng, dataset, 0.4, dim=6, noise=1.0)[0].vectors.astype(float)
    vectors = vectors.reshape(2, 200, -1).transpose(1, 0, 2)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    space = ParallelVectors(vectors, np.ones((200, 2), bool))

    expected = leave_one_out(name, space, pick)
    own = pick(shares(name, space))

    assert np.corrcoef(own, expected)[0, 1] > 0.99
    assert own.std() == pytest.approx(expected.std(), rel=0.05)


def mixed_ranks(rng, n, languages, most=60):
    ranks = np.array([rng.choice(most, languages, replace=False) + 1.0 for _ in range(n)])
    return np.sort(ranks, axis=1) if n % 2 else ranks


@pytest.mark.oracle("friedman", "friedman_chi2", "friedman_p")
@pytest.mark.parametrize(("n", "languages", "most"), [(10, 3, 60), (21, 5, 60), (30, 4, 4)])
def test_friedman_is_scipys(n, languages, most):
    rng = np.random.default_rng(n)
    ranks = mixed_ranks(rng, n, languages, most)
    ranks[0, 0] = ranks[0, 1]  # a tie
    source = LanguageRanks(ranks, ranks, np.full(languages, most))

    expected = friedmanchisquare(*ranks.T)

    assert mean(shares("friedman_chi2", source)) == pytest.approx(expected.statistic, abs=1e-9)
    assert mean(shares("friedman_p", source)) == pytest.approx(expected.pvalue, abs=1e-9)
    w = expected.statistic / (n * (languages - 1))
    assert mean(shares("friedman", source)) == pytest.approx(w, abs=1e-9)


def test_friedman_leaves_out_queries_without_an_answer_in_every_language():
    rng = np.random.default_rng(0)
    ranks = mixed_ranks(rng, 12, 3)
    gaps = ranks.copy()
    gaps[3, 1] = np.nan

    found = shares("friedman", LanguageRanks(gaps, gaps, np.full(3, 60)))

    rest = np.delete(ranks, 3, axis=0)
    expected = shares("friedman", LanguageRanks(rest, rest, np.full(3, 60)))
    np.testing.assert_allclose(np.delete(found, 3), expected)
    assert np.isnan(found[3])


def one_query(ranks, languages):
    order = np.argsort(ranks)
    return RelevantRanks(
        np.zeros(len(ranks), np.int64), np.array(ranks)[order], 1,
        language=np.array(languages)[order], pool=np.array([60]),
    )  # fmt: skip


@pytest.mark.oracle("peer")
@pytest.mark.parametrize("seed", range(6))
def test_peer_is_that_of_peer_measure_where_its_faults_do_not_bite(seed):
    from peer_measure import PEER, PEEREvaluator

    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 12))
    ranks = rng.choice(20, n, replace=False) + 1  # all within the cutoff
    languages = rng.integers(0, 3, n)
    languages[:2] = 0
    languages[2:4] = 1
    names = {f"d{r}": f"l{languages[list(ranks).index(r)]}" if r in ranks else "l0"
             for r in range(1, 21)}  # fmt: skip
    run = {"q": {f"d{r}": 1.0 / r for r in range(1, 21)}}
    # A judged passage that is not relevant: it raises KeyError without.
    qrels = {"q": {f"d{r}": 1 if r in ranks else 0 for r in range(1, 21)}}
    weighted = PEER(weights={1: 1.0, 0: 0.0}, lang_mapping=names) @ 20
    # Its provider calls a function that ir_measures no longer has; the evaluator works.
    evaluator = PEEREvaluator([weighted], qrels, {0: [(20, weighted)]}, {0: names})
    expected = next(evaluator._iter_calc(run)).value

    assert shares("peer@20", one_query(ranks, languages))[0] == pytest.approx(expected, abs=1e-9)


def test_peer_is_scipys_kruskal_wallis_where_relevant_passages_come_first():
    ranks, languages = [1, 2, 3, 4, 5, 6, 7], [0, 1, 0, 1, 1, 2, 2]
    groups = [[r for r, own in zip(ranks, languages, strict=True) if own == a] for a in range(3)]

    expected = kruskal(*groups).pvalue

    assert shares("peer@20", one_query(ranks, languages))[0] == pytest.approx(expected, abs=1e-12)


def test_peer_places_what_is_beyond_the_cutoff_behind_it():
    # Two of language 1 are not among the first 20: they share the mean of ranks 21 and 22.
    far = shares("peer@20", one_query([1, 2, 30, 50], [0, 0, 1, 1]))
    near = shares("peer@100", one_query([1, 2, 21, 22], [0, 0, 1, 1]))

    h = 3 * 4 * 10.0**2 / np.sum((np.array([1, 2, 21.5, 21.5]) - 11.5) ** 2)
    assert far[0] == pytest.approx(chi2.sf(h, 1), abs=1e-9)
    assert far[0] == pytest.approx(near[0], abs=0.001)


def test_peer_refuses_groups_of_one_and_says_why():
    # METRICS: 11 languages with one answer each give .4405 whatever the ranking.
    one_each = one_query(list(range(1, 23, 2)), list(range(11)))
    assert np.isnan(shares("peer@20", one_each)).all()

    dataset = fully_parallel(["de", "en"], 30)
    table = tabulated(dataset, *random_embeddings(np.random.default_rng(0), dataset))
    row = table.loc[("answer-retrieval", "multilingual", "*", "*", "peer@20")]
    assert np.isnan(row["value"])
    assert "see friedman" in row["reason"]


@pytest.mark.oracle("mrc")
def test_rank_correlation_is_scipys_spearman_over_the_two_best_ten():
    rng = np.random.default_rng(1)
    dataset = fully_parallel(["ar", "de", "en"], 30, 20)
    queries, passages = planted_bias(rng, dataset, 0.5, noise=1.0)
    found = tabulated(dataset, queries, passages)["value"]["answer-retrieval"]["multilingual"]

    unit = [x.vectors / np.linalg.norm(x.vectors.astype(float), axis=1, keepdims=True)
            for x in (queries, passages)]  # fmt: skip
    scores = (unit[0] @ unit[1].T).reshape(3, 30, -1)
    names = ["ar", "de", "en"]
    for a, b in PAIRS:
        each = []
        for i in range(30):
            x, y = scores[a, i], scores[b, i]
            union = sorted({*np.argsort(-x)[:10], *np.argsort(-y)[:10]})
            each.append(spearmanr(x[union], y[union]).statistic)
        assert found[names[a], names[b], "mrc@10"] == pytest.approx(np.mean(each), abs=1e-9)


@pytest.mark.oracle("mrv_std", "mrv_var")
def test_mrv_is_the_dispersion_of_ranks_in_own_pools():
    rng = np.random.default_rng(2)
    dataset = partly_parallel(rng, n_ids=15, n_passages=30)
    queries, passages = random_embeddings(rng, dataset)
    bias = tabulated(dataset, queries, passages)["value"]["answer-retrieval"]["multilingual"]
    unit = [x.vectors / np.linalg.norm(x.vectors.astype(float), axis=1, keepdims=True)
            for x in (queries, passages)]  # fmt: skip
    scores = unit[0] @ unit[1].T
    frame, pool = dataset.queries.frame, dataset.passages.frame
    parallel = dict(zip(frame["id"], frame["parallel_id"], strict=True))
    answers = {}
    for _, row in dataset.qrels.iterrows():
        answers.setdefault(parallel[row["query_id"]], set()).add(row["passage_id"])
    deviations, variances = [], []
    for q in np.flatnonzero(frame["language"] == "de"):
        best = []
        for language in dataset.queries.languages:
            own = np.flatnonzero(pool["language"] == language)
            order = pool["id"].to_numpy()[own[np.argsort(-scores[q, own])]]
            relevant = answers.get(frame["parallel_id"].iloc[q], ())
            ranks = [i + 1 for i, one in enumerate(order) if one in relevant]
            best += ranks[:1]
        if len(best) > 1:
            deviations.append(np.std(best))
            variances.append(np.var(best))
    assert bias["de", "*", "mrv_std"] == pytest.approx(np.mean(deviations), abs=1e-9)
    assert bias["de", "*", "mrv_var"] == pytest.approx(np.mean(variances), abs=1e-9)


def every_ranking(pool, relevant):
    """All placements of the relevant passages; the first of them is in the query's language."""
    placed = list(permutations(range(1, pool + 1), relevant))
    ranks = np.sort(np.array(placed), axis=1)
    own = np.array([np.sort(p) == p[0] for p in placed])
    return RelevantRanks(
        np.repeat(np.arange(len(placed)), relevant), ranks.ravel(), len(placed),
        same_language=own.ravel(), pool=np.full(len(placed), pool),
        language=np.zeros(ranks.size, np.int64),
    )  # fmt: skip


RANKED = [
    pytest.param(variant, pool, relevant, id=f"{variant.name}-{relevant} of {pool}")
    for card in METRICS.values()
    if card.needs == "ranks"
    for variant in card.variants()
    for pool, relevant in product([7, 12], [1, 2, 3])
    if (variant.k or 0) <= pool
]


@pytest.mark.parametrize(("variant", "pool", "relevant"), RANKED)
def test_best_and_random_values_are_those_of_all_rankings(variant, pool, relevant):
    rankings = every_ranking(pool, relevant)
    values = variant(rankings)
    defined = ~np.isnan(values)
    best, random = (
        np.unique(np.broadcast_to(variant.level(which, rankings), values.shape)[defined])
        for which in ("best", "random")
    )
    if not defined.any():
        return  # tlr of one passage, which is in the query's own language
    values = values[defined]

    extreme = values.max() if variant.card.higher_is_better else values.min()
    assert best == pytest.approx(extreme, abs=1e-9)
    if variant.card.random is not None:
        assert random == pytest.approx(values.mean(), abs=1e-9)


def test_graded_ndcg_expects_what_all_rankings_give():
    placed = np.array(list(permutations(range(1, 6), 2)))
    order = np.argsort(placed, axis=1)
    rankings = RelevantRanks(
        np.repeat(np.arange(20), 2), np.sort(placed, axis=1).ravel(), 20,
        relevance=np.array([3, 1])[order].ravel(), pool=np.full(20, 5),
    )  # fmt: skip
    variant = metric_of("ndcg@10").variants()[0]

    assert variant.level("random", rankings) == pytest.approx(variant(rankings).mean(), abs=1e-9)


def test_dispersions_expect_what_all_random_ranks_give():
    pools = np.array([2, 3, 5])
    every = np.array(list(product(*(range(1, n + 1) for n in pools))), float)
    source = LanguageRanks(every, every, pools)
    for name, tolerance in (("mrv_var", 1e-9), ("mrv_std", 0.01)):
        variant = metric_of(name).variants()[0]
        expected = variant(source).mean()
        assert variant.level("random", source) == pytest.approx(expected, abs=tolerance)


def test_friedman_expects_one_over_n_of_random_ranks():
    rng = np.random.default_rng(0)
    w = []
    for _ in range(400):
        ranks = rng.random((8, 4))
        w.append(mean(shares("friedman", LanguageRanks(ranks, ranks, np.full(4, 9)))))

    assert np.mean(w) == pytest.approx(1 / 8, abs=0.01)


def test_two_random_rankings_correlate_as_simulated():
    rng = np.random.default_rng(7)
    dataset = fully_parallel(["de", "en"], 150, 50)
    noise = [
        type(x)(x.texts, rng.standard_normal(x.vectors.shape).astype(np.float32))
        for x in random_embeddings(rng, dataset, dim=64)
    ]
    row = tabulated(dataset, *noise).loc[("answer-retrieval", "multilingual", "*", "*", "mrc@10")]

    assert row["value"] == pytest.approx(row["random"], abs=0.05)

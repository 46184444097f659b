"""MIRACL's published topics and judgements over small made corpora, against pytrec_eval."""

import numpy as np
import pytest
from made import random_embeddings
from miracl_layout import write_corpus

from alignkit.comparison import tabulate
from alignkit.datasets import load_dataset
from alignkit.exchange.trec import trec_further, trec_qrels
from alignkit.measures import measure
from alignkit.training.splits import choose_ids

LANGUAGES = ["sw", "yo"]
TREC = {"ndcg@10": "ndcg_cut_10", "recall@100": "recall_100"}


@pytest.fixture(scope="module")
def judged(shared_data, tmp_path_factory):
    """Real topics and qrels; passages made for the judged ids, one in fifty left out."""
    folder = tmp_path_factory.mktemp("miracl")
    qrels = {}
    for language in LANGUAGES:
        for kind in ("topics", "qrels"):
            name = f"{kind}.miracl-v1.0-{language}-dev.tsv"
            (folder / name).write_bytes((shared_data("miracl") / name).read_bytes())
        for line in (folder / name).read_text("utf-8").splitlines():
            query, _, passage, grade = line.split("\t")
            qrels.setdefault(f"{language}:{query}", {})[f"{language}:{passage}"] = int(grade)
        ids = sorted({line.split("\t")[2] for line in (folder / name).read_text().splitlines()})
        write_corpus(
            folder, language, [[(i, f"t{i}", "x") for n, i in enumerate(ids) if n % 50 != 7]]
        )
    dataset = load_dataset(f"miracl:{folder}", split="dev")
    sides = random_embeddings(np.random.default_rng(0), dataset)
    table, _ = tabulate({"a": measure(dataset, *sides)}, "a", n_resamples=10)
    keys = ["setting", "query_language", "passage_language", "metric"]
    return dataset, qrels, sides, table.set_index(keys)


def test_every_published_topic_and_judgement_is_read(judged):
    dataset, qrels, _, _ = judged
    assert len(dataset.queries) == 482 + 119
    relevant = sum(grade > 0 for grades in qrels.values() for grade in grades.values())
    assert len(dataset.qrels) + len(dataset.unfindable) == relevant
    assert len(dataset.unfindable) > 0
    zeros = sum(grade == 0 for grades in qrels.values() for grade in grades.values())
    assert 0 < zeros - len(dataset.negatives) < zeros / 20


@pytest.mark.parametrize("language", LANGUAGES)
def test_ndcg_and_recall_equal_pytrec_eval(judged, language):
    pytrec_eval = pytest.importorskip("pytrec_eval", reason="the test extra is not installed")
    dataset, qrels, sides, table = judged
    unit = [s.vectors / np.linalg.norm(s.vectors.astype(float), axis=1)[:, None] for s in sides]
    scores = unit[0] @ unit[1].T
    here = np.flatnonzero(dataset.passages.frame["language"] == language)
    names = dataset.passages.frame["id"].to_numpy()[here]
    known = set(names)
    run = {
        query: dict(zip(names, scores[row, here].tolist(), strict=True))
        for row, query in enumerate(dataset.queries.frame["id"])
        # without an answer in the corpus a query counts nowhere; trec_eval gives it 0
        if any(grade and passage in known for passage, grade in qrels[query].items())
    }
    evaluator = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10", "recall.100"})
    found = evaluator.evaluate(run).values()
    for name, trec in TREC.items():
        row = table.loc[("monolingual", language, language, name)]
        assert row["value"] == pytest.approx(np.mean([one[trec] for one in found]), abs=1e-9)
        assert row["n"] == len(found)


def test_the_judgements_for_trec_are_the_published_ones(judged):
    dataset, qrels, _, _ = judged
    there = set(dataset.passages.frame["id"])
    written = trec_qrels(dataset.answer_retrieval()) + trec_further(dataset)
    assert sorted(written.splitlines()) == sorted(
        f"{query} 0 {passage} {grade}"
        for query, grades in qrels.items()
        for passage, grade in grades.items()
        if grade or passage in there
    )


def test_a_part_of_the_queries_keeps_its_own_missing_answers(judged):
    dataset = judged[0]
    asked = dataset.unfindable["query_id"].iloc[0]
    part = choose_ids(dataset, {asked})
    assert set(part.unfindable["query_id"]) == {asked}
    assert part.answer_retrieval().qrels.unfindable[0].tolist() == [0] * len(part.unfindable)

import numpy as np
import pytest

from alignkit import load_dataset, measure
from alignkit.hits import DEPTH, hits_table, texts_table
from alignkit.run import RunSettings, compare, redraw
from alignkit.run_folder import read_results
from alignkit.tables import Embeddings


@pytest.fixture(scope="module")
def dataset():
    return load_dataset("sample", languages=("de", "en", "th"))


@pytest.fixture(scope="module")
def sides(dataset):
    rng = np.random.default_rng(0)
    return [
        Embeddings(texts, rng.normal(size=(len(texts), 8)).astype(np.float32))
        for texts in (dataset.queries, dataset.passages)
    ]


def test_hits_are_the_passages_with_the_highest_cosines(dataset, sides):
    hits = hits_table(dataset, {"a": measure(dataset, *sides).ranks})
    units = [
        one.vectors.astype(float) / np.linalg.norm(one.vectors.astype(float), axis=1, keepdims=True)
        for one in sides
    ]
    row = 7
    order = np.argsort(-(units[0][row] @ units[1].T))[:DEPTH]
    own = hits[hits["query"] == dataset.queries.frame["id"][row]]
    assert own["passage"].tolist() == dataset.passages.frame["id"].iloc[order].tolist()
    assert own["position"].tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(own["score"], units[0][row] @ units[1][order].T, rtol=1e-5)


def test_passages_that_nobody_finds_or_seeks_are_left_out(dataset, sides):
    hits = hits_table(dataset, {"a": measure(dataset, *sides).ranks})
    few = hits[hits["query"] == dataset.queries.frame["id"][0]]
    kept = texts_table(dataset, few)
    passages = set(kept[kept["role"] == "passage"]["id"])
    assert passages == {*few["passage"], *dataset.qrels["passage_id"]}
    assert set(kept[kept["role"] == "query"]["id"]) == set(dataset.queries.frame["id"])


def test_a_stored_run_is_drawn_again_for_another_reader(dataset, sides, tmp_path, cache):
    del cache
    texts = [one.texts.frame for one in sides]
    ids = np.concatenate([one["id"].to_numpy(str) for one in texts])
    vectors = tmp_path / "vectors.npz"
    roles = np.repeat(["query", "passage"], [len(one) for one in texts])
    embeddings = np.concatenate([one.vectors for one in sides])
    np.savez(vectors, ids=ids, embeddings=embeddings, roles=roles)
    settings = RunSettings(languages=("de", "en", "th"), bootstrap=20, umap=False)
    compare([f"a={vectors}"], data=["sample"], out=tmp_path / "run", formats=("svg",),
            settings=settings)  # fmt: skip
    before = read_results(tmp_path / "run")
    assert before.reader_language == "en"
    redraw(tmp_path / "run", formats=("svg",), reader_language="deu")
    after = read_results(tmp_path / "run")
    assert after.reader_language == "de"
    assert after.hits.astype(str).equals(before.hits.astype(str))
    assert len(after.hits) == DEPTH * len(dataset.queries)
    assert (tmp_path / "run" / "report.html").stat().st_size > 700_000
    (tmp_path / "run" / "hits.parquet").unlink()  # as an older alignkit left it
    (tmp_path / "run" / "texts.parquet").unlink()
    redraw(tmp_path / "run", formats=("svg",))
    assert not len(read_results(tmp_path / "run").hits)

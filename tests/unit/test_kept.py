"""What is kept between runs is what was found, and never of anything else."""

import numpy as np
import pytest
from made import fully_parallel, random_embeddings

import alignkit.measures
import alignkit.ranks
from alignkit import kept_results
from alignkit.comparison import tabulate
from alignkit.figures import kept
from alignkit.measures import measure
from alignkit.tables import Embeddings


@pytest.fixture
def case():
    dataset = fully_parallel(["de", "en", "th"], 15, 4)
    return dataset, *random_embeddings(np.random.default_rng(0), dataset)


def table(measures):
    return tabulate({"a": measures}, "a", n_resamples=20)[0]


@pytest.mark.usefixtures("cache")
def test_kept_results_give_the_same_tables_without_ranking_or_comparing_vectors(case, monkeypatch):
    first = measure(*case, keep=True)

    def fail(*_, **__):
        raise AssertionError("worked out again")

    monkeypatch.setattr(alignkit.ranks, "rank_cells", fail)
    monkeypatch.setattr(alignkit.ranks, "rank_translations", fail)
    monkeypatch.setattr(alignkit.measures, "parallel_vectors", fail)
    monkeypatch.setattr(alignkit.measures, "rankings", fail)
    again = measure(*case, keep=True)

    assert table(again).equals(table(first))


@pytest.mark.usefixtures("cache")
def test_another_vector_is_ranked_anew(case):
    dataset, queries, passages = case
    measure(dataset, queries, passages, keep=True)
    vectors = queries.vectors.copy()
    vectors[0] = -vectors[0]

    other = measure(dataset, Embeddings(queries.texts, vectors), passages, keep=True)

    plain = measure(dataset, Embeddings(queries.texts, vectors), passages)
    assert table(other).equals(table(plain))
    assert not table(other).equals(table(measure(dataset, queries, passages)))


@pytest.mark.usefixtures("cache")
def test_a_damaged_file_of_ranks_is_ranked_anew(case):
    first = measure(*case, keep=True)
    for path in kept_results.folder().iterdir():
        path.write_bytes(path.read_bytes()[:-100])

    assert table(measure(*case, keep=True)).equals(table(first))


def test_an_unwritable_cache_only_costs_time(case, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ALIGNKIT_CACHE", str(tmp_path / "file"))

    assert len(table(measure(*case, keep=True)))


@pytest.mark.usefixtures("cache")
def test_what_is_kept_is_counted_and_forgotten(case, tmp_path):
    measure(*case, keep=True)
    (tmp_path / "figure.svg").write_text("<svg/>")
    kept.keep("key", tmp_path, [{"files": {"svg": "figure.svg"}}])

    for store in (kept_results, kept):
        assert store.size() > 0
        assert store.forget(older_than_days=1) == 0
        assert store.forget(older_than_days=0) > 0
        assert store.size() == 0


@pytest.mark.usefixtures("cache")
def test_kept_figures_are_copied_and_missing_ones_are_none(tmp_path):
    drawn, copy = tmp_path / "drawn", tmp_path / "copy"
    drawn.mkdir()
    copy.mkdir()
    (drawn / "figure.svg").write_text("<svg/>")
    described = [{"name": "figure", "files": {"svg": "figure.svg"}}]
    kept.keep("key", drawn, described)

    assert kept.take("key", copy) == described
    assert (copy / "figure.svg").read_text() == "<svg/>"
    assert kept.take("other", copy) is None
    (kept.folder() / "key" / "figure.svg").unlink()
    assert kept.take("key", copy) is None

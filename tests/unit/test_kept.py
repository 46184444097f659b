"""What is kept between runs is what was found, and never of anything else."""

import os
import time

import numpy as np
import pandas as pd
import pytest
from made import fully_parallel, random_embeddings

import alignkit.measures
import alignkit.ranks
from alignkit import kept
from alignkit.comparison import tabulate
from alignkit.figures import kept as kept_figures
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
    for path in kept.folder().glob("ranks/*"):
        path.write_bytes(path.read_bytes()[:-100])

    assert table(measure(*case, keep=True)).equals(table(first))


def test_an_unwritable_cache_only_costs_time(case, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ALIGNKIT_CACHE", str(tmp_path / "file"))

    assert len(table(measure(*case, keep=True)))


@pytest.mark.usefixtures("cache")
def test_what_is_kept_is_counted_and_forgotten_when_it_was_not_used_for_long(case):
    measure(*case, keep=True)
    kept.keep("figures", "key", {"figure.svg": np.zeros(9, np.uint8)})

    sizes = kept.sizes()
    assert set(sizes) == {"ranks", "measures", "figures"}
    assert kept.prune(older_than_days=1) == 0
    for path in kept.folder().glob("*/*"):
        os.utime(path, (time.time() - 2 * 86_400,) * 2)
    kept.take("figures", "key")
    assert kept.prune(older_than_days=1) == sizes["ranks"] + sizes["measures"]
    assert kept.sizes() == {"figures": sizes["figures"]}
    assert kept.prune(older_than_days=0) == sizes["figures"]
    assert kept.sizes() == {}


@pytest.mark.usefixtures("cache")
def test_no_byte_can_change_unnoticed():
    kept.keep("stage", "key", {"a": np.arange(7), "b": np.zeros(0)})
    assert kept.verify() == []
    (path,) = kept.folder().glob("*/*")
    content = path.read_bytes()
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        path.write_bytes(changed)

        assert kept.take("stage", "key") is None
        assert kept.verify() == [path]


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"a": ["x", None, "ü"], "b": [1.5, np.nan, -0.0], "n": [1, 2, 3]}),
        pd.DataFrame({"c": pd.Categorical.from_codes([1, 0, 1], ["b", "a"])}),
        pd.DataFrame(columns=["a", "b"]),
        pd.DataFrame({"f": np.zeros(2, np.float32)}, index=[4, 7]),
    ],
)
def test_a_table_comes_back_as_it_was(table):
    kept.keep("stage", "key", {"table": kept.pack_table(table)})

    pd.testing.assert_frame_equal(kept.unpack_table(kept.take("stage", "key")["table"]), table)


def test_a_key_is_of_values_their_order_and_their_form(monkeypatch):
    one = np.arange(4.0)
    keys = [
        kept.key_of("a", one), kept.key_of(one, "a"), kept.key_of("b", one),
        kept.key_of("a", one.astype(np.float32)), kept.key_of("a", one.reshape(2, 2)),
        kept.key_of("a", -one), kept.key_of("a", None),
    ]  # fmt: skip
    monkeypatch.setattr(kept, "_code", lambda: b"other code")
    keys.append(kept.key_of("a", one))

    assert len(set(keys)) == len(keys)


def test_the_code_in_a_key_is_all_of_it_and_where_it_runs(monkeypatch, tmp_path):
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "one.py").write_text("1")
    monkeypatch.setattr(kept, "__file__", str(tmp_path / "kept.py"))
    before = kept._code.__wrapped__()
    (tmp_path / "metrics" / "one.py").write_text("2")
    changed = kept._code.__wrapped__()
    monkeypatch.setattr(kept, "environment", lambda: {"packages": {"numpy": "1"}})

    assert len({before, changed, kept._code.__wrapped__()}) == 3


@pytest.mark.usefixtures("cache")
def test_kept_figures_are_written_again_and_missing_ones_are_none(tmp_path):
    drawn, copy = tmp_path / "drawn", tmp_path / "copy"
    drawn.mkdir()
    copy.mkdir()
    (drawn / "figure.svg").write_text("<svg/>")
    described = [{"name": "figure", "files": {"svg": "figure.svg"}}]
    kept_figures.keep("key", drawn, described)

    assert kept_figures.take("key", copy) == described
    assert (copy / "figure.svg").read_text() == "<svg/>"
    assert kept_figures.take("other", copy) is None

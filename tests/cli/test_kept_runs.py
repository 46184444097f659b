"""A comparison that is asked again is taken from the cache, and is the same to the bit."""

import json
from dataclasses import replace

import numpy as np
import pytest

from alignkit import compare, dataset_results, kept
from alignkit.metrics import METRICS
from alignkit.run import RunSettings

QUICK = RunSettings(bootstrap=20, umap=False)


@pytest.fixture
def pair(vectors):
    return [vectors("a.npz"), vectors("b.npz", seed=1)]


@pytest.fixture
def measured(monkeypatch):
    """Checkpoints that were measured, as often as they were."""
    found = []
    measure = dataset_results.measure

    def note(*arguments, **options):
        found.append(arguments[0].name)
        return measure(*arguments, **options)

    monkeypatch.setattr(dataset_results, "measure", note)
    return found


def files_of(folder):
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    del found["report.html"]  # it has the command and the time in it
    for name in ("results.json", "provenance.json"):
        content = json.loads(found[name])
        run = content.get("provenance", content)
        assert run.pop("command")
        assert run.pop("created")
        found[name] = json.dumps(content)  # in its order, and NaN would differ from itself
    return found


def test_a_run_asked_again_has_the_same_files_and_measures_nothing(
    alignkit, pair, data, here, measured, monkeypatch
):
    options = ("--data", data, "--bootstrap", "20", "--format", "svg", "--quiet", "--out")
    assert alignkit("compare", *pair, *options, "first")[0] == 0
    assert alignkit("compare", *pair, *options, "again")[0] == 0
    assert len(measured) == 2
    monkeypatch.setenv("ALIGNKIT_CACHE", str(here / "another"))
    assert alignkit("compare", *pair, *options, "fresh")[0] == 0
    assert len(measured) == 4

    first, again, fresh = (files_of(here / name) for name in ("first", "again", "fresh"))
    assert first == again == fresh
    assert {"metrics.csv", "comparisons.csv", "per_query.parquet", "projection.parquet"} <= {*first}
    assert alignkit("cache", "verify")[1] == "every file is whole\n"
    assert "  results: " in alignkit("cache", "info")[1]


@pytest.mark.parametrize(
    "other",
    [
        {"settings": RunSettings(bootstrap=21, umap=False)},
        {"settings": RunSettings(bootstrap=20, umap=False, seed=1)},
        {"settings": RunSettings(bootstrap=20, umap=False, interval="bca")},
        {"settings": RunSettings(bootstrap=20, umap=False, trec=True)},
        {"settings": RunSettings(bootstrap=20, umap=False, languages=("de", "en"))},
        {"settings": RunSettings(bootstrap=20, umap=False, group_by=("script",))},
        {"settings": QUICK, "baseline": "b"},
    ],
)
def test_another_question_is_measured(other, pair, data, measured):
    compare(pair, data=[data], settings=QUICK)
    compare(pair, data=[data], **other)
    assert len(measured) == 4


def test_other_vectors_texts_labels_and_code_are_measured(
    pair, data, vectors, here, measured, monkeypatch
):
    def run(*checkpoints):
        measured.clear()
        results = compare(checkpoints, data=[data], settings=QUICK)
        return len(measured), results

    assert run(*pair)[0] == 2
    assert run(*pair)[0] == 0
    assert run("x=a.npz", "b.npz")[0] == 2
    assert run(*reversed(pair))[0] == 2

    vectors("b.npz", seed=2)
    n, other = run(*pair)
    assert n == 2
    monkeypatch.setenv("ALIGNKIT_CACHE", str(here / "another"))
    assert run(*pair)[1].metrics.equals(other.metrics)

    small = here / "small.jsonl"
    small.write_text(small.read_text().replace("what is 3?", "what is three?"))
    assert run(*pair)[0] == 2
    monkeypatch.setattr(kept, "_code", lambda: b"other code")
    assert run(*pair)[0] == 2
    assert run(*pair)[0] == 0


def test_a_damaged_copy_is_measured_anew(pair, data, measured):
    first = compare(pair, data=[data], settings=QUICK)
    (path,) = kept.folder().glob("results/*")
    path.write_bytes(path.read_bytes()[:1000])

    again = compare(pair, data=[data], settings=QUICK)

    assert len(measured) == 4
    assert again.metrics.equals(first.metrics)
    assert again.comparisons.equals(first.comparisons)


def test_a_metric_of_the_users_own_is_computed_every_time(pair, data, measured, monkeypatch):
    card = METRICS.get("mrr")

    def own(ranks):
        """Mine."""
        return card.function(ranks)

    monkeypatch.setitem(METRICS._entries, "mrr", replace(card, function=own))
    for _ in range(2):
        compare(pair, data=[data], settings=QUICK)

    assert len(measured) == 4
    assert set(kept.sizes()) == {"ranks"}


def test_tables_that_were_kept_have_the_types_of_fresh_ones(pair, data):
    first, again = (compare(pair, data=[data], settings=QUICK) for _ in range(2))

    for name in ("metrics", "comparisons", "per_query", "projection", "variants"):
        one, other = getattr(first, name), getattr(again, name)
        assert one.dtypes.to_dict() == other.dtypes.to_dict()
        assert one.equals(other)
    assert first.files == again.files
    for one, other in zip(first.matrices, again.matrices, strict=True):
        assert (one.checkpoint, one.dataset, one.name, one.languages) == (
            other.checkpoint, other.dataset, other.name, other.languages
        )  # fmt: skip
        np.testing.assert_array_equal(one.values, other.values)

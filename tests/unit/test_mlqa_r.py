"""MLQA-R's shape on small made files: ids in some languages only, and downloads by count."""

from dataclasses import replace
from itertools import product

import pytest

from alignkit.datasets import download, load_dataset, mlqa_r
from alignkit.datasets.lareqa import Counts
from alignkit.errors import AlignkitError

# Which question ids exist in which language; q3 is in one language of these three only.
IDS = {"de": ["q0", "q1"], "en": ["q0", "q1", "q2", "q3"], "zh": ["q2", "q1"]}


@pytest.fixture
def folder(tmp_path, write_lareqa):
    for language, ids in IDS.items():
        paragraphs = [
            (
                [f"{language} first.", f"{language} answer to {own_id}."],
                {own_id: (f"{language} {own_id}?", f"answer to {own_id}")},
            )
            for own_id in ids
        ]
        write_lareqa(tmp_path / "mlqa-r", language, paragraphs)
    return tmp_path / "mlqa-r"


@pytest.fixture
def dataset(folder):
    return load_dataset(f"mlqa-r:{folder}", languages=list(IDS))


def pairs(task):
    queries, passages = task.queries.frame["id"], task.passages.frame["id"]
    return {
        (queries[q], passages[p])
        for q, p in zip(task.qrels.queries, task.qrels.passages, strict=True)
    }


def test_every_language_that_has_the_question_has_a_relevant_answer(dataset):
    expected = {
        (f"{asked}:{own_id}", f"{answered}:{IDS[answered].index(own_id)}-0-1")
        for asked, answered in product(IDS, repeat=2)
        for own_id in set(IDS[asked]) & set(IDS[answered])
    }
    task = dataset.answer_retrieval()
    assert pairs(task) == expected
    assert len(task.qrels) == len(expected) == 8 + 2 * 5


def test_a_query_aligns_with_those_translations_that_exist(dataset):
    expected = {
        (f"{a}:{own_id}", f"{b}:{own_id}")
        for a, b in product(IDS, repeat=2)
        for own_id in set(IDS[a]) & set(IDS[b])
        if a != b
    }
    task = dataset.question_alignment()
    assert pairs(task) == expected
    assert len(task.qrels) == len(expected) == 10


@pytest.fixture
def mirror(folder, monkeypatch):
    """Counts of the made files as published ones, and a download that copies from their folder."""
    counts = {"de": Counts(2, 4), "en": Counts(4, 8)}
    monkeypatch.setattr(mlqa_r, "RELEASE", replace(mlqa_r.RELEASE, counts=counts))
    asked = []

    def copy(url, destination, **options):
        assert options["sha256"] is None
        asked.append(url.rsplit("lareqa/", 1)[1])
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_bytes((folder / destination.name).read_bytes())

    monkeypatch.setattr(download, "fetch", copy)
    return asked


def test_a_download_is_kept_with_its_checksum_and_not_repeated(mirror, cache, folder):
    first = load_dataset("mlqa-r", languages=["de", "en"])
    second = load_dataset("mlqa-r", languages=["de", "en"])
    assert first.checksum == second.checksum
    assert first.notes == second.notes == (
        "passages that repeat another's text, so that scores are equal: 4",
    )  # fmt: skip
    commit = "354d67d1cd066854cdfbf5ad0e6105528976141d"
    assert mirror == [f"{commit}/mlqa-r/de.json", f"{commit}/mlqa-r/en.json"]
    kept = (cache / "datasets" / "mlqa-r" / "de.json.sha256").read_text()
    assert kept == f"{download.sha256_of(folder / 'de.json')}  de.json\n"


@pytest.mark.usefixtures("mirror")
@pytest.mark.parametrize(
    ("paragraphs", "counts"),
    [
        ([(["A."] * 4, {"q0": ("?", "A")})], "1 questions and 4 candidates"),
        ([(["A."] * 5, {"q0": ("?", "A"), "q1": ("?", "A")})], "2 questions and 5 candidates"),
    ],
)
def test_a_download_of_another_size_is_not_kept(cache, folder, write_lareqa, paragraphs, counts):
    write_lareqa(folder, "de", paragraphs)
    file = cache / "datasets" / "mlqa-r" / "de.json"
    with pytest.raises(AlignkitError) as error:
        load_dataset("mlqa-r", languages=["de"])
    assert str(error.value) == (
        f"{file} is not the published file: it has {counts}, published were 2 questions and 4 "
        "candidates; download it again, or check the mirror"
    )
    assert list(file.parent.iterdir()) == []


@pytest.mark.usefixtures("mirror")
def test_a_download_in_another_layout_is_not_kept(cache, folder):
    (folder / "de.json").write_text("<html>", "utf-8")
    with pytest.raises(AlignkitError, match="line 1, column 1: broken JSON"):
        load_dataset("mlqa-r", languages=["de"])
    assert list((cache / "datasets" / "mlqa-r").iterdir()) == []


@pytest.mark.usefixtures("mirror")
def test_a_kept_file_that_changed_is_refused(cache):
    load_dataset("mlqa-r", languages=["de"])
    file = cache / "datasets" / "mlqa-r" / "de.json"
    file.write_text(file.read_text() + "\n")
    with pytest.raises(AlignkitError) as error:
        load_dataset("mlqa-r", languages=["de"])
    assert str(error.value) == (
        f"{file} changed since it was downloaded; delete it, and it is downloaded again"
    )
    file.unlink()
    assert len(load_dataset("mlqa-r", languages=["de"]).queries) == 2

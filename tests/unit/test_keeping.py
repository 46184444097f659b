"""A dataset that was read is kept until its files, the request or the code change."""

import pandas as pd
import pytest

from alignkit import kept
from alignkit.datasets import load_dataset, published

PARAGRAPHS = [
    (["The Nile is long.", "It floods."], {"q1": ("How is it?", "long")}),
    (["Bees dance.", "Bears don't."], {"q2": ("Who dances?", "Bees")}),
]


@pytest.fixture
def folder(tmp_path, write_lareqa):
    for language in ("de", "en"):
        write_lareqa(tmp_path / "data", language, PARAGRAPHS)
    return tmp_path / "data"


@pytest.fixture
def reads(monkeypatch):
    """Files that were parsed."""
    found = []
    read = published.read_language

    def note(path, *arguments, **options):
        found.append(path.name)
        return read(path, *arguments, **options)

    monkeypatch.setattr(published, "read_language", note)
    return found


def load(folder, **options):
    return load_dataset(f"xquad-r:{folder}", languages=["de", "en"], **options)


@pytest.mark.usefixtures("cache")
def test_a_dataset_read_before_is_the_same_and_not_parsed(folder, reads, tmp_path):
    first = load(folder)
    folder = folder.rename(tmp_path / "elsewhere")
    again = load(folder)

    assert reads == ["de.json", "en.json"]
    assert (again.card, again.checksum, again.notes) == (first.card, first.checksum, first.notes)
    assert len(first.notes) == 3  # they are no published files
    for one, other in (
        (again.queries.frame, first.queries.frame), (again.passages.frame, first.passages.frame),
        (again.qrels, first.qrels), (again.negatives, first.negatives),
    ):  # fmt: skip
        pd.testing.assert_frame_equal(one, other)


@pytest.mark.usefixtures("cache")
def test_what_changed_is_read_anew(folder, reads, write_lareqa, monkeypatch):
    first = load(folder)
    write_lareqa(folder, "en", [(["Bears dance.", "Bees don't."], {"q2": ("Who?", "Bears")})])
    other = load(folder)
    load(folder, candidate="sentence+context")
    load(folder, split="articles:0")
    assert len(reads) == 8
    assert "Who?" in set(other.queries.frame["text"])
    assert "Who?" not in set(first.queries.frame["text"])

    monkeypatch.setattr(kept, "_code", lambda: b"other code")
    load(folder)
    assert len(reads) == 10


@pytest.mark.usefixtures("cache")
def test_a_damaged_copy_is_read_anew_and_mended(folder, reads):
    first = load(folder)
    (path,) = kept.folder().glob("datasets/*")
    path.write_bytes(path.read_bytes()[:-1])

    assert load(folder).checksum == first.checksum
    assert load(folder).checksum == first.checksum
    assert len(reads) == 4

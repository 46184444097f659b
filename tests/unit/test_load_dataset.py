"""What `load_dataset` makes of a name, a path, languages and a split."""

import errno
import os
from pathlib import Path

import pytest

import alignkit
from alignkit.datasets import DATASETS, load_dataset, sources_of, splits_of
from alignkit.errors import AlignkitError


@pytest.fixture
def two_languages(tmp_path, write_lareqa):
    folder = tmp_path / "copy: of mine"
    for language in ("en", "de"):
        write_lareqa(folder, language, [(["One.", "Two."], {"q": ("Which?", "Two")})])
    return folder


def test_a_path_may_have_blanks_and_colons(two_languages):
    dataset = load_dataset(f"xquad-r:{two_languages}", languages=["en", "de"])
    assert dataset.queries.languages == ["de", "en"]


def test_languages_are_taken_in_any_form_and_once(two_languages):
    dataset = alignkit.load_dataset(f"xquad-r:{two_languages}", languages=["eng_Latn", "en"])
    assert dataset.queries.frame["id"].tolist() == ["en:q"]


def test_a_comma_separated_text_of_languages_is_understood(two_languages):
    dataset = load_dataset(f"xquad-r:{two_languages}", languages="de,en")
    assert dataset.queries.languages == ["de", "en"]


@pytest.mark.parametrize(
    ("spec", "options", "text"),
    [
        ("xquadr", {}, "no dataset is called 'xquadr'. Did you mean 'xquad-r'?"),
        (
            "C:\\me\\mine.csv",
            {},
            r"'C:\\me\\mine.csv' is a path, not a dataset; write 'files:C:\me\mine.csv' or "
            "NAME:PATH",
        ),
        (
            "mine.csv",
            {},
            "'mine.csv' is a path, not a dataset; write 'files:mine.csv' or NAME:PATH",
        ),
        ("xquad-r:", {}, "no path stands after the colon in 'xquad-r:'; write NAME or NAME:PATH"),
        (
            "xquad-r:/no/such",
            {},
            "'xquad-r:/no/such': there is no file or folder '/no/such'; check the path",
        ),
        (
            "mlqa-r",
            {"languages": ["en", "th", "fr"]},
            "the dataset 'mlqa-r' has no 'fr', 'th'; it has 'ar', 'de', 'en', 'es', 'hi', 'vi', "
            "'zh'",
        ),
        (
            "xquad-r",
            {"languages": []},
            "no language is left to load; name at least one, such as 'en'",
        ),
        (
            "xquad-r",
            {"languages": ["germn"]},
            "'germn' is no language code. Did you mean 'de' (German)?",
        ),
        (
            "xquad-r",
            {"split": "train"},
            "the dataset 'xquad-r' has no split 'train'; it has 'test', and parts of it by "
            "article, such as 'articles:0-31'",
        ),
        (
            "xquad-r",
            {"candidate": "context"},
            "no candidate is called 'context'; write 'sentence' or 'sentence+context'",
        ),
        (
            "sample",
            {"candidate": "sentence+context"},
            "the passages of 'sample' have no context; leave the candidate at 'sentence'",
        ),
        ("sample:/", {}, "the dataset 'sample' is bundled and takes no path; write 'sample'"),
        ("files", {}, "'files' needs a file of yours; write files:PATH"),
    ],
)
def test_a_request_that_cannot_be_met_says_how_to_mend_it(spec, options, text):
    with pytest.raises(AlignkitError) as error:
        load_dataset(spec, **options)
    assert str(error.value) == text


def test_a_folder_without_a_language_says_where_to_get_it(two_languages):
    with pytest.raises(AlignkitError) as error:
        load_dataset(f"xquad-r:{two_languages}", languages=["de", "th"])
    assert str(error.value) == (
        f"{two_languages} has no th.json; put it there from https://raw.githubusercontent.com/"
        "google-research-datasets/lareqa/5405d2a77e83d5ccb47623a3f9e5604c3f103193/xquad-r/th.json, "
        "or take only what is there: --languages de,en"
    )


def test_a_file_where_a_folder_belongs_is_refused(two_languages):
    file = two_languages / "en.json"
    with pytest.raises(AlignkitError) as error:
        load_dataset(f"xquad-r:{file}")
    assert str(error.value) == f"{file} is a file; give the folder that holds ar.json"


def test_a_name_that_is_too_long_for_the_file_system_is_one_line():
    name = "a" * 300
    for read in (load_dataset, sources_of, splits_of):
        with pytest.raises(AlignkitError) as error:
            read(f"files:{name}")
        assert str(error.value) == (
            f"'files:{name}': '{name}' cannot be reached: File name too long; check the path and "
            "its permissions"
        )


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("method", ["exists", "is_file", "open"])
def test_a_folder_or_file_that_is_closed_to_us_is_one_line(two_languages, monkeypatch, method):
    # By hand, since root may read all files.
    file = two_languages / "en.json"
    real = getattr(Path, method)

    def closed(path, *arguments, **options):
        if two_languages in (path, path.parent):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, method, closed)
    spec = f"xquad-r:{two_languages}"
    for read in (load_dataset, lambda *asked, **more: next(sources_of(*asked, **more))):
        with pytest.raises(AlignkitError) as error:
            read(spec, languages=["en"])
        assert str(error.value) == (
            f"{spec!r}: {str(file)!r} cannot be reached: Permission denied; check the path and its "
            "permissions"
        )


def test_every_card_says_what_a_user_wants_to_know():
    for found in DATASETS.values():
        assert found.card.licence
        assert found.card.source
        assert found.card.description
        assert list(found.card.languages) == sorted(found.card.languages)

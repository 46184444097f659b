"""Datasets that LAReQA publishes, a file a language: found, fetched, verified, read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alignkit.datasets import Request, choose_languages
from alignkit.datasets.assemble import Answer, TextRow, assemble
from alignkit.datasets.download import address, keep, sha256_of
from alignkit.datasets.keeping import kept_or_read
from alignkit.datasets.lareqa import Counts, LanguageRows, read_language
from alignkit.errors import AlignkitError
from alignkit.tables import Dataset, DatasetCard

ARTICLES = "articles"  # before the colon of a split


@dataclass(frozen=True)
class Release:
    """How to find and to know the published files of a dataset.

    `folder` is the address above the dataset's own folder. Where `sha256` is unknown, a download
    is verified by its `counts`, and the checksum seen then is kept beside it for later.
    """

    card: DatasetCard
    folder: str
    counts: Mapping[str, Counts]
    sha256: Mapping[str, str]

    def file(self, language: str) -> str:
        """Path of a language's file below `folder`."""
        return f"{self.card.name}/{language}.json"


def load_release(release: Release, path: Path | None, request: Request) -> Dataset:
    """Read the languages wanted from the user's own folder, else from the cache, else download.

    A copy of the user's own may differ from the published files: that is noted, not refused. The
    split `articles:0-31` is a part of the articles, counted from 0 in the files, which must have
    them all.
    """
    articles = _articles(release, request.split)
    languages = choose_languages(release.card.name, release.card.languages, request)
    if path is None:
        files = {language: _cached(release, language, request) for language in languages}
    else:
        files = {language: _own(release, path, language) for language in languages}
    # Names are in the notes, and a file's name is its language.
    words = [release.counts, dict(release.sha256), request.candidate, request.split]
    return kept_or_read(
        release.card, files, words, lambda: _read(release, files, articles, request)
    )


def _read(
    release: Release, files: Mapping[str, Path], articles: list[range] | None, request: Request
) -> Dataset:
    queries: list[TextRow] = []
    passages: list[TextRow] = []
    answers: list[Answer] = []
    notes: list[str] = []
    for language, file in files.items():
        with_context = request.candidate == "sentence+context"
        rows = read_language(file, language, with_context=with_context, articles=articles)
        queries += rows.queries
        passages += rows.passages
        answers += rows.answers
        if articles is None:
            notes += _oddities(release, language, file, rows)
    return assemble(release.card, queries, passages, answers, notes=notes)


def _articles(release: Release, split: str) -> list[range] | None:
    """Read `articles:0-31,40` as the ranges it names, none empty, and `test` as None: all."""
    if split == "test":
        return None
    name, _, spans = split.partition(":")
    parts = [re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip()) for part in spans.split(",")]
    if name != ARTICLES or not all(parts):
        raise AlignkitError(
            f"the dataset {release.card.name!r} has no split {split!r}; it has 'test', and "
            f"parts of it by article, such as '{ARTICLES}:0-31'"
        )
    ranges = [range(int(part[1]), int(part[2] or part[1]) + 1) for part in parts if part]
    if not all(ranges):
        raise AlignkitError(
            f"a range of articles in {split!r} ends before it begins; turn it round"
        )
    return ranges


def _own(release: Release, folder: Path, language: str) -> Path:
    if not folder.is_dir():
        raise AlignkitError(f"{folder} is a file; give the folder that holds {language}.json")
    file = folder / f"{language}.json"
    if file.is_file():
        return file
    there = [known for known in release.card.languages if (folder / f"{known}.json").is_file()]
    mend = f", or take only what is there: --languages {','.join(there)}" if there else ""
    raise AlignkitError(
        f"{folder} has no {file.name}; put it there from {release.folder}/{release.file(language)}"
        f"{mend}"
    )


def _cached(release: Release, language: str, request: Request) -> Path:
    file = request.cache_folder / "datasets" / release.file(language)
    keep(
        address(release.folder, release.file(language)),
        file,
        sha256=release.sha256.get(language),
        check=lambda fresh: _check_counts(release, language, fresh),
        offline=request.offline,
        reporter=request.reporter,
    )
    return file


def _check_counts(release: Release, language: str, file: Path) -> None:
    """Refuse a download that is not the published file."""
    found = read_language(file, language, with_context=False).counts
    if found != release.counts[language]:
        raise AlignkitError(
            f"{file} is not the published file: it has {found}, published were "
            f"{release.counts[language]}; download it again, or check the mirror"
        )


def _oddities(release: Release, language: str, file: Path, rows: LanguageRows) -> list[str]:
    notes: list[str] = []
    published = release.counts[language]
    if rows.counts != published:
        notes.append(f"{file.name} has {rows.counts}, published were {published}")
    elif sha256_of(file) != release.sha256.get(language, sha256_of(file)):
        notes.append(f"{file.name} is not the published file: its sha256 is another")
    for what, n in (
        ("answers that start between two sentences, counted to the second", rows.between_sentences),
        ("answers that do not stand at their answer_start", rows.misplaced),
    ):
        if n:
            notes.append(f"{file.name}: {what}: {n}")
    return notes

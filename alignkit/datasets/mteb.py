"""Data sets of MTEB that lie on disk: retrieval in BEIR's layout, or sentence pairs."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from alignkit.datasets import Request, choose_languages, dataset
from alignkit.datasets.assemble import Answer, TextRow, assemble
from alignkit.datasets.packed import SUFFIXES, read_rows, text_of
from alignkit.datasets.placed import PlacedText, Source
from alignkit.datasets.reading import check_columns
from alignkit.datasets.sentence_pairs import pair_files, read_pairs, split_of
from alignkit.errors import AlignkitError
from alignkit.languages import normalise
from alignkit.tables import Dataset, DatasetCard

CARD = DatasetCard(
    name="mteb",
    title="An MTEB data set of yours",
    languages=(),
    licence="that of the data",
    source="a folder or file given as mteb:PATH",
    description=(
        "Retrieval: `corpus`, `queries` and `qrels` as JSON lines (also .gz), Parquet or TSV, each "
        "a file or a folder of files, as BEIR and MTEB have them, with the fields _id, title, text "
        "and query-id, corpus-id, score; for several languages, a folder for each, or the folders "
        "{language}-corpus, -queries, -qrels. A folder of qrels has files named after splits; a "
        "file serves any split. Passages are title, a blank and text. Queries are "
        "not taken for translations of each other. Bitext: rows of sentence1 and sentence2, with "
        "lang (de-en) or in files named after it; for question-alignment. Where neither names nor "
        "rows say a language, --languages does."
    ),
)


class _Part(NamedTuple):
    """One language's retrieval data."""

    language: str
    corpus: list[Path]
    queries: list[Path]
    qrels: list[Path]


def _sources(path: Path | None, request: Request) -> Iterator[Source]:
    path = _given(path)
    parts = _parts(path, request)
    for part in parts:
        for file in part.queries:
            yield Source(file, _placed(file, "query", part.language))
        for file in part.corpus:
            yield Source(file, _placed(file, "passage", part.language))
    if not parts:
        numbers = Counter[str]()
        for file in pair_files(path, request):
            yield Source(
                file,
                (
                    PlacedText("query", language, pair.own_id, pair.own_id, text, pair.line)
                    for pair in read_pairs(file, request, numbers)
                    if set(request.languages or pair.languages).issuperset(pair.languages)
                    for language, text in zip(pair.languages, pair.texts, strict=True)
                ),
            )


def _placed(file: Path, noun: Literal["query", "passage"], language: str) -> Iterator[PlacedText]:
    for line, own_id, text in _texts(file):
        yield PlacedText(noun, language, own_id, "", text, line)


@dataset(CARD, further_splits="dev", sources=_sources)
def load(path: Path | None, request: Request) -> Dataset:
    """Read retrieval data where there is a corpus, else sentence pairs; called after its folder."""
    path = _given(path)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", path.name.partition(".")[0]).strip("-.") or CARD.name
    card = replace(CARD, name=name, title=path.name, source=path.name)
    parts = _parts(path, request)
    return _retrieval(card, parts) if parts else _bitext(card, path, request)


def _given(path: Path | None) -> Path:
    if path is None:
        raise AlignkitError("'mteb' needs data on disk; write mteb:PATH")
    return path


def _retrieval(card: DatasetCard, parts: list[_Part]) -> Dataset:
    queries = [
        TextRow(part.language, own_id, text)
        for part in parts
        for file in part.queries
        for _, own_id, text in _texts(file)
    ]
    asked = {(row.language, row.own_id) for row in queries}
    judged = [one for part in parts for file in part.qrels for one in _judged(file, part.language)]
    # One file of queries serves all splits: those of this split are the judged ones.
    named = {(one.language, one.query_id) for one in judged}
    passages = (
        TextRow(part.language, own_id, text)
        for part in parts
        for file in part.corpus
        for _, own_id, text in _texts(file)
    )
    left = len(asked - named)
    return assemble(
        replace(card, languages=tuple(part.language for part in parts)),
        [row for row in queries if (row.language, row.own_id) in named],
        passages,
        [one for one in judged if one.relevance],
        negatives=[one for one in judged if not one.relevance],
        parallel=False,
        unfindable=True,
        notes=[f"queries without a judgement in this split, left out: {left}"] if left else [],
    )


def _parts(path: Path, request: Request) -> list[_Part]:
    """Find the languages that have a corpus; none where the data are sentence pairs."""
    if not path.is_dir():
        return []
    found: dict[str, tuple[Path, str]] = {}
    if _tables(path, "corpus"):
        found[_said(path, request)] = path, ""
    for folder in sorted(one for one in path.iterdir() if one.is_dir()):
        prefix = folder.name.removesuffix("corpus") if folder.name.endswith("-corpus") else None
        if prefix is not None:
            found[normalise(prefix.rstrip("-"))] = path, prefix
        elif _tables(folder, "corpus"):
            found[normalise(folder.name)] = folder, ""
    if not found:
        return []
    wanted = choose_languages(path.name, found, request)
    return [_part(language, *found[language], request) for language in wanted]


def _said(path: Path, request: Request) -> str:
    """Take the language of data that don't say theirs from the request."""
    if request.languages is None or len(request.languages) != 1:
        raise AlignkitError(
            f"{path} does not say its language; name it, as in --languages de, or put the files in "
            "a folder of that name"
        )
    return request.languages[0]


def _part(language: str, folder: Path, prefix: str, request: Request) -> _Part:
    tables = {name: _tables(folder, prefix + name) for name in ("corpus", "queries", "qrels")}
    judged = tables["qrels"] or _tables(folder, prefix + "data") or _tables(folder, request.split)
    # A single file names no split: it serves whichever is wanted, as one of queries does.
    named = [file for file in judged if not file.name.startswith(f"{prefix}qrels.")]
    of_split = [file for file in named if split_of(file) == request.split] if named else judged
    if not tables["queries"] or not of_split:
        missing = "queries" if not tables["queries"] else f"qrels of the split {request.split!r}"
        has = ", ".join(sorted({split_of(file) for file in named}))
        there = f"; it has {has}" if has and tables["queries"] else ""
        raise AlignkitError(
            f"{folder} has a corpus of {language!r}, but no {prefix}{missing}{there}; put them "
            "there, or choose another --split"
        )
    return _Part(language, tables["corpus"], tables["queries"], of_split)


def _tables(folder: Path, name: str) -> list[Path]:
    """Files of a table: `name` with a suffix that is read, or all such in a folder of that name."""
    files = [folder / f"{name}{suffix}" for suffix in SUFFIXES]
    files = [file for file in files if file.is_file()]
    inside = folder / name
    if inside.is_dir():
        files += sorted(file for file in inside.iterdir() if file.name.endswith(SUFFIXES))
    return files


def _texts(file: Path) -> Iterator[tuple[int, str, str]]:
    """Line, id and text of the rows of a corpus or of queries."""
    for line, row in read_rows(file):
        place = f"{file}, line {line}"
        own_id = _id(row, ("_id", "id"), place)
        text = text_of(row, "text", place)
        title = text_of(row, "title", place) if row.get("title") else ""
        yield line, own_id, f"{title} {text}".strip() if title else text


def _id(row: dict[str, Any], names: tuple[str, ...], place: str) -> str:
    for name in names:
        if isinstance(row.get(name), str | int):
            return str(row[name])
    raise AlignkitError(f"{place}: no {names[0]!r}; it has {', '.join(map(repr, row))}")


def _judged(file: Path, language: str) -> Iterator[Answer]:
    for line, row in read_rows(file):
        place = f"{file}, line {line}"
        check_columns(row, ["score"], place)  # without a grade, negatives would be answers
        score = row["score"]
        if not re.fullmatch(r"\d+(\.0+)?", str(score)):
            raise AlignkitError(f"{place}: score is {score!r}; write 0 or a higher whole number")
        query = _id(row, ("query-id", "query_id"), place)
        yield Answer(
            language, query, _id(row, ("corpus-id", "corpus_id"), place), int(float(score))
        )


def _bitext(card: DatasetCard, path: Path, request: Request) -> Dataset:
    numbers = Counter[str]()
    files = pair_files(path, request)
    pairs = [pair for file in files for pair in read_pairs(file, request, numbers)]
    present = sorted({language for pair in pairs for language in pair.languages})
    wanted = set(choose_languages(card.name, present, request))
    queries = [
        TextRow(language, pair.own_id, text)
        for pair in pairs
        if wanted.issuperset(pair.languages)
        for language, text in zip(pair.languages, pair.texts, strict=True)
    ]
    return assemble(replace(card, languages=tuple(present)), queries, [], [])

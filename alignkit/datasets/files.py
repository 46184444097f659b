"""The user's own queries and passages: `files:PATH` to .jsonl, .csv, .tsv or .parquet."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from alignkit.datasets import Request, choose_languages, dataset
from alignkit.datasets.assemble import Answer, TextRow, assemble
from alignkit.datasets.placed import PlacedText, Source
from alignkit.datasets.reading import check_columns, read_json_lines, read_parquet, read_separated
from alignkit.errors import AlignkitError
from alignkit.languages import normalise
from alignkit.tables import Dataset, DatasetCard

Noun = Literal["query", "passage"]
COLUMNS = ["query_id", "language", "query", "passage_id", "passage"]
FURTHER_COLUMNS = ["relevance", "split"]  # may be missing
SPLITS = ("train", "validation", "test")

Reader = Callable[[Path], Iterable[tuple[int, dict[str, Any]]]]
READERS: dict[str, Reader] = {
    ".csv": lambda path: read_separated(path, ","),
    ".jsonl": read_json_lines,
    ".parquet": read_parquet,
    ".tsv": lambda path: read_separated(path, "\t"),
}

CARD = DatasetCard(
    name="files",
    title="Your own file",
    languages=(),
    licence="yours",
    source="a .jsonl, .csv, .tsv or .parquet given as files:PATH",
    description=(
        f"Columns {', '.join(COLUMNS)}; one row a query and language. One query_id in several "
        "languages means parallel; several rows of a query, several passages that answer it. Leave "
        "passage and passage_id empty where there are only queries, query and query_id for "
        "passages that answer nothing. A column relevance may grade an answer, 0 for a passage "
        "that does not answer: a hard negative for training. A column split may say "
        f"{', '.join(SPLITS[:-1])} or {SPLITS[-1]}; empty, it means test."
    ),
)


@dataclass
class _Rows:
    """What the rows seen so far say; a class because it grows while the file is read.

    `lines` holds the text and line of every query and passage, to tell where another was.
    """

    place: Path
    lines: dict[tuple[str, str, str], tuple[str, int]] = field(
        default_factory=dict[tuple[str, str, str], tuple[str, int]]
    )
    seen: set[Answer] = field(default_factory=set[Answer])  # every row; an id may be ""
    splits: set[str] = field(default_factory=set[str])
    unused_columns: set[str] = field(default_factory=set[str])
    repeats: int = 0

    def notes(self) -> list[str]:
        """Tell the reader of a report what is odd in the file."""
        unused = ", ".join(sorted(self.unused_columns))
        return [
            *([f"columns not used: {unused}"] if unused else []),
            *([f"rows that repeat earlier ones: {self.repeats}"] if self.repeats else []),
        ]


def _splits_of(path: Path) -> set[str]:
    return {_split(row, f"{path}, line {line}") for line, row in _reader(path)(path)}


def _sources(path: Path | None, request: Request) -> Iterator[Source]:
    file = _given(path)
    rows = _reader(file)(file)  # a format that nobody reads is no fault of the data
    yield Source(file, _placed(file, rows, request))


def _placed(
    file: Path, rows: Iterable[tuple[int, dict[str, Any]]], request: Request
) -> Iterator[PlacedText]:
    """Texts of the split, in all languages; one that stands in several rows comes once."""
    seen: set[int] = set()  # hashes, since a million texts may be a GB
    for line, row in rows:
        place = f"{file}, line {line}"
        check_columns(row, COLUMNS, place)
        if _split(row, place) != request.split:
            continue
        text = {column: _text(row[column], column, place) for column in COLUMNS}
        language = _code(text["language"])
        nouns = [noun for noun in get_args(Noun) if text[f"{noun}_id"] or text[noun].strip()]
        for noun in nouns or ["query"]:  # a row with neither is a fault too
            own_id, content = text[f"{noun}_id"], text[noun]
            key = hash((noun, language, own_id, content))
            if key not in seen or not nouns:
                seen.add(key)
                parallel_id = own_id if noun == "query" else ""
                yield PlacedText(noun, language, own_id, parallel_id, content, line)


def _code(written: str) -> str:
    try:
        return normalise(written)
    except AlignkitError:
        return written


@dataset(CARD, further_splits="train", splits_of=_splits_of, sources=_sources)
def load(path: Path | None, request: Request) -> Dataset:
    """Read the file; the dataset is called after it and has the languages that are in it.

    Quotes in .csv and .tsv follow the same rule: a field that holds a quote is quoted, its quotes
    doubled. Whole-number ids are taken as text, so that all formats give the same dataset. Without
    a column `split`, every row is of the split `test`.
    """
    path = _given(path)
    rows = _Rows(path)
    for line, row in _reader(path)(path):
        _add(rows, line, row, request.split)
    if not rows.lines:
        raise AlignkitError(_no_rows(rows, request.split))
    languages = sorted({language for _, language, _ in rows.lines})
    name = _name(path)
    wanted = set(choose_languages(name, languages, request))
    return assemble(
        replace(CARD, name=name, title=path.name, languages=tuple(languages), source=path.name),
        _texts(rows, "query", wanted),
        _texts(rows, "passage", wanted),
        _judged(rows, wanted, answers=True),
        negatives=_judged(rows, wanted, answers=False),
        notes=rows.notes(),
    )


def _given(path: Path | None) -> Path:
    if path is None:
        raise AlignkitError("'files' needs a file of yours; write files:PATH")
    return path


def _reader(path: Path) -> Reader:
    if path.suffix.lower() not in READERS or not path.is_file():
        raise AlignkitError(
            f"{path} is no file that alignkit reads; give one ending in {', '.join(READERS)}"
        )
    return READERS[path.suffix.lower()]


def _split(row: dict[str, Any], place: str) -> str:
    """Read where a row belongs; another word would hide it from every command."""
    split = _text(row.get("split"), "split", place) or "test"
    if split not in SPLITS:
        words = ", ".join(map(repr, SPLITS[:-1]))
        raise AlignkitError(f"{place}: the split is {split!r}; write {words} or {SPLITS[-1]!r}")
    return split


def _no_rows(rows: _Rows, split: str) -> str:
    if not rows.splits:
        return f"{rows.place} has no rows; write one a query and language"
    has = ", ".join(map(repr, sorted(rows.splits)))
    mend = "" if "train" in rows.splits else "; a column 'split' says of each row where it belongs"
    return f"{rows.place} has no rows of the split {split!r}; it has {has}{mend}"


def _judged(rows: _Rows, languages: set[str], *, answers: bool) -> list[Answer]:
    """Rows that say of a passage that it answers a query, or that it does not."""
    return [
        row
        for row in rows.seen
        if row.language in languages
        and row.query_id
        and row.passage_id
        and (row.relevance > 0) == answers
    ]


def _add(rows: _Rows, line: int, row: dict[str, Any], split: str) -> None:
    place = f"{rows.place}, line {line}"
    check_columns(row, COLUMNS, place)
    own_split = _split(row, place)
    rows.splits.add(own_split)
    if own_split != split:
        return
    rows.unused_columns |= row.keys() - {*COLUMNS, *FURTHER_COLUMNS}
    text = {column: _text(row[column], column, place) for column in COLUMNS}
    language = _language(text["language"], place)
    query_id = _keep(rows, "query", language, text, line)
    passage_id = _keep(rows, "passage", language, text, line)
    if not query_id and not passage_id:
        raise AlignkitError(f"{place}: neither a query nor a passage; write one or remove the row")
    relevance = _relevance(row.get("relevance"), place)
    row_says = Answer(language, query_id, passage_id, relevance)
    rows.repeats += row_says in rows.seen
    rows.seen.add(row_says)


def _keep(rows: _Rows, noun: Noun, language: str, text: dict[str, str], line: int) -> str:
    """Keep the row's query or passage, if it has one, and return its id."""
    own_id, content = text[f"{noun}_id"], text[noun]
    place = f"{rows.place}, line {line}"
    if bool(own_id) != bool(content.strip()):
        there, missing = (f"{noun}_id", noun) if own_id else (noun, f"{noun}_id")
        raise AlignkitError(f"{place}: a {there} without a {missing}; write both or neither")
    if not own_id:
        return ""
    earlier, first = rows.lines.setdefault((noun, language, own_id), (content, line))
    if earlier != content:
        raise AlignkitError(
            f"{place}: {noun}_id {own_id!r} has another text in {language!r} than in line {first}; "
            "give each text an id of its own"
        )
    return own_id


def _text(value: object, column: str, place: str) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool) and column.endswith("_id"):
        return str(value)
    if not isinstance(value, str):
        raise AlignkitError(f"{place}: {column} is {value!r}, not a text; write it as a text")
    return value


def _relevance(value: object, place: str) -> int:
    """Read a grade; nothing means that the passage answers."""
    if value is None or value == "":
        return 1
    if not str(value).isdecimal():
        raise AlignkitError(
            f"{place}: relevance is {value!r}; write 0 for a passage that does not answer, else 1 "
            "or a higher grade"
        )
    return int(str(value))


def _language(code: str, place: str) -> str:
    if not code.strip():
        raise AlignkitError(f"{place}: no language; write a code such as 'de'")
    try:
        return normalise(code)
    except AlignkitError as error:
        raise AlignkitError(f"{place}: {error}") from error


def _texts(rows: _Rows, noun: Noun, languages: set[str]) -> list[TextRow]:
    return [
        TextRow(language, own_id, content)
        for (kind, language, own_id), (content, _) in rows.lines.items()
        if kind == noun and language in languages
    ]


def _name(path: Path) -> str:
    """Name a dataset after its file, in characters that any file name may have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-.") or CARD.name

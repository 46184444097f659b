"""Reading files into numbered rows, with errors that name the place."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from threading import Lock
from typing import Any

from alignkit.errors import AlignkitError

_LIMIT = Lock()
NumberedRow = tuple[int, dict[str, Any]]  # the number is the line, from 1


def read_text(path: Path) -> str:
    """Text of a UTF-8 file, without a byte-order mark at its beginning, line ends as they are."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise AlignkitError(
            f"{path} cannot be read: {error.strerror}; check the path and its permissions"
        ) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise AlignkitError(f"{path}, line {line}: not UTF-8; save the file as UTF-8") from error


def read_json(path: Path) -> object:
    """Content of a JSON file."""
    return _parse(read_text(path), path, line=1)


def read_json_lines(path: Path) -> Iterator[NumberedRow]:
    """Objects of a JSON lines file; blank lines are skipped."""
    # Not splitlines(): it also splits at U+2028 and its like, which JSON allows inside a text.
    for line, text in enumerate(read_text(path).split("\n"), start=1):
        if not text.strip():
            continue
        row = _parse(text, path, line=line)
        if not isinstance(row, dict):
            raise AlignkitError(f"{path}, line {line}: not a JSON object; write one a line")
        yield line, row


def read_separated(path: Path, delimiter: str) -> Iterator[NumberedRow]:
    """Rows of a .csv or .tsv with a header; blank lines are skipped."""
    # strict: an unescaped quote is an error, not a text that swallows the rows after it.
    reader = csv.reader(StringIO(read_text(path), newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    line = 1
    try:
        while (fields := _next_row(reader)) is not None:
            if header is None:
                header = _unique(fields, path)
            elif fields:
                yield line, _named(fields, header, f"{path}, line {line}")
            line = reader.line_num + 1  # where the next row begins: a quoted text may have lines
    except csv.Error as error:
        raise AlignkitError(
            f"{path}, line {line}: {error}; quote a text that holds a quote, and double its quotes"
        ) from error


def _next_row(reader: Iterator[list[str]]) -> list[str] | None:
    """Take a row with fields of any length, None at the end.

    The csv module refuses fields of over 131,072 characters, and knows no limit but that of the
    whole process: it is lifted for this row and put back, in one thread of ours at a time.
    """
    with _LIMIT:
        before = csv.field_size_limit(2**31 - 1)  # the most that every platform's long holds
        try:
            return next(reader, None)
        finally:
            csv.field_size_limit(before)


def read_parquet(path: Path) -> Iterator[NumberedRow]:
    """Rows of a Parquet file, counted from 1."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.ParquetFile(path).read().to_pylist()
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise AlignkitError(f"{path} is no readable Parquet file: {reason}") from error
    yield from enumerate(rows, start=1)


def check_columns(row: Mapping[str, Any], columns: Sequence[str], place: str) -> None:
    """Raise if a row lacks one of `columns`, naming the nearest that it has."""
    for column in columns:
        if column not in row:
            near = get_close_matches(column, sorted(row.keys() - set(columns)), n=1)
            hint = f"rename {near[0]!r}" if near else f"it has {', '.join(map(repr, row))}"
            raise AlignkitError(f"{place}: no {column!r}; {hint}")


def _parse(text: str, path: Path, *, line: int) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"{path}, line {line + error.lineno - 1}, column {error.colno}"
        raise AlignkitError(
            f"{place}: broken JSON ({error.msg}); mend or fetch it again"
        ) from error


def _unique(header: list[str], path: Path) -> list[str]:
    for column in header:
        if header.count(column) > 1:
            raise AlignkitError(f"{path}: two columns are called {column!r}; rename one")
    return header


def _named(fields: list[str], header: list[str], place: str) -> dict[str, str]:
    if len(fields) != len(header):
        raise AlignkitError(
            f"{place}: {len(fields)} fields under a header of {len(header)}; quote a text that "
            "holds the separator"
        )
    return dict(zip(header, fields, strict=True))

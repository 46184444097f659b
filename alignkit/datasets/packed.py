"""Big files, packed or not, read a line at a time."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alignkit.datasets.reading import NumberedRow, read_separated
from alignkit.errors import AlignkitError

SUFFIXES = (".jsonl", ".jsonl.gz", ".parquet", ".tsv")


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines of a UTF-8 file, .gz or not, without their ends, numbered from 1; blank ones too.

    Raises AlignkitError where the file breaks off, is no gzip file or no UTF-8.
    """
    line = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for line, content in enumerate(file, start=1):
                mark = "utf-8-sig" if line == 1 else "utf-8"
                yield line, content.rstrip(b"\r\n").decode(mark)
    except UnicodeDecodeError as error:
        raise AlignkitError(f"{path}, line {line}: not UTF-8; save the file as UTF-8") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise AlignkitError(
            f"{path} is damaged after line {line:,} ({error}); fetch the file again"
        ) from error
    except OSError as error:
        raise AlignkitError(
            f"{path} cannot be read: {error.strerror}; check the path and its permissions"
        ) from error


def read_objects(path: Path) -> Iterator[NumberedRow]:
    """Objects of a JSON lines file, .gz or not; blank lines are skipped."""
    for line, text in read_lines(path):
        if text.strip():
            yield line, _object(text, f"{path}, line {line}")


def _object(text: str, place: str) -> dict[str, Any]:
    try:
        row: object = json.loads(text)
    except json.JSONDecodeError as error:
        raise AlignkitError(
            f"{place}, column {error.colno}: broken JSON ({error.msg}); mend or fetch it again"
        ) from error
    if not isinstance(row, dict):
        raise AlignkitError(f"{place}: not a JSON object; write one a line")
    return row


def read_parquet_rows(path: Path) -> Iterator[NumberedRow]:
    """Rows of a Parquet file, counted from 1, some thousand of them in memory at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    n = 0
    try:
        for batch in pq.ParquetFile(path).iter_batches(4096):
            for row in batch.to_pylist():
                n += 1
                yield n, row
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise AlignkitError(f"{path} is no readable Parquet file: {reason}") from error


def read_rows(file: Path) -> Iterator[NumberedRow]:
    """Rows of a file with one of SUFFIXES, numbered from 1."""
    if file.suffix == ".parquet":
        return read_parquet_rows(file)
    if file.suffix == ".tsv":
        return read_separated(file, "\t")
    return read_objects(file)


def known_checksums(file: Path) -> dict[str, str]:
    """Checksum of each file that is listed, in sha256sum's format, by its name."""
    lines = (line.split() for line in file.read_text("utf-8").splitlines())
    return {name: checksum for checksum, name in lines}


def text_of(row: dict[str, Any], field: str, place: str) -> str:
    """Take a text of a row, which must be there."""
    value = row.get(field)
    if not isinstance(value, str):
        raise AlignkitError(
            f"{place}: {field!r} is {value!r}, not a text; it has {', '.join(map(repr, row))}"
        )
    return value

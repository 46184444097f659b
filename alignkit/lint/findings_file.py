"""The file of findings: a line each, as .csv or .jsonl."""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

import pandas as pd

from alignkit.errors import AlignkitError
from alignkit.lint import Finding
from alignkit.whole_file import write_whole

SUFFIXES = (".csv", ".jsonl")
COLUMNS = [field.name for field in fields(Finding)]


def write_findings(findings: Sequence[Finding], path: Path) -> None:
    """Write the findings in the format of the file's name, whole or not at all."""
    rows = [asdict(one) for one in findings]
    text = (
        pd.DataFrame(rows, columns=COLUMNS).to_csv(index=False)
        if path.suffix == ".csv"
        else "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    )
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise AlignkitError(f"--out {path} can't be written: {error.strerror}") from error


def holds_findings(path: Path) -> bool:
    """Whether the file begins as `write_findings` begins one, with its columns and no other.

    A file of nothing, which is what no findings are in .jsonl, counts as one.
    """
    try:
        with path.open(encoding="utf-8") as file:
            first = file.readline()
    except (OSError, UnicodeDecodeError):
        return False
    if path.suffix == ".csv":
        return first.rstrip("\r\n").split(",") == COLUMNS
    try:
        return not first or list(json.loads(first)) == COLUMNS
    except (json.JSONDecodeError, TypeError):
        return False

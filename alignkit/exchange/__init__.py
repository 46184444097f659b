"""Texts out, vectors out: files for people who embed elsewhere or bring vectors along."""

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from alignkit.errors import AlignkitError
from alignkit.tables import Dataset, Embeddings

_WRITERS: dict[str, Callable[[pd.DataFrame, Path], object]] = {
    ".jsonl": lambda frame, path: frame.to_json(
        path, orient="records", lines=True, force_ascii=False
    ),
    ".csv": lambda frame, path: frame.to_csv(path, index=False),
    ".tsv": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    ".parquet": lambda frame, path: frame.to_parquet(path, index=False),
}


def texts_table(datasets: list[Dataset]) -> pd.DataFrame:
    """All texts of the datasets: columns `id, role, language, parallel_id, text`."""
    parts = [
        part.frame.assign(role=role)
        for dataset in datasets
        for role, part in (("query", dataset.queries), ("passage", dataset.passages))
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[["id", "role", "language", "parallel_id", "text"]]


def vectors_table(parts: Sequence[tuple[str, Embeddings]]) -> pd.DataFrame:
    """Vectors with their ids and roles: columns `id, role, embedding` (lists of float32)."""
    return pd.DataFrame(
        {
            "id": np.concatenate([one.texts.frame["id"].to_numpy(object) for _, one in parts]),
            "role": [role for role, one in parts for _ in range(len(one.texts))],
            "embedding": [row for _, one in parts for row in one.vectors.astype(np.float32)],
        }
    )


def write_table(frame: pd.DataFrame, path: Path, *, force: bool = False) -> None:
    """Write a table in the format its file name says, whole or not at all.

    Raises AlignkitError when the file exists and `force` is not given, when its ending is none of
    .jsonl, .csv, .tsv, .parquet, or when the place can't be written.
    """
    check_target(path, force=force)
    try:
        handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        try:
            _WRITERS[path.suffix](frame, Path(draft))
            Path(draft).chmod(0o644)
            Path(draft).replace(path)
        finally:
            Path(draft).unlink(missing_ok=True)
    except OSError as error:
        raise AlignkitError(f"cannot write {path}: {error.strerror}; name another file") from error


def check_vectors_target(path: Path, *, force: bool = False) -> None:
    """Refuse early a file that would not hold vectors whole, and what `check_target` refuses."""
    # As text, vectors of more than 1,000 dimensions lost their middle, and small numbers digits.
    if path.suffix != ".parquet":
        raise AlignkitError(f"{path}: only .parquet holds vectors; name the file so")
    check_target(path, force=force)


def check_target(path: Path, *, force: bool = False) -> None:
    """Refuse early what `write_table` would refuse."""
    if path.suffix not in _WRITERS:
        raise AlignkitError(f"{path}: the file name must end in one of {', '.join(_WRITERS)}")
    if path.exists() and not force:
        raise AlignkitError(f"{path} exists; name another file, or replace it with --force")
    if not path.parent.is_dir():
        raise AlignkitError(f"{path.parent} is not a folder; make it first, or name another file")

"""A run on disk: written whole or not at all, and read back without a model."""

import json
import os
import shutil
import tempfile
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alignkit.errors import AlignkitError
from alignkit.tables import (
    COMPARISON_COLUMNS,
    HIT_COLUMNS,
    METRIC_COLUMNS,
    PUBLISHED_COLUMNS,
    STORED_TEXT_COLUMNS,
    VARIANT_COLUMNS,
    Results,
    SimilarityMatrix,
)

SCHEMA = "alignkit.results/1"
HITS, TEXTS = "hits.parquet", "texts.parquet"  # which runs of an older alignkit lack
_FOLDERS = ("baselines", "trec", "mteb")  # of further files
_VARIANT_FILES = {"repair": "what_if", "compression": "compression"}


@contextmanager
def new_folder(folder: Path, *, force: bool = False) -> Generator[Path]:
    """Give a temporary folder that takes the place of `folder` when the block ends well.

    Raises AlignkitError at once when `folder` exists and `force` is not given, or when it can't
    be written. Whatever happens in the block, `folder` is either as it was or whole.
    """
    check_free(folder, force=force)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    except OSError as error:
        raise AlignkitError(
            f"cannot write {folder}: {error.strerror}; name a writable place with --out"
        ) from error
    try:
        yield draft
        draft.chmod(0o777 & ~_umask())
        if folder.exists():
            old = draft.with_suffix(".old")
            folder.rename(old)
            draft.rename(folder)
            shutil.rmtree(old)
        else:
            draft.rename(folder)
    except OSError as error:
        raise AlignkitError(f"cannot write {folder}: {error}; is the disk full?") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check_free(folder: Path, *, force: bool) -> None:
    """Raise AlignkitError if a run may not be written here."""
    if folder.exists() and not force:
        raise AlignkitError(
            f"{folder} exists; name another folder with --out, or replace it with --force"
        )
    if folder.exists() and not _is_replaceable(folder):
        raise AlignkitError(
            f"{folder} is not a run of alignkit, so --force does not replace it; name another --out"
        )


def _is_replaceable(folder: Path) -> bool:
    return folder.is_dir() and (not any(folder.iterdir()) or (folder / "results.json").exists())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_results(results: Results, folder: Path) -> None:
    """Write the tables and arrays of a run into an existing folder."""
    with ThreadPoolExecutor(1) as aside:  # Parquet needs no interpreter, and JSON needs it all
        largest = aside.submit(
            results.per_query.to_parquet, folder / "per_query.parquet", index=False
        )
        _write_files(results, folder)
        largest.result()


def _write_files(results: Results, folder: Path) -> None:
    """Write all but the largest table."""
    results.metrics[METRIC_COLUMNS].to_csv(folder / "metrics.csv", index=False)
    results.comparisons[COMPARISON_COLUMNS].to_csv(folder / "comparisons.csv", index=False)
    results.projection.to_parquet(folder / "projection.parquet", index=False)
    results.hits.to_parquet(folder / HITS, index=False)
    results.texts.to_parquet(folder / TEXTS, index=False)
    (folder / "similarity").mkdir()
    for matrix in results.matrices:
        name = f"{matrix.dataset}-{matrix.checkpoint}-{matrix.name}.npy"
        np.save(folder / "similarity" / name, matrix.values)
    for name, content in results.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    for kind, rows in results.variants.groupby("kind"):
        rows.drop(columns="kind").to_csv(folder / f"{_VARIANT_FILES[str(kind)]}.csv", index=False)
    _write_json(folder / "provenance.json", results.provenance)
    _write_json(
        folder / "results.json",
        {
            "schema": SCHEMA,
            "metrics": _records(results.metrics),
            "comparisons": _records(results.comparisons),
            "similarity": [
                {
                    "checkpoint": matrix.checkpoint, "dataset": matrix.dataset,
                    "name": matrix.name, "languages": list(matrix.languages),
                    "values": matrix.values.tolist(),
                }
                for matrix in results.matrices
            ],
            "provenance": results.provenance,
            "variants": _records(results.variants),
            "published": _records(results.published),
        },
    )  # fmt: skip


def read_results(folder: Path) -> Results:
    """Read a run back.

    Raises AlignkitError when `folder` is no run, is not whole, or has another schema.
    """
    path = folder / "results.json"
    if not path.exists():
        raise AlignkitError(f"{folder} is not a run: it has no results.json; give the --out of one")
    try:
        stored = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise AlignkitError(f"{path} is not JSON ({error}); run the comparison again") from error
    schema = stored.get("schema") if isinstance(stored, dict) else None
    if schema != SCHEMA:
        raise AlignkitError(
            f"{path} has the schema {schema!r}, this alignkit reads {SCHEMA!r}; run it again"
        )
    try:
        per_query = pd.read_parquet(folder / "per_query.parquet")
        projection = pd.read_parquet(folder / "projection.parquet")
        hits, texts = (
            pd.read_parquet(folder / name) if (folder / name).exists() else pd.DataFrame(columns=of)
            for name, of in ((HITS, HIT_COLUMNS), (TEXTS, STORED_TEXT_COLUMNS))
        )
    except (OSError, ValueError) as error:
        raise AlignkitError(f"{folder} is not whole: {error}; run the comparison again") from error
    matrices = [
        SimilarityMatrix(
            entry["checkpoint"], entry["dataset"], entry["name"], tuple(entry["languages"]),
            np.array(entry["values"], dtype=np.float64),
        )
        for entry in stored["similarity"]
    ]  # fmt: skip
    return Results(
        _frame(stored["metrics"], [*METRIC_COLUMNS, "best", "random", "reason"]),
        _frame(stored["comparisons"], [*COMPARISON_COLUMNS, "effect_size", "mdd", "reason"]),
        per_query,
        matrices,
        projection,
        stored["provenance"],
        _frame(stored.get("variants", []), VARIANT_COLUMNS),
        _frame(stored.get("published", []), PUBLISHED_COLUMNS),
        {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for name in _FOLDERS
            for path in sorted((folder / name).rglob("*"))
            if path.is_file()
        },
        hits,
        texts,
    )


_TEXT_COLUMNS = {
    "checkpoint", "baseline", "candidate", "dataset", "task", "setting", "query_language",
    "passage_language", "metric", "reason", "kind", "variant", "source", "model", "sampling",
}  # fmt: skip


def _frame(records: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(records, columns=columns)
    numbers = [name for name in columns if name not in _TEXT_COLUMNS and name != "n"]
    return frame.astype(dict.fromkeys(numbers, np.float64))


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    names = list(frame.columns)
    columns = [_plain(frame[name].tolist()) for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(values: list[Any]) -> list[Any]:
    """Give the values as JSON has them: NaN, which alone differs from itself, is null."""
    return [value if value == value else None for value in values]


def _write_json(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")

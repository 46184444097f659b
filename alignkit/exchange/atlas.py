"""Kept vectors with their texts in one Parquet file, for tools that draw maps of embeddings."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from alignkit.checkpoints import Checkpoint
from alignkit.embedding import EmbeddingSession
from alignkit.errors import AlignkitError
from alignkit.exchange import check_vectors_target, target
from alignkit.progress import SILENT, Reporter
from alignkit.run_folder import read_results
from alignkit.tables import Dataset, Embeddings, Role

ROWS = 8192  # written at once: as much is held, however many texts there are
Part = tuple[str, Role, Embeddings]


def kept_parts(
    checkpoint: Checkpoint, datasets: Sequence[Dataset], *, reporter: Reporter = SILENT
) -> list[Part]:
    """Find all vectors of the data sets; each part has its data set's name and its role.

    Raises AlignkitError where the cache lacks some: nothing is embedded here.
    """
    with EmbeddingSession(checkpoint, reporter=reporter, only_kept=True) as session:
        return [
            (dataset.name, role, session.embed(texts, role))
            for dataset in datasets
            for role, texts in dataset.sides
        ]


def write_atlas(
    parts: Sequence[Part], path: Path, *, run: Path | None, label: str, force: bool = False
) -> int:
    """Write columns id, dataset, role, language, parallel_id, text, vector; with `run` x and y.

    Returns the number of rows. The file is whole or not there.
    """
    check_vectors_target(path, force=force)
    places = None if run is None else _places(run, label)
    n_rows = 0
    with target(path) as draft, pq.ParquetWriter(draft, _schema(parts, places)) as writer:
        for name, role, one in parts:
            for start in range(0, len(one.texts), ROWS):
                table = _table(name, role, one, slice(start, start + ROWS), places)
                writer.write_table(table)
                n_rows += len(table)
    return n_rows


def _schema(parts: Sequence[Part], places: pd.DataFrame | None) -> pa.Schema:
    _, _, one = parts[0]
    return _table("", "query", one, slice(0, 0), places).schema


def _table(
    name: str, role: Role, one: Embeddings, rows: slice, places: pd.DataFrame | None
) -> pa.Table:
    frame, vectors = one.texts.frame.iloc[rows], one.vectors[rows].astype(np.float32)
    columns = {
        column: pa.array(frame[column].tolist(), pa.string())
        for column in ("id", "language", "parallel_id", "text")
    }
    columns |= {
        word: pa.array([value] * len(frame), pa.string())
        for word, value in (("dataset", name), ("role", role))
    }
    columns["vector"] = pa.FixedSizeListArray.from_arrays(
        pa.array(vectors.ravel(), pa.float32()), one.vectors.shape[1]
    )
    if places is not None:
        keys = pd.MultiIndex.from_arrays([[name] * len(frame), [role] * len(frame), frame["id"]])
        found = places.reindex(keys)
        columns |= {axis: pa.array(found[axis], pa.float64(), from_pandas=True) for axis in "xy"}
    return pa.table(columns)


def _places(run: Path, label: str) -> pd.DataFrame:
    """Coordinates of a run's map by data set, role and id."""
    projection = read_results(run).projection
    own = projection[projection["checkpoint"] == label]
    if not len(own):
        has = ", ".join(map(repr, projection["checkpoint"].unique())) or "none at all"
        raise AlignkitError(
            f"{run} has no map of {label!r}; it has {has}; name the checkpoint label=LOCATION"
        )
    return own.set_index(["dataset", "role", "id"])[["x", "y"]]

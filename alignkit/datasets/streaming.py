"""Tables of a million texts and their checksum, without a million Python objects at once."""

import hashlib
import json
from collections.abc import Iterable
from itertools import islice

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from alignkit.tables import TEXT_COLUMNS

ROWS = 1 << 16  # that are Python objects at a time
Row = tuple[str, str, str, str]


def collect(rows: Iterable[Row]) -> tuple[pd.DataFrame, tuple[Row, Row] | None]:
    """Put rows of TEXT_COLUMNS into a table sorted by id, and find the first id that comes again.

    Returns the table and, where an id stands twice, both of its rows.
    """
    kinds = pa.schema([(name, pa.large_string()) for name in TEXT_COLUMNS])
    rows, chunks = iter(rows), list[pa.RecordBatch]()
    while chunk := list(islice(rows, ROWS)):  # itertools.batched is of Python 3.12
        columns = [pa.array(column, pa.large_string()) for column in zip(*chunk, strict=True)]
        chunks.append(pa.RecordBatch.from_arrays(columns, schema=kinds))
    table = pa.Table.from_batches(chunks, schema=kinds)
    del chunks
    # Bytes of UTF-8 sort as code points do.
    order = pc.sort_indices(table["id"]).to_numpy()
    again = _again(table, order)
    table = table.take(pa.array(order))
    frame = pd.DataFrame({name: pd.Series(table[name], dtype="str") for name in TEXT_COLUMNS})
    return frame, again


def _again(table: pa.Table, order: np.ndarray) -> tuple[Row, Row] | None:
    ids = table["id"].take(pa.array(order))
    if len(ids) < 2:
        return None
    same = pc.equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)
    if not same.any():
        return None
    pairs = np.sort(np.stack([order[:-1][same], order[1:][same]]), axis=0)
    rows = table.take(pa.array(pairs[:, np.argmin(pairs[1])])).to_pylist()
    one, other = (tuple(row[name] for name in TEXT_COLUMNS) for row in rows)
    return one, other  # type: ignore[return-value]


def checksum(*tables: pd.DataFrame) -> str:
    """Digest of the tables' rows in their order, as JSON: no separator can be forged."""
    digest = hashlib.sha256()
    for table in tables:
        digest.update(f"[{_json([list(table.columns)])}".encode())
        for start in range(0, len(table), ROWS):
            rows = table.iloc[start : start + ROWS].to_numpy().tolist()
            digest.update(f", {_json(rows)}".encode())
        digest.update(b"]\n")
    return digest.hexdigest()


def _json(rows: list[list[object]]) -> str:
    """Write a list's items without its brackets."""
    return json.dumps(rows, ensure_ascii=False)[1:-1]


def count_repeats(texts: pd.Series) -> int:
    """Count the texts that stood before; by 64-bit hashes, since a million texts may be a GB."""
    hashes = np.empty(len(texts), np.int64)
    for start in range(0, len(texts), ROWS):
        part = texts.iloc[start : start + ROWS]
        hashes[start : start + ROWS] = [hash(text) for text in part]
    return len(hashes) - len(np.unique(hashes))

"""Tables of a million texts and their checksum, without a million Python objects at once."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from alignkit.tables import TEXT_COLUMNS

ROWS = 1 << 16  # that are Python objects at a time
FEW = 1000  # rows that are no corpus
Row = tuple[str, str, str, str]
_SCHEMA = pa.schema([(name, pa.large_string()) for name in TEXT_COLUMNS])


def collect(rows: Iterable[Row]) -> tuple[pd.DataFrame, tuple[Row, Row] | None]:
    """Put rows of TEXT_COLUMNS into a table sorted by id, and find the first id that comes again.

    Returns the table and, where an id stands twice, both of its rows. Corpora come a language
    after the other and ids begin with it: each is sorted by itself, so that a copy of one is all
    that is held besides.
    """
    parts: list[pa.Table] = []
    pending: list[pa.RecordBatch] = []
    language = ""
    for chunk in _chunks(rows):
        if pending and chunk[0][1] != language:
            parts.append(_sorted(pending))
        language = chunk[-1][1]
        columns = [pa.array(column, pa.large_string()) for column in zip(*chunk, strict=True)]
        pending.append(pa.RecordBatch.from_arrays(columns, schema=_SCHEMA))
    parts.append(_sorted(pending))
    parts = [part for part in parts if len(part)]
    in_order = sorted(parts, key=lambda part: part["id"][0].as_py())
    if any(one["id"][-1].as_py() >= two["id"][0].as_py() for one, two in pairwise(in_order)):
        pending = [batch for part in parts for batch in part.to_batches()]
        parts = in_order = [_sorted(pending)]  # what was in the order of the file stays so
    table = pa.concat_tables([_SCHEMA.empty_table(), *in_order])
    frame = pd.DataFrame({name: pd.Series(table[name], dtype="str") for name in TEXT_COLUMNS})
    return frame, _again(table)


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Cut rows into lists; at a new language too, unless languages alternate."""
    chunk: list[Row] = []
    for row in rows:
        if len(chunk) >= ROWS or (len(chunk) >= FEW and row[1] != chunk[-1][1]):
            yield chunk
            chunk = []
        chunk.append(row)
    if chunk:
        yield chunk


def _sorted(pending: list[pa.RecordBatch]) -> pa.Table:
    """Sort batches by id, equal ids in the order they came in, and take them off the list."""
    table = pa.Table.from_batches(pending, schema=_SCHEMA)
    pending.clear()
    # One chunk a column: taking from many makes two copies in place of one.
    table = table.combine_chunks()
    order = pc.sort_indices(table["id"])  # stable, and bytes of UTF-8 sort as code points do
    columns = {name: table[name] for name in TEXT_COLUMNS}
    del table
    for name in TEXT_COLUMNS:
        columns[name] = columns[name].take(order)
    return pa.table(columns, schema=_SCHEMA)


def _again(table: pa.Table) -> tuple[Row, Row] | None:
    """Find the first id, in their order, that stands twice."""
    ids = table["id"]
    same = pc.equal(ids[1:], ids[:-1]) if len(ids) else ids
    first = pc.index(same, True).as_py() if len(same) else -1
    if first < 0:
        return None
    rows = table.slice(first, 2).to_pylist()
    one, other = (tuple(row[name] for name in TEXT_COLUMNS) for row in rows)
    return one, other


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

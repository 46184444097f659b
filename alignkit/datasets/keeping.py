"""A dataset that was read once is kept, checked as it was, until its files change."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alignkit import kept
from alignkit.provenance import hash_file
from alignkit.tables import Dataset, DatasetCard, Texts

_STAGE = "datasets"
_TEXTS = [field.name for field in fields(Dataset) if field.type is Texts]
_TABLES = [field.name for field in fields(Dataset) if field.type is pd.DataFrame]


def kept_or_read(
    card: DatasetCard, files: Mapping[str, Path], words: object, read: Callable[[], Dataset]
) -> Dataset:
    """Give what `read` returns, from the cache if it is there.

    It must depend on nothing but the content of `files`, their keys, and `words`, which are plain
    JSON types; its card is `card`.
    """
    hashes = {name: hash_file(file) for name, file in files.items()}
    key = kept.key_of(repr(card), words, hashes)
    found = kept.take(_STAGE, key)
    if found is not None:
        return _unpacked(card, found)
    dataset = read()
    tables = {name: getattr(dataset, name).frame for name in _TEXTS}
    tables |= {name: getattr(dataset, name) for name in _TABLES}
    about = kept.pack_json({"checksum": dataset.checksum, "notes": dataset.notes})
    packed = {name: kept.pack_table(table) for name, table in tables.items()}
    kept.keep(_STAGE, key, {**packed, "about": about})
    return dataset


def _unpacked(card: DatasetCard, arrays: dict[str, np.ndarray]) -> Dataset:
    about: Any = kept.unpack_json(arrays["about"])
    tables: dict[str, Any] = {name: kept.unpack_table(arrays[name]) for name in _TABLES}
    tables |= {name: Texts(kept.unpack_table(arrays[name])) for name in _TEXTS}
    return Dataset(card=card, checksum=about["checksum"], notes=tuple(about["notes"]), **tables)

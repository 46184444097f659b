"""A dataset that was read once is kept, checked as it was, until its files change."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from alignkit import kept
from alignkit.provenance import hash_file
from alignkit.tables import Dataset, DatasetCard, Texts

_STAGE = "datasets"
_FRAMES = ("queries", "passages", "qrels", "negatives")


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
    frames = [dataset.queries.frame, dataset.passages.frame, dataset.qrels, dataset.negatives]
    tables = {name: kept.pack_table(frame) for name, frame in zip(_FRAMES, frames, strict=True)}
    about = kept.pack_json({"checksum": dataset.checksum, "notes": dataset.notes})
    kept.keep(_STAGE, key, {**tables, "about": about})
    return dataset


def _unpacked(card: DatasetCard, arrays: dict[str, Any]) -> Dataset:
    queries, passages, qrels, negatives = (kept.unpack_table(arrays[name]) for name in _FRAMES)
    about: Any = kept.unpack_json(arrays["about"])
    return Dataset(
        card, Texts(queries), Texts(passages), qrels, about["checksum"], tuple(about["notes"]),
        negatives,
    )  # fmt: skip

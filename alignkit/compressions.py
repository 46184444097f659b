"""Smaller vectors, of fewer dimensions or fewer bits, as an index would keep them."""

import re
from dataclasses import replace

import numpy as np

from alignkit.errors import AlignkitError
from alignkit.tables import Embeddings

QUANTIZED = ("int8", "binary")
_DIM = re.compile(r"dim-(\d+)")


def compress(name: str, queries: Embeddings, passages: Embeddings) -> tuple[Embeddings, Embeddings]:
    """Make the vectors as they would be after `name`: "dim-N", "int8" or "binary".

    "dim-N" keeps the first N dimensions (Matryoshka, arXiv 2205.13147). "int8" rounds every
    dimension to one of 256 steps between its least and greatest value among the passages, and
    scores with the rounded values. "binary" keeps signs alone; the cosine is then 1 less twice the
    share of bits that differ.

    Raises
    ------
    AlignkitError
        When a model has no more than N dimensions.
    """
    matched = _DIM.fullmatch(name)
    if matched:
        dim = int(matched[1])
        if dim >= passages.vectors.shape[1]:
            raise AlignkitError(
                f"--truncate-dim {dim} keeps all {passages.vectors.shape[1]} dimensions; "
                "name smaller ones"
            )
        return _cut(queries, dim), _cut(passages, dim)
    if name == "binary":
        return _signs(queries), _signs(passages)
    assert name == "int8", name
    unit = _unit(passages)
    low, high = unit.min(axis=0), unit.max(axis=0)
    step = np.where(high > low, (high - low) / 255.0, 1.0)
    return _rounded(queries, low, step), _rounded(passages, low, step)


def _cut(side: Embeddings, dim: int) -> Embeddings:
    return replace(side, vectors=np.ascontiguousarray(side.vectors[:, :dim]))


def _signs(side: Embeddings) -> Embeddings:
    signs = np.where(side.vectors > 0, np.float32(1), np.float32(-1))
    return Embeddings(side.texts, signs, "cosine")


def _unit(side: Embeddings) -> np.ndarray:
    """Vectors as they would be stored: of length one where only directions count, float32."""
    vectors = side.vectors.astype(np.float32, copy=False)
    if side.similarity != "cosine":
        return vectors
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _rounded(side: Embeddings, low: np.ndarray, step: np.ndarray) -> Embeddings:
    codes = np.clip(np.rint((_unit(side) - low) / step), 0, 255)
    return replace(side, vectors=(low + codes * step).astype(np.float32))

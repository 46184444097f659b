"""Embeddings to two coordinates a text, so that checkpoints can be looked at side by side."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from alignkit.errors import AlignkitError
from alignkit.kernels.layout import (
    align,
    nearest_by_cosine,
    principal_axes,
    trustworthiness,
    unit_vectors,
)
from alignkit.kernels.ranking import cpus
from alignkit.kernels.umap import umap
from alignkit.progress import SILENT, Reporter
from alignkit.tables import Embeddings

N_NEIGHBORS = 15
MIN_DIST = 0.1


def project(
    embeddings: dict[str, Embeddings], *, seed: int = 0, reporter: Reporter = SILENT
) -> tuple[pd.DataFrame, dict[str, dict[str, Any]]]:
    """UMAP and principal axes of the same texts in every checkpoint, turned onto the first one's.

    `embeddings` holds the queries' vectors by label, the baseline's first. Each map is centred and
    only rotated or mirrored, never scaled: distances within a map stay what UMAP made them.
    UMAP starts from the principal axes.

    Returns
    -------
    frame : columns `checkpoint, id, language, role, x, y, pca_x, pca_y`, coordinates float32.
    info : by label `trustworthiness` of the UMAP and `trustworthiness_pca`, over the
        `n_neighbors` nearest; or the `reason` why the checkpoint has no map and no rows.
    """
    texts = _shared_texts(embeddings)
    frames: list[pd.DataFrame] = []
    info: dict[str, dict[str, Any]] = {}
    references: tuple[np.ndarray, np.ndarray] | None = None
    with (
        reporter.bar("mapping", len(embeddings)) as advance,
        threadpool_limits(1, "blas"),  # here, since threads that set and restore it would race
        ThreadPoolExecutor(cpus()) as pool,
    ):
        made = pool.map(lambda one: _maps(unit_vectors(one.vectors), seed), embeddings.values())
        for label, (maps, info[label]) in zip(embeddings, made, strict=True):
            if maps is not None:
                references = references or maps
                turned, pca = (align(*pair) for pair in zip(maps, references, strict=True))
                frames.append(_rows(label, texts, turned, pca))
            advance()
    nothing = np.empty((0, 2))
    frames = frames or [_rows("", texts.head(0), nothing, nothing)]
    return pd.concat(frames, ignore_index=True), info


def _maps(
    units: np.ndarray, seed: int
) -> tuple[tuple[np.ndarray, np.ndarray] | None, dict[str, Any]]:
    """UMAP and principal axes, and how far they are to be trusted; or why there are none."""
    reason = _no_map(units)
    if reason:
        return None, {"reason": reason}
    axes = principal_axes(units)
    maps = umap(*nearest_by_cosine(units, N_NEIGHBORS), axes, min_dist=MIN_DIST, seed=seed), axes
    return maps, _trust(units, *maps)


def _shared_texts(embeddings: dict[str, Embeddings]) -> pd.DataFrame:
    frames = [embedded.texts.frame.filter(["id", "language"]) for embedded in embeddings.values()]
    for label, frame in zip(embeddings, frames, strict=True):
        if not frame.equals(frames[0]):
            raise AlignkitError(
                f"the texts of {label!r} are not those of {next(iter(embeddings))!r}; "
                "embed the same texts in the same order with every checkpoint"
            )
    return frames[0]


def _no_map(units: np.ndarray) -> str:
    if len(units) < N_NEIGHBORS + 2:
        return f"{len(units)} texts are too few for a map of {N_NEIGHBORS} neighbours"
    if np.ptp(units, axis=0).max() < 1e-6:  # rounding of float32 unit vectors
        return "all vectors are equal"
    return ""


def _trust(units: np.ndarray, umap: np.ndarray, pca: np.ndarray) -> dict[str, Any]:
    k = min(N_NEIGHBORS, (len(units) - 1) // 2)
    of_umap, of_pca = trustworthiness(units, [umap, pca], k)
    return {"trustworthiness": of_umap, "trustworthiness_pca": of_pca, "n_neighbors": k}


def _rows(label: str, texts: pd.DataFrame, umap: np.ndarray, pca: np.ndarray) -> pd.DataFrame:
    x, y, pca_x, pca_y = np.hstack([umap, pca]).astype(np.float32).T
    columns = {"id": texts["id"], "language": texts["language"], "role": "query"}
    columns |= {"x": x, "y": y, "pca_x": pca_x, "pca_y": pca_y}
    return pd.DataFrame({"checkpoint": pd.Series(label, texts.index, dtype="str"), **columns})

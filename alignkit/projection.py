"""Embeddings to two coordinates a text, so that checkpoints can be looked at side by side."""

import warnings
from typing import Any

import numpy as np
import pandas as pd

from alignkit.errors import AlignkitError
from alignkit.kernels.layout import (
    align,
    nearest_by_cosine,
    principal_axes,
    trustworthiness,
    unit_vectors,
)
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
    with reporter.bar("mapping", len(embeddings)) as advance:
        for label, embedded in embeddings.items():
            units = unit_vectors(embedded.vectors)
            reason = _no_map(units)
            if reason:
                info[label] = {"reason": reason}
            else:
                axes = principal_axes(units)
                maps = _umap(units, axes, seed, reporter), axes
                info[label] = _trust(units, *maps)
                references = references or maps
                umap, pca = (align(*pair) for pair in zip(maps, references, strict=True))
                frames.append(_rows(label, texts, umap, pca))
            advance()
    nothing = np.empty((0, 2))
    frames = frames or [_rows("", texts.head(0), nothing, nothing)]
    return pd.concat(frames, ignore_index=True), info


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


def _umap(units: np.ndarray, axes: np.ndarray, seed: int, reporter: Reporter) -> np.ndarray:
    start = np.round(axes / np.ptp(axes), 4).astype(np.float32)
    with warnings.catch_warnings(record=True) as heard:
        # umap warns at import that tensorflow is missing, and at a precomputed neighbourhood that
        # it could not place new points; we do neither. What else it says goes to -v.
        warnings.simplefilter("always")
        from umap import UMAP

        rows, distances = nearest_by_cosine(units, N_NEIGHBORS)
        mapper = UMAP(
            n_neighbors=N_NEIGHBORS,
            min_dist=MIN_DIST,
            metric="cosine",
            init=start,  # rounded: it seeds umap's draws too, down to the last bit
            random_state=seed,
            n_jobs=1,  # a seed allows no more, and umap would warn
            precomputed_knn=(rows, distances),
        )
        points = np.asarray(mapper.fit_transform(units), np.float64)
    for warning in heard:
        reporter.say(f"umap: {warning.message}", level=1)
    return points


def _trust(units: np.ndarray, umap: np.ndarray, pca: np.ndarray) -> dict[str, Any]:
    k = min(N_NEIGHBORS, (len(units) - 1) // 2)
    of_umap, of_pca = trustworthiness(units, [umap, pca], k)
    return {"trustworthiness": of_umap, "trustworthiness_pca": of_pca, "n_neighbors": k}


def _rows(label: str, texts: pd.DataFrame, umap: np.ndarray, pca: np.ndarray) -> pd.DataFrame:
    x, y, pca_x, pca_y = np.hstack([umap, pca]).astype(np.float32).T
    columns = {"id": texts["id"], "language": texts["language"], "role": "query"}
    columns |= {"x": x, "y": y, "pca_x": pca_x, "pca_y": pca_y}
    return pd.DataFrame({"checkpoint": pd.Series(label, texts.index, dtype="str"), **columns})

"""IsoScore: how evenly the vectors use all dimensions."""

import numpy as np

from alignkit.metrics import SPACE, ParallelVectors, Values, metric


@metric(
    "isoscore",
    needs="space",
    settings=SPACE,
    higher_is_better=True,
    bounds=(0.0, 1.0),
    source="Rudman et al. 2022, arXiv 2108.07344, algorithm 1",
    best=1.0,
    random=None,
    undefined="all vectors are equal, or have one dimension",
)
def isoscore(queries: ParallelVectors) -> Values:
    """Share of the dimensions that the queries of all languages together use evenly.

    (P - 1) / (d - 1), where P is (tr C)² / tr C² of the covariance C in d dimensions: the paper's
    algorithm comes to that. 0 if all variance lies in one direction, 1 if it is equal in all. With
    fewer texts than dimensions it cannot reach 1.

    Examples
    --------
    >>> square = np.array([[[1.0, 0.0]], [[-1.0, 0.0]], [[0.0, 1.0]], [[0.0, -1.0]]])
    >>> isoscore(ParallelVectors(square, np.ones((4, 1), bool))).mean().item()
    1.0
    """
    ids, languages = np.nonzero(queries.present)
    texts = queries.vectors[ids, languages]
    dim = texts.shape[1]
    texts = texts - texts.mean(axis=0)
    covariance = texts.T @ texts / len(texts)
    trace, squares = np.trace(covariance), (covariance**2).sum()
    if dim < 2 or squares <= 1e-24:
        return np.full(len(queries.present), np.nan)
    p = trace**2 / squares
    lengths = np.einsum("ij,ij->i", texts, texts)
    along = np.einsum("ij,ij->i", texts @ covariance, texts)
    moved = 2.0 * p * ((lengths - trace) / trace - (along - squares) / squares)
    per_id = np.bincount(ids, moved, len(queries.present)) * len(queries.present) / len(texts)
    return (p - 1.0 + per_id) / (dim - 1.0)

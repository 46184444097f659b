"""Uniformity: how evenly the vectors of a language spread over the sphere."""

import numpy as np
from jaxtyping import Float

from alignkit.metrics import SPACE, ParallelVectors, metric

_CELLS = 1 << 24  # cosines held at once


@metric(
    "uniformity",
    needs="space",
    settings=SPACE,
    higher_is_better=False,
    bounds=(-8.0, 0.0),
    source="Wang & Isola 2020, arXiv 2005.10242, eq. 5 with t = 2",
    best=None,
    random=None,
    undefined="a language has fewer than two queries",
)
def uniformity(queries: ParallelVectors) -> Float[np.ndarray, "ids languages"]:
    """Logarithm of the mean of exp(-2 d²) over pairs of distinct queries of a language.

    d is the Euclidean distance of unit vectors. 0 for a collapsed model; evenly spread vectors of
    many dimensions come near -4. A language's value stands under it, their mean under `*`.

    Examples
    --------
    Two queries that are opposite to each other:

    >>> vectors = np.array([[[1.0, 0.0]], [[-1.0, 0.0]]])
    >>> uniformity(ParallelVectors(vectors, np.ones((2, 1), bool))).mean().item()
    -8.0
    """
    n_ids, n_languages = queries.present.shape
    found = np.full((n_ids, n_languages), np.nan)
    for language in range(n_languages):
        here = np.flatnonzero(queries.present[:, language])
        if len(here) > 1:
            found[here, language] = _of_language(queries.vectors[here, language])
    return found


def _of_language(vectors: Float[np.ndarray, "n dim"]) -> Float[np.ndarray, " n"]:
    n = len(vectors)
    mean = np.empty(n)  # of each query with all the others
    step = max(1, _CELLS // n)
    for start in range(0, n, step):
        rows = slice(start, min(start + step, n))
        near = np.exp(4.0 * (vectors[rows] @ vectors.T) - 4.0)
        near[np.arange(len(near)), np.arange(rows.start, rows.stop)] = 0.0  # not with itself
        mean[rows] = near.sum(axis=1) / (n - 1)
    value = mean.mean()
    # A mean over pairs moves with both of a pair: twice the influence of a mean.
    return np.log(value) + 2.0 * (mean - value) / value

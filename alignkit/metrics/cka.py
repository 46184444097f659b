"""Linear CKA, whether two languages arrange their questions alike."""

from functools import cache

import numpy as np
from jaxtyping import Float

from alignkit.metrics import ALIGNMENT, ParallelVectors, metric

Matrix = Float[np.ndarray, "rows dim"]
Covariance = Float[np.ndarray, "dim dim"]
Values = Float[np.ndarray, " rows"]


@metric(
    "cka",
    needs="vectors",
    settings=ALIGNMENT,
    higher_is_better=True,
    bounds=(0.0, 1.0),
    source="Kornblith et al. 2019, arXiv 1905.00414, eq. 3 with a linear kernel",
    best=1.0,
    random=None,
    undefined="fewer than two ids are present in both languages, or a language's vectors are equal",
)
def cka(queries: ParallelVectors) -> Float[np.ndarray, "ids languages languages"]:
    """Linear centred kernel alignment of two languages' questions, over the ids of both.

    1 if one language's vectors are those of the other, turned, scaled or shifted: it does not see
    a language bias that is a mere shift. It is biased upwards where ids are not many more than
    dimensions, for any model alike.

    Examples
    --------
    >>> one = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    >>> turned = np.stack([one, one @ np.array([[0.0, 1.0], [-1.0, 0.0]])], axis=1)
    >>> cka(ParallelVectors(turned, np.ones((3, 2), bool)))[:, 0, 1].mean().round(6).item()
    1.0
    """
    n_ids, n_languages = queries.present.shape
    found = np.full((n_ids, n_languages, n_languages), np.nan)

    @cache  # fully parallel data have one set of ids for all pairs
    def own(language: int, ids: bytes) -> tuple[Matrix, float, np.ndarray]:
        centred = _centred(queries.vectors[np.frombuffer(ids, np.int64), language])
        covariance = centred.T @ centred / len(centred)
        return centred, float((covariance**2).sum()), _along(centred, covariance, centred)

    for a in range(n_languages):
        for b in range(a + 1, n_languages):
            ids = np.flatnonzero(queries.pairs[:, a, b])
            if len(ids) > 1:
                shares = _shares(*own(a, ids.tobytes()), *own(b, ids.tobytes()))
                found[ids, a, b] = found[ids, b, a] = shares
    return found


def _centred(vectors: Matrix) -> Matrix:
    return vectors - vectors.mean(axis=0)


def _along(left: Matrix, covariance: Covariance, right: Matrix) -> Values:
    return np.einsum("ij,ij->i", left @ covariance, right)


def _shares(
    x: Matrix, xx: float, along_x: np.ndarray, y: Matrix, yy: float, along_y: np.ndarray
) -> Values:
    """Give each id's share of ‖C_xy‖² / (‖C_xx‖ ‖C_yy‖)."""
    if min(xx, yy) <= 1e-24:
        return np.full(len(x), np.nan)
    covariance = x.T @ y / len(x)
    xy, scale = (covariance**2).sum(), np.sqrt(xx * yy)
    value = xy / scale
    moved = 2.0 * (_along(x, covariance, y) - xy) / scale
    return value + moved - value * ((along_x - xx) / xx + (along_y - yy) / yy)

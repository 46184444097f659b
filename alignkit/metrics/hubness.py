"""Hubness, whether some texts are everybody's neighbours."""

import numpy as np
from jaxtyping import Float

from alignkit.kernels.neighbours import CSLS_K
from alignkit.metrics import ALIGNMENT, ParallelVectors, metric


@metric(
    "hubness",
    needs="vectors",
    settings=ALIGNMENT,
    higher_is_better=False,
    bounds=(-np.inf, np.inf),
    source="Radovanović et al. 2010, eq. 1 (skewness of k-occurrence, k = 10)",
    best=None,
    random=lambda queries: _random(queries.present.sum(axis=0)),
    undefined="a language has no more than 10 queries, or all are neighbours equally often",
)
def hubness(queries: ParallelVectors) -> Float[np.ndarray, "ids languages languages"]:
    """Skewness of how often a text is among the 10 nearest of the other language's queries.

    Under (a, b), queries of a ask and texts of b are found. Near 0 where all are found alike, large
    where a few hubs are found by many. Neighbours that tie for the last place share it. Its
    interval resamples what is found; who asks is held fixed.

    Examples
    --------
    Twelve texts that are all each other's neighbours equally often have no skewness:

    >>> twelve = np.eye(12)[:, None, :].repeat(2, axis=1)
    >>> np.isnan(hubness(ParallelVectors(twelve, np.ones((12, 2), bool)))).all().item()
    True
    """
    counts = queries.neighbours.occurrence
    known = ~np.isnan(counts)
    n = np.maximum(known.sum(axis=0), 1)
    away = np.where(known, counts - np.where(known, counts, 0.0).sum(axis=0) / n, np.nan)
    variance = np.where(known, away**2, 0.0).sum(axis=0) / n
    spread = np.where(variance > 1e-12, np.sqrt(variance), np.nan)
    z = away / spread
    skewness = np.where(known, z**3, 0.0).sum(axis=0) / n
    return z**3 - 3.0 * z - 1.5 * skewness * (z**2 - 1.0)


def _random(texts: np.ndarray) -> Float[np.ndarray, "languages languages"]:
    """Skewness of a binomial count: each of a's texts names each of b's with chance 10 / b."""
    chance = np.minimum(CSLS_K / np.maximum(texts, 1), 1.0)
    spread = np.sqrt(texts[:, None] * (chance * (1 - chance))[None, :])
    return np.divide(
        1 - 2 * chance[None, :], spread, out=np.full(spread.shape, np.nan), where=spread > 0
    )

"""Recall of translations by CSLS, which hubs can't win."""

import numpy as np
from jaxtyping import Float

from alignkit.metrics import ALIGNMENT, ParallelVectors, metric


@metric(
    "csls_recall",
    needs="vectors",
    cutoffs=(1, 5, 10),
    settings=ALIGNMENT,
    higher_is_better=True,
    bounds=(0.0, 1.0),
    source="MUSE (Conneau et al. 2018, arXiv 1710.04087, eq. 4), 10 neighbours",
    best=1.0,
    random=lambda queries, k: np.minimum(k / queries.present.sum(axis=0), 1.0),
    undefined="no id is present in both languages, or a language has fewer than 10 queries",
)
def csls_recall(queries: ParallelVectors, k: int) -> Float[np.ndarray, "ids languages languages"]:
    """Share of queries whose translation is among the k best by CSLS.

    CSLS is twice the cosine less both texts' mean cosine with their 10 nearest in the other
    language. Where it is far above recall@k, hubs stand in the way of translations.

    Examples
    --------
    >>> ten = np.eye(10)[:, None, :].repeat(2, axis=1)
    >>> csls_recall(ParallelVectors(ten, np.ones((10, 2), bool)), 1)[:, 0, 1].mean().item()
    1.0
    """
    rank = queries.neighbours.csls_rank
    return np.where(np.isnan(rank), np.nan, rank <= k)

"""language_share@k."""

import numpy as np
from jaxtyping import Float

from alignkit.metrics import BIAS, LanguageShares, metric

Shares = Float[np.ndarray, "queries languages"]


@metric(
    "language_share",
    needs="shares",
    cutoffs=(10,),
    settings=BIAS,
    higher_is_better=None,
    bounds=(0.0, 1.0),
    source="LAReQA, arXiv 2004.05484; alignkit's tie rule",
    best=lambda shares, _: shares.relevant,
    random=lambda shares, _: np.broadcast_to(shares.pool, shares.relevant.shape),
)
def language_share(shares: LanguageShares, k: int) -> tuple[Shares, Shares]:
    """Share of each passage language among the k best of the multilingual pool.

    A row of the matrix (one query language) sums to 1. Passages that tie at the cut share the
    places left. Compare with the share of relevant passages: see same_language_lift.

    Examples
    --------
    >>> best = {10: np.array([[0.8, 0.2]])}
    >>> language_share(LanguageShares(best, np.array([[0.5, 0.5]])), 10)[0].tolist()
    [[0.8, 0.2]]
    """
    return shares.observed[k], np.ones_like(shares.relevant)

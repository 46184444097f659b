"""same_language_lift@k."""

import numpy as np
from jaxtyping import Float

from alignkit.metrics import BIAS, LanguageShares, metric

Shares = Float[np.ndarray, "queries languages"]


@metric(
    "same_language_lift",
    needs="shares",
    cutoffs=(10,),
    settings=BIAS,
    higher_is_better=False,
    bounds=(0.0, np.inf),
    source="alignkit, from language_share@k",
    best=lambda shares, _: shares.relevant,
    random=lambda shares, _: np.broadcast_to(shares.pool, shares.relevant.shape),
    undefined="the language has no relevant passage",
)
def same_language_lift(shares: LanguageShares, k: int) -> tuple[Shares, Shares]:
    """Share of a language among the k best over its share among the relevant passages.

    1 is fair; 3 says that the language appears three times as often as its answers do. The
    figure of a query language is that of its own language; pairs give every passage language.
    Shares are averaged over queries before they are divided. Undefined where the language has no
    relevant passage.

    Examples
    --------
    >>> best = {10: np.array([[0.8, 0.2]])}
    >>> observed, relevant = same_language_lift(LanguageShares(best, np.array([[0.5, 0.5]])), 10)
    >>> (observed / relevant).tolist()
    [[1.6, 0.4]]
    """
    return shares.observed[k], shares.relevant

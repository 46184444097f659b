"""MRR: mean reciprocal rank."""

from alignkit.kernels import chance
from alignkit.metrics import ALIGNMENT, RETRIEVAL, RelevantRanks, Values, metric


@metric(
    "mrr",
    needs="ranks",
    settings=RETRIEVAL + ALIGNMENT,
    higher_is_better=True,
    bounds=(0.0, 1.0),
    source="Voorhees 1999; trec_eval `recip_rank`",
    best=1.0,
    random=lambda ranks: ranks.per_kind(chance.reciprocal_rank),
)
def reciprocal_rank(ranks: RelevantRanks) -> Values:
    """One over the rank of the best relevant passage, over the full ranking.

    Examples
    --------
    >>> import numpy as np
    >>> reciprocal_rank(RelevantRanks(np.array([0, 0]), np.array([4, 9]), 1)).tolist()
    [0.25]
    """
    return 1.0 / ranks.rank[ranks.first]

"""precision@k."""

import numpy as np

from alignkit.metrics import RETRIEVAL, RelevantRanks, Values, metric


@metric(
    "precision",
    needs="ranks",
    cutoffs=(1, 10),
    settings=RETRIEVAL,
    higher_is_better=True,
    bounds=(0.0, 1.0),
    source="Manning et al. 2008, ch. 8; trec_eval `P`",
    best=lambda ranks, k: np.minimum(ranks.count, k) / k,
    random=lambda ranks, _: ranks.count / ranks.sizes,
)
def precision(ranks: RelevantRanks, k: int) -> Values:
    """Share of the k best passages that are relevant; the divisor is k even in a smaller pool.

    With R relevant passages it can't exceed R / k.

    Examples
    --------
    >>> precision(RelevantRanks(np.array([0, 0]), np.array([2, 40]), 1), 10).tolist()
    [0.1]
    """
    return ranks.per_search(ranks.rank <= k) / k

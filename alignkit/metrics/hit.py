"""hit@k."""

import numpy as np

from alignkit.kernels import chance
from alignkit.metrics import RETRIEVAL, RelevantRanks, Values, metric


@metric(
    "hit",
    needs="ranks",
    cutoffs=(1, 5, 10, 100),
    settings=RETRIEVAL,
    higher_is_better=True,
    bounds=(0.0, 1.0),
    source="trec_eval `success`",
    best=1.0,
    random=lambda ranks, k: ranks.per_kind(lambda n, r: chance.any_within(n, r, k)),
)
def hit(ranks: RelevantRanks, k: int) -> Values:
    """1 if any relevant passage is among the k best of the pool, else 0.

    Many papers call this recall@k.

    Examples
    --------
    >>> hit(RelevantRanks(np.array([0, 0, 1]), np.array([2, 40, 12]), 2), 10).tolist()
    [1.0, 0.0]
    """
    return (ranks.per_search(ranks.rank <= k) > 0).astype(np.float64)

"""complete@k."""

import numpy as np

from alignkit.kernels import chance
from alignkit.metrics import BIAS, RelevantRanks, Values, metric


@metric(
    "complete",
    needs="ranks",
    cutoffs=(10, 20, 100),
    settings=BIAS,
    higher_is_better=True,
    bounds=(0.0, 1.0),
    source="alignkit; the share of queries with max_rank ≤ k",
    best=lambda ranks, k: (ranks.count <= k).astype(np.float64),
    random=lambda ranks, k: ranks.per_kind(lambda n, r: chance.all_within(n, r, k)),
)
def complete(ranks: RelevantRanks, k: int) -> Values:
    """1 if every relevant passage, in whatever language, is among the k best, else 0.

    With more than k relevant passages it is 0 for every model.

    Examples
    --------
    >>> complete(RelevantRanks(np.array([0, 0, 1]), np.array([2, 40, 3]), 2), 20).tolist()
    [0.0, 1.0]
    """
    return (ranks.rank[ranks.first + ranks.count - 1] <= k).astype(np.float64)

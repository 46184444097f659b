"""Max rank: how deep one must read to have every language's answer."""

import numpy as np

from alignkit.metrics import BIAS, RelevantRanks, Values, metric


@metric(
    "max_rank",
    needs="ranks",
    settings=BIAS,
    higher_is_better=False,
    bounds=(1.0, np.inf),
    source="the field's Max@R",
    best=lambda ranks: ranks.count.astype(np.float64),
    random=lambda ranks: (ranks.sizes + 1) * ranks.count / (ranks.count + 1),
)
def max_rank(ranks: RelevantRanks) -> Values:
    """Worst rank among a query's relevant passages in the multilingual pool, in ranks.

    With R relevant passages the least possible value is R.

    Examples
    --------
    >>> max_rank(RelevantRanks(np.array([0, 0, 0]), np.array([1, 2, 40]), 1)).tolist()
    [40.0]
    """
    return ranks.rank[ranks.first + ranks.count - 1].astype(np.float64)

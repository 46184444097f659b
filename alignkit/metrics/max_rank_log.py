"""The worst answer's rank on a logarithmic scale."""

import numpy as np

from alignkit.kernels import chance
from alignkit.metrics import BIAS, RelevantRanks, Values, metric


@metric(
    "max_rank_log",
    needs="ranks",
    settings=BIAS,
    higher_is_better=True,
    bounds=(0.0, 100.0),
    source="the field's Max@R, log-normalised",
    best=100.0,
    random=lambda ranks: ranks.per_kind(
        lambda n, r: _normalised(chance.log_worst_rank(n, r), n, r)
    ),
    undefined="every passage of the pool is relevant",
)
def max_rank_log(ranks: RelevantRanks) -> Values:
    """Worst rank of a query's relevant passages, from 0 (last of the pool) to 100 (none before).

    100 (log2 N - log2 max rank) / (log2 N - log2 R) with N passages in the multilingual pool and R
    relevant ones: going from rank 1,000 to 500 counts as much as going from 20 to 10.

    Examples
    --------
    Two answers, the worse at rank 8 of 32:

    >>> pool = np.array([32])
    >>> max_rank_log(RelevantRanks(np.array([0, 0]), np.array([1, 8]), 1, pool=pool)).tolist()
    [50.0]
    """
    worst = ranks.rank[ranks.first + ranks.count - 1]
    return _normalised(np.log2(worst), ranks.sizes, ranks.count)


def _normalised(log_worst: Values, pool: np.ndarray, relevant: np.ndarray) -> Values:
    span = np.log2(pool) - np.log2(relevant)
    above = 100.0 * (np.log2(pool) - log_worst)
    return np.divide(above, span, out=np.full(len(span), np.nan), where=span > 0)

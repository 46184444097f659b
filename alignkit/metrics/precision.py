"""precision@k."""

from alignkit.metrics import RETRIEVAL, RelevantRanks, Values, metric


@metric(
    "precision",
    needs="ranks",
    cutoffs=(1, 10),
    settings=RETRIEVAL,
    higher_is_better=True,
    bounds=(0.0, 1.0),
    source="Manning et al. 2008, ch. 8; trec_eval `P`",
)
def precision(ranks: RelevantRanks, k: int) -> Values:
    """Share of the k best passages that are relevant; the divisor is k even in a smaller pool.

    With R relevant passages it can't exceed R / k.

    Examples
    --------
    >>> import numpy as np
    >>> precision(RelevantRanks(np.array([0, 0]), np.array([2, 40]), 1), 10).tolist()
    [0.1]
    """
    return ranks.per_search(ranks.rank <= k) / k

"""nDCG@k."""

import numpy as np

from alignkit.metrics import RETRIEVAL, RelevantRanks, Values, metric


def _ideal(ranks: RelevantRanks, k: int) -> Values:
    """Discounted gain of the best possible order."""
    best_first = np.lexsort((-ranks.gain, ranks.search))
    place = np.arange(len(ranks.rank)) - ranks.first[ranks.search] + 1
    ideal = np.where(place <= k, ranks.gain[best_first] / np.log2(place + 1), 0.0)
    return ranks.per_search(ideal)


def _expected(ranks: RelevantRanks, k: int) -> Values:
    """Nothing but the mean gain is to be expected of each place."""
    discount = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(2, k + 2)))])
    mean_gain = ranks.per_search(ranks.gain) / ranks.sizes
    return mean_gain * discount[np.minimum(ranks.sizes, k)] / _ideal(ranks, k)


@metric(
    "ndcg",
    needs="ranks",
    cutoffs=(10,),
    settings=RETRIEVAL,
    higher_is_better=True,
    bounds=(0.0, 1.0),
    source="Järvelin & Kekäläinen 2002; trec_eval `ndcg_cut`",
    best=1.0,
    random=_expected,
)
def ndcg(ranks: RelevantRanks, k: int) -> Values:
    """Discounted gain of the k best passages over that of the best possible order.

    Gain is the relevance itself, the discount log2(rank + 1), as in trec_eval; some tools take
    2^relevance - 1, which differs for graded relevance.

    Examples
    --------
    One relevant passage at rank 3:

    >>> ndcg(RelevantRanks(np.array([0]), np.array([3]), 1), 10).tolist()
    [0.5]
    """
    gained = ranks.per_search(np.where(ranks.rank <= k, ranks.gain / np.log2(ranks.rank + 1), 0.0))
    return gained / _ideal(ranks, k)

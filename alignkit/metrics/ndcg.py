"""nDCG@k."""

import numpy as np

from alignkit.metrics import RETRIEVAL, RelevantRanks, Values, metric


def _ideal(search: np.ndarray, gain: np.ndarray, n_searches: int, k: int) -> Values:
    """Discounted gain of the best possible order."""
    best_first = np.lexsort((-gain, search))
    ordered = search[best_first]
    place = np.arange(len(ordered)) - np.searchsorted(ordered, ordered) + 1
    ideal = np.where(place <= k, gain[best_first] / np.log2(place + 1), 0.0)
    return np.bincount(ordered, ideal, n_searches)


def _best(ranks: RelevantRanks, k: int) -> Values:
    return _ideal(ranks.search, ranks.gain, ranks.n_searches, k) / _wanted(ranks, k)


def _wanted(ranks: RelevantRanks, k: int) -> Values:
    """Discounted gain of the best order of all relevant passages, those in no pool included."""
    search, gain = ranks.search, ranks.gain
    if ranks.unfindable is not None:
        search = np.concatenate([search, ranks.unfindable[0]])
        gain = np.concatenate([gain, ranks.unfindable[1].astype(float)])
    return _ideal(search, gain, ranks.n_searches, k)


def _expected(ranks: RelevantRanks, k: int) -> Values:
    """Nothing but the mean gain is to be expected of each place."""
    discount = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(2, k + 2)))])
    mean_gain = ranks.per_search(ranks.gain) / ranks.sizes
    return mean_gain * discount[np.minimum(ranks.sizes, k)] / _wanted(ranks, k)


@metric(
    "ndcg",
    needs="ranks",
    cutoffs=(10,),
    settings=RETRIEVAL,
    higher_is_better=True,
    bounds=(0.0, 1.0),
    source="Järvelin & Kekäläinen 2002; trec_eval `ndcg_cut`",
    best=_best,
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
    return gained / _wanted(ranks, k)

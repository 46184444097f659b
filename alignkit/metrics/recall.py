"""recall@k."""

import numpy as np

from alignkit.metrics import ALIGNMENT, RETRIEVAL, RelevantRanks, Values, metric


@metric(
    "recall",
    needs="ranks",
    cutoffs=(1, 5, 10, 100),
    settings=RETRIEVAL + ALIGNMENT,
    higher_is_better=True,
    bounds=(0.0, 1.0),
    source="Manning et al. 2008, ch. 8; trec_eval `recall`",
    best=lambda ranks, k: np.minimum(ranks.count, k) / ranks.wanted,
    random=lambda ranks, k: np.minimum(k / ranks.sizes, 1.0) * ranks.count / ranks.wanted,
)
def recall(ranks: RelevantRanks, k: int) -> Values:
    """Share of the relevant passages that are among the k best of the pool.

    With one relevant passage in the pool it is the same as hit@k. Relevant passages that are
    missing from the corpus are not found, as in trec_eval.

    Examples
    --------
    Two of three relevant passages among the ten best:

    >>> recall(RelevantRanks(np.array([0, 0, 0]), np.array([2, 9, 40]), 1), 10).round(3).tolist()
    [0.667]
    """
    return ranks.per_search(ranks.rank <= k) / ranks.wanted

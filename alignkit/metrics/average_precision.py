"""mAP: mean average precision."""

from alignkit.kernels import chance
from alignkit.metrics import RETRIEVAL, RelevantRanks, Values, metric


@metric(
    "map",
    needs="ranks",
    settings=RETRIEVAL,
    higher_is_better=True,
    bounds=(0.0, 1.0),
    source="Manning et al. 2008, ch. 8; trec_eval `map`; LAReQA, arXiv 2004.05484",
    best=lambda ranks: ranks.count / ranks.wanted,
    random=lambda ranks: ranks.per_kind(chance.average_precision) * ranks.count / ranks.wanted,
)
def average_precision(ranks: RelevantRanks) -> Values:
    """Mean, over the relevant passages, of the precision at the rank of each.

    Over the full ranking, divided by the number of relevant passages. XTREME-R reports another
    measure under this name: cut at 20 and divided by min(R, 20).

    Examples
    --------
    Relevant passages at ranks 1 and 4, so (1/1 + 2/4) / 2:

    >>> import numpy as np
    >>> average_precision(RelevantRanks(np.array([0, 0]), np.array([1, 4]), 1)).tolist()
    [0.75]
    """
    return ranks.per_search(ranks.found / ranks.rank) / ranks.wanted

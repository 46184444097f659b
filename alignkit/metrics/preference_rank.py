"""preference_rank: the LAReQA heat map of language bias."""

import numpy as np

from alignkit.metrics import BIAS, RelevantRanks, Values, metric


@metric(
    "preference_rank",
    needs="relevant",
    settings=BIAS,
    higher_is_better=False,
    bounds=(1.0, np.inf),
    source="LAReQA, arXiv 2004.05484 (heat map of languages)",
    best=1.0,
    random=lambda ranks: (ranks.sizes[ranks.search] + 1) / 2,
)
def preference_rank(ranks: RelevantRanks) -> Values:
    """Mean rank, in the multilingual pool, of a query language's answers in each passage language.

    A fair model has equal numbers along a row. A biased one has its least on the diagonal.

    Examples
    --------
    >>> preference_rank(RelevantRanks(np.array([0, 0]), np.array([1, 40]), 1)).tolist()
    [1.0, 40.0]
    """
    return ranks.rank.astype(np.float64)

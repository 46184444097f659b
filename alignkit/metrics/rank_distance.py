"""Rank distance: how far apart the languages' answers to one query rank."""

import numpy as np

from alignkit.metrics import BIAS, RelevantRanks, Values, metric


@metric(
    "rank_distance",
    needs="ranks",
    settings=BIAS,
    higher_is_better=False,
    bounds=(0.0, np.inf),
    source="arXiv 2408.10536 §evaluation, after Huang et al. 2023 (KD-SPD)",
    best=lambda ranks: ranks.count - 1.0,
    random=lambda ranks: (ranks.sizes + 1) * (ranks.count - 1) / (ranks.count + 1),
)
def rank_distance(ranks: RelevantRanks) -> Values:
    """Worst minus best rank among a query's relevant passages in the multilingual pool, in ranks.

    With R relevant passages the least possible value is R - 1, not 0; a random ranking of N
    passages expects (N + 1)(R - 1)/(R + 1). Zero for a query with one relevant passage.

    Examples
    --------
    One question whose German, English and Thai answers rank 1, 2 and 40:

    >>> rank_distance(RelevantRanks(np.array([0, 0, 0]), np.array([1, 2, 40]), 1)).tolist()
    [39.0]
    """
    best = ranks.rank[ranks.first]
    worst = ranks.rank[ranks.first + ranks.count - 1]
    return (worst - best).astype(np.float64)

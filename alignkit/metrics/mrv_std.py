"""Mean rank standard deviation of a question's answers, each in its own language's pool."""

import numpy as np

from alignkit.metrics import BIAS, LanguageRanks, Values, metric


def _simulated(ranks: LanguageRanks, draws: int = 20_000) -> Values:
    """Simulate random ranks for each set of languages that occurs: no closed form is known."""
    patterns, which = np.unique(~np.isnan(ranks.own), axis=0, return_inverse=True)
    rng = np.random.default_rng(0)
    drawn = rng.integers(1, ranks.pools + 1, (draws, len(ranks.pools)))
    spreads = [
        drawn[:, pattern].std(axis=1).mean() if pattern.sum() > 1 else np.nan
        for pattern in patterns
    ]
    return np.array(spreads)[which.ravel()]


@metric(
    "mrv_std",
    needs="blocks",
    settings=BIAS,
    higher_is_better=False,
    bounds=(0.0, np.inf),
    source="arXiv 2406.18254, its released code",
    best=0.0,
    random=_simulated,
    undefined="no query has answers in two languages",
)
def mrv_std(ranks: LanguageRanks) -> Values:
    """Spread (standard deviation), over languages, of the rank that a query's answer takes.

    The rank is taken in the pool of the answer's language, so it asks whether the same question is
    answered as well in every language, not whether languages mix. The paper's name says variance;
    its released code averages this. Pools of unequal size add to it.

    Examples
    --------
    The answer ranks 1 among the German passages and 3 among the English:

    >>> own = np.array([[1.0, 3.0]])
    >>> mrv_std(LanguageRanks(own, own, np.array([9, 9]))).tolist()
    [1.0]
    """
    known = (~np.isnan(ranks.own)).sum(axis=1) > 1
    spread = np.full(len(known), np.nan)
    spread[known] = np.nanstd(ranks.own[known], axis=1)
    return spread

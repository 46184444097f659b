"""Mean rank variance of a question's answers, each in its own language's pool."""

import numpy as np

from alignkit.metrics import BIAS, LanguageRanks, Values, metric


def _expected(ranks: LanguageRanks) -> Values:
    """Add the variance of a random rank and that between the pools' mean ranks."""
    known = ~np.isnan(ranks.own)
    n = np.maximum(known.sum(axis=1), 1)
    mean = np.where(known, (ranks.pools + 1) / 2, 0.0)
    between = (mean**2).sum(axis=1) / n - (mean.sum(axis=1) / n) ** 2
    within = np.where(known, (ranks.pools**2 - 1) / 12, 0.0).sum(axis=1) / n * (1 - 1 / n)
    return np.where(n > 1, between + within, np.nan)


@metric(
    "mrv_var",
    needs="blocks",
    settings=BIAS,
    higher_is_better=False,
    bounds=(0.0, np.inf),
    source="arXiv 2406.18254, its text (mean rank variance)",
    best=0.0,
    random=_expected,
    undefined="no query has answers in two languages",
)
def mrv_var(ranks: LanguageRanks) -> Values:
    """Spread (variance), over languages, of the rank that a query's answer takes.

    The rank is taken in the pool of the answer's language, so it asks whether the same question is
    answered as well in every language, not whether languages mix. The paper's released code
    averages the standard deviation under this name: see mrv_std. Pools of unequal size add to it.

    Examples
    --------
    The answer ranks 1 among the German passages and 3 among the English:

    >>> own = np.array([[1.0, 3.0]])
    >>> mrv_var(LanguageRanks(own, own, np.array([9, 9]))).tolist()
    [1.0]
    """
    known = (~np.isnan(ranks.own)).sum(axis=1) > 1
    spread = np.full(len(known), np.nan)
    spread[known] = np.nanvar(ranks.own[known], axis=1)
    return spread

"""Friedman's test, whether a question's answers rank alike, whatever their language."""

from dataclasses import dataclass

import numpy as np

from alignkit.metrics import BIAS, LanguageRanks, Values, metric

_UNDEFINED = "fewer than two queries have an answer in every language, or all tie"


@dataclass(frozen=True)
class _Test:
    """Kendall's W, each id's share of it (NaN where a query is left out), and the design's size."""

    w: float
    shares: Values
    n: int
    languages: int

    @property
    def chi2(self) -> float:
        """Friedman's statistic."""
        return self.n * (self.languages - 1) * self.w

    def spread(self, value: float) -> Values:
        """Give a value to every id that counts."""
        return np.where(np.isnan(self.shares), np.nan, value)


def _test(ranks: LanguageRanks) -> _Test:
    """Rank the languages within each query that is answered in all of them.

    W = U / C: U the sum of squared deviations of the languages' mean ranks, over its greatest
    value, C the correction for ties (Siegel & Castellan 1988, ch. 9).
    """
    found: np.ndarray = ~np.isnan(ranks.mixed)
    occurs = found.any(axis=0)
    whole = found[:, occurs].all(axis=1) & found.any(axis=1)
    n, m = int(whole.sum()), int(occurs.sum())
    shares = np.full(len(ranks.mixed), np.nan)
    if n < 2 or m < 2:
        return _Test(np.nan, shares, n, m)
    asked = ranks.mixed[whole][:, occurs]
    one, other = asked[:, :, None], asked[:, None, :]
    equal = (one == other).sum(axis=2)  # each with itself too
    within = (one > other).sum(axis=2) + (equal + 1) / 2
    mean = within.mean(axis=0)
    away = mean - (m + 1) / 2
    # Sum of t³ - t over the groups of t tied ranks: each of the t sees t² - 1.
    ties = (equal**2 - 1).sum(axis=1) / (m * (m**2 - 1))
    correction = 1 - ties.mean()
    if correction <= 0:
        return _Test(np.nan, shares, n, m)
    scale = 12 / (m * (m**2 - 1))
    w = scale * (away**2).sum() / correction
    moved = 2 * scale * (within - mean) @ away
    shares[whole] = w + (moved + w * (ties - ties.mean())) / correction
    return _Test(float(w), shares, n, m)


@metric(
    "friedman",
    needs="blocks",
    settings=BIAS,
    higher_is_better=False,
    bounds=(0.0, 1.0),
    source="Friedman 1937; Kendall & Babington Smith 1939 (W)",
    best=0.0,
    random=lambda ranks: _test(ranks).spread(1 / max(_test(ranks).n, 1)),
    undefined=_UNDEFINED,
)
def friedman(ranks: LanguageRanks) -> Values:
    """Kendall's W: how much a query's answers rank in the same order of languages, query by query.

    0 if no language is preferred, 1 if every query ranks its answers' languages in one order. The
    effect size of Friedman's test on ranks in the multilingual pool, blocked by query; it takes
    the place of peer@k where a query has one answer a language. Queries without an answer in
    every language are left out. friedman_chi2 and friedman_p belong to it.

    Examples
    --------
    Two queries that both rank German before English:

    >>> mixed = np.array([[1.0, 9.0], [2.0, 5.0]])
    >>> friedman(LanguageRanks(mixed, mixed, np.array([9, 9]))).mean().item()
    1.0
    """
    return _test(ranks).shares


@metric(
    "friedman_chi2",
    needs="blocks",
    settings=BIAS,
    higher_is_better=False,
    bounds=(0.0, np.inf),
    source="Friedman 1937, corrected for ties",
    best=0.0,
    random=lambda ranks: _test(ranks).spread(_test(ranks).languages - 1.0),
    undefined=_UNDEFINED,
)
def friedman_chi2(ranks: LanguageRanks) -> Values:
    """Friedman's statistic, n (L - 1) W with n queries and L languages: it grows with n.

    Examples
    --------
    >>> mixed = np.array([[1.0, 9.0], [2.0, 5.0]])
    >>> friedman_chi2(LanguageRanks(mixed, mixed, np.array([9, 9]))).mean().item()
    2.0
    """
    test = _test(ranks)
    return test.n * (test.languages - 1) * test.shares


@metric(
    "friedman_p",
    needs="blocks",
    settings=BIAS,
    higher_is_better=None,
    bounds=(0.0, 1.0),
    source="Friedman 1937; chi-square with L - 1 degrees of freedom",
    best=None,
    random=0.5,
    undefined=_UNDEFINED,
    is_resampled=False,
)
def friedman_p(ranks: LanguageRanks) -> Values:
    """P value of Friedman's test that a query language's answers rank alike in every language.

    Small where a language is preferred, and for any bias, however small, with enough queries: read
    it beside `friedman`. Not adjusted for the number of query languages.

    Examples
    --------
    >>> mixed = np.array([[1.0, 9.0], [2.0, 5.0]])
    >>> friedman_p(LanguageRanks(mixed, mixed, np.array([9, 9]))).mean().round(4).item()
    0.1573
    """
    test = _test(ranks)
    from scipy.special import chdtrc  # a fifth of a second to import

    return test.spread(float(chdtrc(test.languages - 1, test.chi2)))

"""What a random ranking is expected to score, in closed form.

n is the size of the pool and r the number of relevant passages in it, (kinds,) each; every order of
the pool is as likely as any other.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float, Int

Counts = Int[np.ndarray, " kinds"]
Values = Float[np.ndarray, " kinds"]


def any_within(n: Counts, r: Counts, k: int) -> Values:
    """Chance that a relevant passage is among the first k."""
    return 1.0 - np.exp(_log_none(n, r, k))


def all_within(n: Counts, r: Counts, k: int) -> Values:
    """Chance that all relevant passages are among the first k: C(k, r) / C(n, r)."""
    k_here = np.minimum(k, n)
    chance = _log_choose(k_here, np.minimum(r, k_here)) - _log_choose(n, r)
    return np.where(r <= k_here, np.exp(chance), 0.0)


def reciprocal_rank(n: Counts, r: Counts) -> Values:
    """Expect of one over the first relevant rank."""
    return _expectation(n, r, lambda rank, pool: pool - rank, lambda rank: 1 / rank)


def log_worst_rank(n: Counts, r: Counts) -> Values:
    """Expect of the binary logarithm of the last relevant rank."""
    return _expectation(n, r, lambda rank, _: rank - 1, np.log2)


def average_precision(n: Counts, r: Counts) -> Values:
    """Expect of average precision over the whole ranking (as in Bestgen 2015)."""
    return _sum_of_precisions(n, r, n) / r


def cut_average_precision(n: Counts, r: Counts, k: int) -> Values:
    """Expect of average precision cut at k and divided by min(r, k)."""
    return _sum_of_precisions(n, r, np.minimum(n, k)) / np.minimum(r, k)


def _sum_of_precisions(n: Counts, r: Counts, cut: Counts) -> Values:
    """Sum, over the first ranks, of the chance to be relevant times the precision there.

    A relevant passage at rank i has (i - 1)(r - 1)/(n - 1) others before it on average.
    """
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, n.max(initial=1) + 1))])[cut]
    others = (r - 1) / np.maximum(n - 1, 1)
    return r / n * (harmonic + others * (cut - harmonic))


def _expectation(
    n: Counts,
    r: Counts,
    free: Callable[[Values, int], Values],
    value: Callable[[Values], Values],
) -> Values:
    """Expect `value` of an extreme rank; `free` says how many places the r - 1 others may take."""
    found = np.empty(len(n))
    for i, (pool, relevant) in enumerate(zip(n.tolist(), r.tolist(), strict=True)):
        rank = np.arange(1.0, pool + 1)
        places = free(rank, pool)
        possible = places >= relevant - 1
        ways = _log_choose(places[possible], relevant - 1) - _log_choose(pool, relevant)
        found[i] = np.exp(ways) @ value(rank[possible])
    return found


def _log_none(n: Counts, r: Counts, k: int) -> Values:
    """Logarithm of the chance that none is among the first k: C(n - r, k) / C(n, k)."""
    k_here = np.minimum(k, n)
    possible = n - r >= k_here
    chance = _log_choose(np.where(possible, n - r, n), k_here) - _log_choose(n, k_here)
    return np.where(possible, chance, -np.inf)


def _log_choose(n: Any, k: Any) -> Any:  # noqa: ANN401
    from scipy.special import gammaln  # a fifth of a second to import

    return gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)

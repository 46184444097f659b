"""Resampling of query ids: bootstrap of means and sign flips of paired differences.

Translations of one question are not independent, so an id with all its languages is the unit.
Both are matrix products of resamples × ids with ids × columns.
"""

import numpy as np
from jaxtyping import Bool, Float

PerId = Float[np.ndarray, "ids columns"]
Resampled = Float[np.ndarray, "resamples outputs"]

_BYTES = 1 << 26  # of one block of sign flips


def bootstrap_weights(
    n_ids: int, n_resamples: int, rng: np.random.Generator
) -> Float[np.ndarray, "resamples ids"]:
    """Count how often each resample of n_ids ids with replacement holds each id."""
    drawn = rng.integers(0, n_ids, (n_resamples, n_ids))
    drawn += np.arange(n_resamples)[:, None] * n_ids
    counts = np.bincount(drawn.ravel(), minlength=n_resamples * n_ids)
    return counts.reshape(n_resamples, n_ids).astype(np.float32)


def weighted_sums(
    weights: Float[np.ndarray, "resamples ids"], per_id: PerId
) -> Float[np.ndarray, "resamples columns"]:
    """Sum over ids, each by its weight; columns that are constant over ids cost no product.

    With weights in float32 the sums are too: right to 1e-6 of themselves, in half of the time.
    """
    if np.all(per_id == per_id[:1]):
        return np.outer(weights.sum(axis=1, dtype=np.float64), per_id[0])
    return (weights @ per_id.astype(weights.dtype, copy=False)).astype(np.float64, copy=False)


def ratios(above: Resampled, below: Resampled) -> Resampled:
    """Divide; NaN where nothing is below."""
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below != 0)


def group_means(
    values: Float[np.ndarray, "resamples columns"], members: Bool[np.ndarray, "columns outputs"]
) -> Resampled:
    """Mean of each output's columns, every column counting the same; NaN columns are left out."""
    defined = ~np.isnan(values)
    if defined.all() and members.any(axis=0).all():
        return values @ (members / members.sum(axis=0))
    weights = members.astype(np.float64)
    total, count = np.where(defined, values, 0.0) @ weights, defined @ weights
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def percentile_interval(
    resampled: Resampled, level: float = 0.95
) -> Float[np.ndarray, "2 outputs"]:
    """Lower and upper end of the percentile interval of each output; NaN resamples are left out."""
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    return _quantiles(resampled, np.broadcast_to(tails[:, None], (2, resampled.shape[1])))


def _quantiles(
    resampled: Resampled, tails: Float[np.ndarray, "2 outputs"]
) -> Float[np.ndarray, "2 outputs"]:
    ordered = np.sort(np.ascontiguousarray(resampled.T), axis=1)  # NaN go last
    count = ordered.shape[1] - np.isnan(ordered).sum(axis=1)
    place = tails * np.maximum(count - 1, 0)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    rows = np.arange(len(ordered))
    low, high = ordered[rows, below], ordered[rows, above]
    return low + (place - below) * (high - low)


def standard_error(resampled: Resampled) -> Float[np.ndarray, " outputs"]:
    """Take the standard deviation over the resamples; those that are NaN are left out."""
    known = ~np.isnan(resampled)
    count = known.sum(axis=0)
    total = np.where(known, resampled, 0.0).sum(axis=0)
    away = np.where(known, resampled - total / np.maximum(count, 1), 0.0)
    variance = (away**2).sum(axis=0) / np.maximum(count - 1, 1)
    return np.where(count > 1, np.sqrt(variance), np.nan)


def bca_interval(
    value: Float[np.ndarray, " outputs"],
    resampled: Resampled,
    without: Float[np.ndarray, "ids outputs"],
    level: float = 0.95,
) -> Float[np.ndarray, "2 outputs"]:
    """Bias-corrected and accelerated interval (Efron 1987; Efron & Tibshirani 1993, ch. 14).

    `without` holds the values without each id, from which the acceleration comes. Where all
    resamples lie on one side of the value, or are equal, it is the percentile interval.
    """
    from scipy.special import ndtr, ndtri  # a fifth of a second to import

    known = ~np.isnan(resampled)
    count = np.maximum(known.sum(axis=0), 1)
    # Resamples are right to 1e-6 of themselves: nearer to the value than that, they equal it.
    near = np.abs(resampled - value) <= 1e-6 * np.abs(value)
    below = ((resampled < value) & ~near & known).sum(axis=0) + 0.5 * near.sum(axis=0)
    bias = ndtri(np.clip(below / count, 0.5 / count, 1 - 0.5 / count))
    filled = np.where(np.isnan(without), value, without)
    away = filled.mean(axis=0) - filled
    spread = (away**2).sum(axis=0) ** 1.5
    skewed = (away**3).sum(axis=0)
    acceleration = np.divide(skewed, 6 * spread, out=np.zeros_like(spread), where=spread > 0)
    z = bias + ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))[:, None]
    tails = ndtr(bias + z / (1 - acceleration * z))
    return _quantiles(resampled, tails)


def leave_one_out(
    above: PerId, below: PerId, members: Bool[np.ndarray, "columns outputs"]
) -> Float[np.ndarray, "ids outputs"]:
    """Value of each output without each id."""
    rest = [part.sum(axis=0) - part for part in (above, below)]
    # What is left of a sum of one is a rounding error.
    rest[1] = np.where(np.abs(rest[1]) < 1e-9 * np.maximum(below, 1e-300), 0.0, rest[1])
    return group_means(ratios(rest[0], rest[1]), members)


def sign_flip_p_values(
    effects: PerId, n_flips: int, rng: np.random.Generator
) -> Float[np.ndarray, " columns"]:
    """Two-sided p of the sum of each column under random sign flips of whole ids.

    `effects` holds what each id adds to the observed difference. p = (b + 1) / (m + 1), where b of
    m flips give a sum at least as far from 0 as the observed one (Phipson & Smyth 2010).
    """
    n_ids, n_columns = effects.shape
    observed = np.abs(effects.sum(axis=0))
    # Sums of the same numbers in another order must count as equal.
    least = (observed - 1e-6 * np.abs(effects).sum(axis=0)).astype(np.float32)
    columns = np.ascontiguousarray(effects, dtype=np.float32)
    extreme = np.zeros(n_columns, np.int64)
    step = max(1, _BYTES // (4 * max(n_ids, n_columns, 1)))
    for start in range(0, n_flips, step):
        n = min(step, n_flips - start)
        signs = rng.integers(0, 2, (n, n_ids), dtype=np.int8) * np.int8(2) - np.int8(1)
        extreme += (np.abs(signs.astype(np.float32) @ columns) >= least).sum(axis=0)
    return (extreme + 1) / (n_flips + 1)


def holm(p_values: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """Adjust the p values of one family so that it errs at most as often as one test would.

    Holm 1979. NaN stay NaN and don't count as tests.
    """
    adjusted = np.full_like(p_values, np.nan)
    tested = np.flatnonzero(~np.isnan(p_values))
    order = tested[np.argsort(p_values[tested], kind="stable")]
    stepped = p_values[order] * (len(order) - np.arange(len(order)))
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted

"""Measures → values with intervals, over one set of resamples of query ids.

Everything is resampled by query id, all languages of an id together, with the same resamples for
every checkpoint, so that differences are paired. Checkpoints that are runs of one strategy are a
random sample of its runs: what a further run would do differently is added to the interval.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from alignkit.kernels.resampling import (
    bca_interval,
    bootstrap_weights,
    group_means,
    leave_one_out,
    percentile_interval,
    ratios,
    weighted_sums,
)
from alignkit.measures import Design, Measured, Measures

Array = np.ndarray
IntervalKind = Literal["percentile", "bca"]
INTERVALS: tuple[IntervalKind, ...] = ("percentile", "bca")


@dataclass(frozen=True, eq=False)
class Summary:
    """Value, interval and resamples of one metric in one setting, for each of its outputs.

    `without` holds the values without each id, (ids, outputs), if BCa intervals are asked for.
    """

    value: Array  # (outputs,)
    interval: Array  # (2, outputs)
    resampled: Array  # (resamples, outputs), ids alone
    without: Array | None = None


@dataclass(frozen=True)
class RunEffect:
    """What runs add to the variance of an estimate: its standard error, and degrees of freedom."""

    error: Array  # (outputs,)
    freedom: Array  # (outputs,)


class Resampler:
    """Summarises measures over one set of resamples of query ids.

    A class because it remembers: metrics that share an array, as recall@k and hit@k do where one
    passage is relevant, and designs that many metrics share, are worked out once.
    """

    def __init__(
        self,
        n_ids: int,
        n_resamples: int,
        rng: np.random.Generator,
        kind: IntervalKind = "percentile",
    ) -> None:
        self._once = np.ones((1, n_ids))
        self._weights = bootstrap_weights(n_ids, n_resamples, rng)
        self._uniform = rng.random(n_resamples)
        self._kind = kind
        self._below: dict[Design, tuple[Array, Array]] = {}
        self._summaries: dict[tuple[int, Design], Summary] = {}

    def summarise(self, measured: Measured) -> Summary:
        """Values and intervals of every output."""
        if measured.runs is not None:
            return self._summarise(measured)  # its arrays are its own
        key = (id(measured.numerator), measured.design)
        if key not in self._summaries:
            self._summaries[key] = self._summarise(measured)
        return self._summaries[key]

    def _summarise(self, measured: Measured) -> Summary:
        design = measured.design
        if design not in self._below:
            self._below[design] = self._sums(design.denominator)
        value, resampled = (
            group_means(ratios(above, below), design.members)
            for above, below in zip(
                self._sums(measured.numerator), self._below[design], strict=True
            )
        )
        without = None
        if self._kind == "bca":
            without = leave_one_out(measured.numerator, design.denominator, design.members)
        own = Summary(value[0], np.empty((2, len(value[0]))), resampled, without)
        interval = self.interval(own, of_runs(measured))
        # One id says nothing of how others would do.
        interval[:, (design.n < 2) | (not measured.is_resampled)] = np.nan
        return replace(own, interval=interval)

    def interval(self, summary: Summary, runs: RunEffect | None) -> Array:
        """95 % interval of each output, (2, outputs): over ids, and over runs where there are.

        With runs it is a percentile interval, whatever was asked for.
        """
        if runs is not None:
            from scipy.special import stdtrit  # a fifth of a second to import

            # The same draw for all outputs: a run that is better is better in all of them.
            drawn = stdtrit(np.maximum(runs.freedom, 1), self._uniform[:, None])
            return percentile_interval(summary.resampled + drawn * runs.error)
        if summary.without is not None:
            return bca_interval(summary.value, summary.resampled, summary.without)
        return percentile_interval(summary.resampled)

    def _sums(self, per_id: Array) -> tuple[Array, Array]:
        """Sum over the data themselves, exactly, and over each resample."""
        return weighted_sums(self._once, per_id), weighted_sums(self._weights, per_id)


def of_runs(measured: Measured) -> RunEffect | None:
    """Work out the standard error of the mean over runs; None for a single checkpoint."""
    if measured.runs is None:
        return None
    n = len(measured.runs)
    deviation = measured.runs.std(axis=0, ddof=1)
    return RunEffect(deviation / np.sqrt(n), np.full(len(deviation), float(n - 1)))


def of_two_strategies(one: Measured, other: Measured) -> RunEffect | None:
    """Work out what runs add to the error of a difference (Welch); None for single checkpoints.

    A single checkpoint beside a strategy with runs is taken for one run, as variable as those.
    """
    counted = [measured for measured in (one, other) if measured.runs is not None]
    if not counted:
        return None
    first = _variance(counted[0])
    if len(counted) == 1:
        one_of_them = of_runs(counted[0])
        assert one_of_them is not None
        return RunEffect(np.hypot(np.sqrt(first), one_of_them.error), one_of_them.freedom)
    parts = [of_runs(measured) for measured in counted]
    squares = [part.error**2 for part in parts if part is not None]
    total = squares[0] + squares[1]
    below = sum(
        square**2 / part.freedom
        for square, part in zip(squares, parts, strict=True)
        if part is not None
    )
    least = min(part.freedom.min(initial=1.0) for part in parts if part is not None)
    freedom = np.divide(total**2, below, out=np.full(len(total), least), where=below > 0)
    return RunEffect(np.sqrt(total), freedom)


def of_same_runs(one: Measured, other: Measured) -> RunEffect | None:
    """Work out what runs add to the error of a difference of what was made of the same runs."""
    if one.runs is None or other.runs is None:
        return None
    return of_runs(replace(other, runs=other.runs - one.runs))


def _variance(measured: Measured) -> Array:
    assert measured.runs is not None
    return measured.runs.var(axis=0, ddof=1)


def pool_runs(runs: list[Measures]) -> Measures:
    """Take the mean of several runs of one strategy, and remember what each of them gave."""
    first = runs[0]
    pooled = [
        replace(
            every[0],
            numerator=np.mean([one.numerator for one in every], axis=0),
            runs=np.array([_value(one) for one in every]),
        )
        for every in zip(*(one.measured for one in runs), strict=True)
    ]
    matrices = {
        name: np.mean([one.matrices[name] for one in runs], axis=0) for name in first.matrices
    }
    return replace(first, measured=pooled, matrices=matrices)


def _value(measured: Measured) -> Array:
    design = measured.design
    cells = ratios(measured.numerator.sum(axis=0)[None], design.denominator.sum(axis=0)[None])
    return group_means(cells, design.members)[0]

"""Measures × measures → values with intervals, and paired differences with p values.

Differences are paired: every checkpoint is measured on the same resamples of query ids.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from alignkit.estimates import (
    IntervalKind,
    Resampler,
    RunEffect,
    Summary,
    of_same_runs,
    of_two_strategies,
)
from alignkit.kernels.resampling import holm, sign_flip_p_values, standard_error
from alignkit.measures import Measured, Measures
from alignkit.metrics import metric_of
from alignkit.tables import AVERAGE, COMPARISON_COLUMNS

Array = np.ndarray
Rows = dict[str, Any]
# Holm multiplies the least p by the size of the family, and p can't be less than 1 / (flips + 1):
# 1,000 flips could never call one of 110 pairs significant. With so many flips for each test of the
# largest family an adjusted p of .04 can be reached.
FLIPS_PER_TEST = 25
# A difference of so many standard errors is found, at a level of 5 %, four times of five.
_DETECTABLE = 1.959964 + 0.841621
_FAMILY = ["dataset", "task", "setting", "metric", "level"]


def tabulate(
    measures: dict[str, Measures],
    baseline: str,
    *,
    n_resamples: int = 1000,
    seed: int = 0,
    interval: IntervalKind = "percentile",
    same_runs: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make the tables `metrics` and `comparisons` (see `Results`) of one dataset.

    `measures` maps labels to what each checkpoint shows on the same dataset. The family that Holm
    adjusts is one metric in one setting at one level (pairs, languages, or the overall mean), over
    all candidates. The first checkpoint need not be the baseline. With `same_runs` a candidate was
    made of the baseline's runs, one by one, and its runs are paired with them.
    """
    rng = np.random.default_rng(seed)
    resampler = Resampler(len(measures[baseline].ids), n_resamples, rng, interval)
    dataset = measures[baseline].dataset
    metrics = [
        _metric_rows(label, dataset, measured, resampler.summarise(measured))
        for label, of_label in measures.items()
        for measured in of_label.measured
    ]
    effect_of_runs = of_same_runs if same_runs else of_two_strategies
    paired = [
        _Pair(label, reference, measured, resampler, effect_of_runs(reference, measured))
        for label, of_label in measures.items()
        if label != baseline
        for reference, measured in zip(measures[baseline].measured, of_label.measured, strict=True)
        if measured.is_resampled
    ]
    return _stack(metrics), _comparisons(baseline, dataset, paired, n_resamples, resampler, rng)


def _metric_rows(label: str, dataset: str, measured: Measured, summary: Summary) -> Rows:
    design = measured.design
    # Influences are linear: near an edge of the range they would step over it.
    low, high = np.clip(summary.interval, *metric_of(measured.metric).bounds)
    return {
        "checkpoint": label, "dataset": dataset, "task": measured.task,
        "setting": measured.setting, "query_language": [asked for asked, _ in design.outputs],
        "passage_language": [answered for _, answered in design.outputs],
        "metric": measured.metric, "value": summary.value, "ci_low": low, "ci_high": high,
        "n": design.n, "best": measured.best, "random": measured.random,
        "reason": _reasons(measured, summary.value),
    }  # fmt: skip


def _reasons(measured: Measured, values: Array) -> list[str | None]:
    """Say why a value is null."""
    return [measured.undefined if np.isnan(value) else None for value in values]


class _Pair:
    """A metric of the baseline beside that of a candidate."""

    def __init__(
        self,
        label: str,
        reference: Measured,
        measured: Measured,
        resampler: Resampler,
        runs: RunEffect | None,
    ) -> None:
        self.label, self.measured = label, measured
        self.base, self.own = resampler.summarise(reference), resampler.summarise(measured)
        self.same_as = (label, id(self.base), id(self.own))  # pairs of the same numbers
        self.runs = runs
        self._reference = reference

    def change(self, resampler: Resampler) -> "_Change":
        """Work the difference out."""
        without = None
        if self.base.without is not None and self.own.without is not None:
            without = self.own.without - self.base.without
        resampled = self.own.resampled - self.base.resampled
        value = self.own.value - self.base.value
        summary = Summary(value, np.empty((2, len(value))), resampled, without)
        interval = resampler.interval(summary, self.runs)
        interval[:, self.measured.design.n < 2] = np.nan
        return _Change(value, interval, standard_error(resampled), self.effects(), self.runs)

    def effects(self) -> Array:
        """Give what each id adds to the difference of each output, (ids, outputs).

        The denominators are the data's, not the checkpoint's, so a difference of ratios is linear
        in the numerators.
        """
        design = self._reference.design
        below = design.denominator.sum(axis=0)
        members = (design.members & (below > 0)[:, None]).astype(float)
        per_cell = members / np.maximum(members.sum(axis=0), 1)
        change = self.measured.numerator - self._reference.numerator
        return change @ (per_cell / np.where(below > 0, below, 1.0)[:, None])


@dataclass(frozen=True)
class _Change:
    """A difference from the baseline: its interval, and what a test of it needs, per output."""

    value: Array
    interval: Array
    error: Array  # standard error over ids
    effects: Array  # (ids, outputs)
    runs: RunEffect | None

    @property
    def whole_error(self) -> Array:
        """Standard error over ids and runs."""
        return self.error if self.runs is None else np.hypot(self.error, self.runs.error)

    def p_of_runs(self, n_ids: Array) -> Array:
        """Two-sided p of Student's t over ids and runs (Satterthwaite's degrees of freedom)."""
        from scipy.special import stdtr  # a fifth of a second to import

        assert self.runs is not None
        whole = self.whole_error
        below = self.error**4 / np.maximum(n_ids - 1, 1) + self.runs.error**4 / self.runs.freedom
        freedom = np.divide(whole**4, below, out=np.ones_like(whole), where=below > 0)
        size = np.divide(
            np.abs(self.value), whole, out=np.full_like(whole, np.inf), where=whole > 0
        )
        return np.where(self.value == 0, 1.0, 2 * stdtr(freedom, -size))


def _comparisons(
    baseline: str,
    dataset: str,
    pairs: list[_Pair],
    n_resamples: int,
    resampler: Resampler,
    rng: np.random.Generator,
) -> pd.DataFrame:
    if not pairs:
        return pd.DataFrame(columns=[*COMPARISON_COLUMNS, "effect_size", "mdd", "reason"])
    distinct = {pair.same_as: pair for pair in pairs}
    changes = {key: pair.change(resampler) for key, pair in distinct.items()}
    effects = [change.effects for change in changes.values()]
    n_flips = max(n_resamples, FLIPS_PER_TEST * max(block.shape[1] for block in effects))
    p_values = sign_flip_p_values(np.hstack(effects), n_flips, rng)
    starts = np.cumsum([0, *(block.shape[1] for block in effects)])
    p_of = {key: p_values[starts[i] : starts[i + 1]] for i, key in enumerate(changes)}
    table = _stack(
        [
            _comparison_rows(baseline, dataset, pair, changes[pair.same_as], p_of[pair.same_as])
            for pair in pairs
        ]
    )
    table["p_adjusted"] = _adjust(table)
    return table


def _comparison_rows(
    baseline: str, dataset: str, pair: _Pair, change: _Change, flipped: Array
) -> Rows:
    measured, design = pair.measured, pair.measured.design
    p_values = flipped if change.runs is None else change.p_of_runs(design.n)
    untested = np.isnan(change.value) | (design.n < 2)
    rows = {
        "baseline": baseline, "candidate": pair.label, "dataset": dataset, "task": measured.task,
        "setting": measured.setting, "query_language": [asked for asked, _ in design.outputs],
        "passage_language": [answered for _, answered in design.outputs],
        "metric": measured.metric, "baseline_value": pair.base.value,
        "candidate_value": pair.own.value, "delta": change.value, "ci_low": change.interval[0],
        "ci_high": change.interval[1], "p_value": np.where(untested, np.nan, p_values),
        "p_adjusted": np.nan, "n": design.n,
        "effect_size": _effect_size(change.effects, design.n),
        "mdd": np.where(untested, np.nan, _DETECTABLE * change.whole_error),
    }  # fmt: skip
    return {**rows, "reason": _reasons(measured, change.value)}


def _effect_size(effects: Array, n: Array) -> Array:
    """Mean paired difference over its standard deviation, over ids (Cohen's d_z); NaN if none.

    An id without a value adds 0 to both sums.
    """
    mean = effects.sum(axis=0) / np.maximum(n, 1)
    variance = ((effects**2).sum(axis=0) - n * mean**2) / np.maximum(n - 1, 1)
    deviation = np.sqrt(np.maximum(variance, 0.0))
    return np.divide(mean, deviation, out=np.full_like(mean, np.nan), where=deviation > 0)


def _adjust(table: pd.DataFrame) -> Array:
    asked, answered = table["query_language"] == AVERAGE, table["passage_language"] == AVERAGE
    level = np.where(asked, "overall", np.where(answered, "language", "pair"))
    adjusted = np.full(len(table), np.nan)
    p_values = table["p_value"].to_numpy(float)
    for rows in table.assign(level=level).groupby(_FAMILY, sort=False).indices.values():
        adjusted[rows] = holm(p_values[rows])
    return adjusted


def _stack(blocks: list[Rows]) -> pd.DataFrame:
    """Stack blocks of rows whose values are arrays, or scalars that hold for the whole block."""
    lengths = [len(block["reason"]) for block in blocks]
    columns: dict[str, object] = {}
    for name in blocks[0]:
        values = [block[name] for block in blocks]
        if isinstance(values[0], str):
            columns[name] = np.repeat(np.array(values, dtype=object), lengths)
        else:
            full = [np.broadcast_to(value, n) for value, n in zip(values, lengths, strict=True)]
            columns[name] = np.concatenate(full)
    return pd.DataFrame(columns)

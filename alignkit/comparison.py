"""Measures × measures → values with intervals, and paired differences with p values.

Everything is resampled by query id, all languages of an id together, with the same resamples for
every checkpoint, so that differences are paired.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from alignkit.kernels.resampling import (
    bootstrap_weights,
    group_means,
    holm,
    percentile_interval,
    ratios,
    sign_flip_p_values,
    weighted_sums,
)
from alignkit.measures import Design, Measured, Measures
from alignkit.tables import AVERAGE, COMPARISON_COLUMNS

Array = np.ndarray
Rows = dict[str, Any]
# Holm multiplies the least p by the size of the family, and p can't be less than 1 / (flips + 1):
# 1,000 flips could never call one of 110 pairs significant. With so many flips for each test of the
# largest family an adjusted p of .04 can be reached.
FLIPS_PER_TEST = 25
_FAMILY = ["dataset", "task", "setting", "metric", "level"]


@dataclass(frozen=True, eq=False)
class Summary:
    """Value, interval and resamples of one metric in one setting, for each of its outputs."""

    value: Array  # (outputs,)
    interval: Array  # (2, outputs)
    resampled: Array  # (resamples, outputs)


class Resampler:
    """Summarises measures over one set of resamples of query ids.

    A class because it remembers: metrics that share an array, as recall@k and hit@k do where one
    passage is relevant, and designs that many metrics share, are worked out once.
    """

    def __init__(self, n_ids: int, n_resamples: int, rng: np.random.Generator) -> None:
        self._once = np.ones((1, n_ids))
        self._weights = bootstrap_weights(n_ids, n_resamples, rng)
        self._below: dict[Design, tuple[Array, Array]] = {}
        self._summaries: dict[tuple[int, Design], Summary] = {}

    def summarise(self, measured: Measured) -> Summary:
        """Values and percentile intervals of every output."""
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
        return Summary(value[0], percentile_interval(resampled), resampled)

    def _sums(self, per_id: Array) -> tuple[Array, Array]:
        """Sum over the data themselves, exactly, and over each resample."""
        return weighted_sums(self._once, per_id), weighted_sums(self._weights, per_id)


def tabulate(
    measures: dict[str, Measures], baseline: str, *, n_resamples: int = 1000, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make the tables `metrics` and `comparisons` (see `Results`) of one dataset.

    `measures` maps labels to what each checkpoint shows on the same dataset. The family that Holm
    adjusts is one metric in one setting at one level (pairs, languages, or the overall mean), over
    all candidates. The first checkpoint need not be the baseline.
    """
    rng = np.random.default_rng(seed)
    resampler = Resampler(len(measures[baseline].ids), n_resamples, rng)
    dataset = measures[baseline].dataset
    metrics = [
        _metric_rows(label, dataset, measured, resampler.summarise(measured))
        for label, of_label in measures.items()
        for measured in of_label.measured
    ]
    paired = [
        _Pair(label, reference, measured, resampler)
        for label, of_label in measures.items()
        if label != baseline
        for reference, measured in zip(measures[baseline].measured, of_label.measured, strict=True)
    ]
    return _stack(metrics), _comparisons(baseline, dataset, paired, n_resamples, rng)


def _metric_rows(label: str, dataset: str, measured: Measured, summary: Summary) -> Rows:
    design = measured.design
    return {
        "checkpoint": label, "dataset": dataset, "task": measured.task,
        "setting": measured.setting, "query_language": [asked for asked, _ in design.outputs],
        "passage_language": [answered for _, answered in design.outputs],
        "metric": measured.metric, "value": summary.value, "ci_low": summary.interval[0],
        "ci_high": summary.interval[1], "n": design.n,
        "reason": _reasons(design, summary.value),
    }  # fmt: skip


def _reasons(design: Design, values: Array) -> list[str | None]:
    """Say why a value is null."""
    reasons: list[str | None] = [None] * len(values)
    for i in np.flatnonzero(np.isnan(values)):
        asked, answered = design.outputs[i]
        reasons[i] = "no query that counts for this measure" + (
            "" if answered == AVERAGE else f" asks in {asked} and has an answer in {answered}"
        )
    return reasons


class _Pair:
    """A metric of the baseline beside that of a candidate."""

    def __init__(
        self, label: str, reference: Measured, measured: Measured, resampler: Resampler
    ) -> None:
        self.label, self.measured = label, measured
        self.base, self.own = resampler.summarise(reference), resampler.summarise(measured)
        self.same_as = (label, id(self.base), id(self.own))  # pairs of the same numbers
        self._reference = reference

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


def _comparisons(
    baseline: str, dataset: str, pairs: list[_Pair], n_resamples: int, rng: np.random.Generator
) -> pd.DataFrame:
    if not pairs:
        return pd.DataFrame(columns=[*COMPARISON_COLUMNS, "effect_size", "reason"])
    distinct = {pair.same_as: pair for pair in pairs}
    effects = {key: pair.effects() for key, pair in distinct.items()}
    n_flips = max(n_resamples, FLIPS_PER_TEST * max(block.shape[1] for block in effects.values()))
    p_values = sign_flip_p_values(np.hstack(list(effects.values())), n_flips, rng)
    starts = np.cumsum([0, *(block.shape[1] for block in effects.values())])
    p_of = {key: p_values[starts[i] : starts[i + 1]] for i, key in enumerate(effects)}
    interval_of = {
        key: percentile_interval(pair.own.resampled - pair.base.resampled)
        for key, pair in distinct.items()
    }
    table = _stack(
        [
            _comparison_rows(baseline, dataset, pair, interval_of[pair.same_as],
                             effects[pair.same_as], p_of[pair.same_as])
            for pair in pairs
        ]
    )  # fmt: skip
    table["p_adjusted"] = _adjust(table)
    return table


def _comparison_rows(
    baseline: str, dataset: str, pair: _Pair, interval: Array, effects: Array, p_values: Array
) -> Rows:
    measured, design = pair.measured, pair.measured.design
    delta = pair.own.value - pair.base.value
    rows = {
        "baseline": baseline, "candidate": pair.label, "dataset": dataset, "task": measured.task,
        "setting": measured.setting, "query_language": [asked for asked, _ in design.outputs],
        "passage_language": [answered for _, answered in design.outputs],
        "metric": measured.metric, "baseline_value": pair.base.value,
        "candidate_value": pair.own.value, "delta": delta, "ci_low": interval[0],
        "ci_high": interval[1], "p_value": np.where(np.isnan(delta), np.nan, p_values),
        "p_adjusted": np.nan, "n": design.n, "effect_size": _effect_size(effects, design.n),
    }  # fmt: skip
    return {**rows, "reason": _reasons(design, delta)}


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

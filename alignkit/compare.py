"""Measures × measures → values with intervals, and paired differences with p values.

Everything is resampled by query id, all languages of an id together, with the same resamples for
every checkpoint, so that differences are paired.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from alignkit.kernels.resampling import (
    bootstrap_weights,
    group_means,
    holm,
    percentile_interval,
    sign_flip_p_values,
    weighted_ratios,
)
from alignkit.measure import Measured, Measures
from alignkit.tables import AVERAGE, COMPARISON_COLUMNS, METRIC_COLUMNS

Array = np.ndarray
# Holm over the 110 pairs of eleven languages can't reach .05 with 1,000 flips, whose least p is
# .001; ten times as many can.
FLIPS_PER_RESAMPLE = 10
_FAMILY = ["dataset", "task", "setting", "metric", "level"]


@dataclass(frozen=True)
class Summary:
    """Value, interval and resamples of one metric in one setting, for each of its outputs."""

    value: Array  # (outputs,)
    interval: Array  # (2, outputs)
    resampled: Array  # (resamples, outputs)


def summarise(measured: Measured, weights: Array) -> Summary:
    """Values and percentile intervals; `weights` (resamples, ids) from `bootstrap_weights`."""
    once = np.ones((1, weights.shape[1]))
    value = group_means(
        weighted_ratios(once, measured.numerator, measured.denominator), measured.members
    )[0]
    resampled = group_means(
        weighted_ratios(weights, measured.numerator, measured.denominator), measured.members
    )
    return Summary(value, percentile_interval(resampled), resampled)


def tabulate(
    measures: dict[str, Measures], baseline: str, *, n_resamples: int = 1000, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make the tables `metrics` and `comparisons` (see `Results`) of one dataset.

    `measures` maps labels to what each checkpoint shows on the same dataset. The family that Holm
    adjusts is one metric in one setting at one level (pairs, languages, or the overall mean), over
    all candidates.
    """
    n_ids = len(measures[baseline].ids)
    rng = np.random.default_rng(seed)
    weights = bootstrap_weights(n_ids, n_resamples, rng)
    metrics: list[pd.DataFrame] = []
    comparisons: list[pd.DataFrame] = []
    labels = [baseline, *(label for label in measures if label != baseline)]
    effects: list[Array] = []
    for position, reference in enumerate(measures[baseline].measured):
        base = summarise(reference, weights)
        for label in labels:
            measured = measures[label].measured[position]
            own = base if label == baseline else summarise(measured, weights)
            metrics.append(_metric_rows(label, measures[label].dataset, measured, own))
            if label != baseline:
                effects.append(_effects(reference, measured))
                comparisons.append(
                    _comparison_rows(baseline, label, measures[label].dataset, measured,
                                     base, own, effects[-1])
                )  # fmt: skip
    metric_table = pd.concat(metrics, ignore_index=True)
    order = pd.Categorical(metric_table["checkpoint"], list(measures))
    metric_table = metric_table.iloc[np.argsort(order.codes, kind="stable")].reset_index(drop=True)
    if not comparisons:
        return metric_table, pd.DataFrame(columns=[*COMPARISON_COLUMNS, "effect_size", "reason"])
    table = pd.concat(comparisons, ignore_index=True)
    table["p_value"] = _p_values(effects, n_resamples * FLIPS_PER_RESAMPLE, rng)
    table.loc[table["delta"].isna(), "p_value"] = np.nan
    table["p_adjusted"] = _adjust(table)
    return metric_table, table


def _metric_rows(label: str, dataset: str, measured: Measured, summary: Summary) -> pd.DataFrame:
    asked, answered = zip(*measured.outputs, strict=True)
    rows = pd.DataFrame(
        {
            "checkpoint": label, "dataset": dataset, "task": measured.task,
            "setting": measured.setting, "query_language": asked, "passage_language": answered,
            "metric": measured.metric, "value": summary.value, "ci_low": summary.interval[0],
            "ci_high": summary.interval[1], "n": measured.n,
        }
    )  # fmt: skip
    assert list(rows.columns) == METRIC_COLUMNS
    rows["reason"] = _reasons(rows)
    return rows


def _reasons(rows: pd.DataFrame) -> list[str | None]:
    """Say why a value is null."""
    reasons: list[str | None] = []
    for asked, answered, value in zip(
        rows["query_language"], rows["passage_language"], rows["value"], strict=True
    ):
        if not np.isnan(value):
            reasons.append(None)
        elif answered == AVERAGE:
            reasons.append("no query that counts for this measure")
        else:
            reasons.append(f"no {asked} query that counts for this measure has an answer in {answered}")
    return reasons


def _effects(reference: Measured, measured: Measured) -> Array:
    """What each id adds to the difference of each output, (ids, outputs).

    The denominators are the data's, not the checkpoint's, so a difference of ratios is linear in
    the numerators.
    """
    below = reference.denominator.sum(axis=0)
    defined = below > 0
    change = measured.numerator - reference.numerator
    change = np.divide(change, below, out=np.zeros_like(change), where=defined)
    members = reference.members & defined[:, None]
    return change @ (members / np.maximum(members.sum(axis=0), 1))


def _comparison_rows(
    baseline: str,
    label: str,
    dataset: str,
    measured: Measured,
    base: Summary,
    own: Summary,
    effects: Array,
) -> pd.DataFrame:
    asked, answered = zip(*measured.outputs, strict=True)
    low, high = percentile_interval(own.resampled - base.resampled)
    rows = pd.DataFrame(
        {
            "baseline": baseline, "candidate": label, "dataset": dataset, "task": measured.task,
            "setting": measured.setting, "query_language": asked, "passage_language": answered,
            "metric": measured.metric, "baseline_value": base.value, "candidate_value": own.value,
            "delta": own.value - base.value, "ci_low": low, "ci_high": high, "p_value": np.nan,
            "p_adjusted": np.nan, "n": measured.n,
        }
    )  # fmt: skip
    assert list(rows.columns) == COMPARISON_COLUMNS
    rows["effect_size"] = _effect_size(effects, measured)
    rows["reason"] = _reasons(rows.rename(columns={"delta": "value"}))
    return rows


def _effect_size(effects: Array, measured: Measured) -> Array:
    """Mean paired difference over its standard deviation, over ids (Cohen's d_z); NaN if none."""
    counted = (measured.denominator > 0) @ measured.members > 0
    n = counted.sum(axis=0)
    mean = effects.sum(axis=0) / np.maximum(n, 1)
    spread = np.where(counted, effects - mean, 0.0)
    deviation = np.sqrt((spread**2).sum(axis=0) / np.maximum(n - 1, 1))
    return np.divide(mean, deviation, out=np.full_like(mean, np.nan), where=deviation > 0)


def _p_values(effects: list[Array], n_flips: int, rng: np.random.Generator) -> Array:
    """Flip the signs of all outputs at once; columns that stand twice are computed once."""
    columns = np.hstack(effects)
    _, first, which = np.unique(
        np.ascontiguousarray(columns.T).view(np.dtype((np.void, columns.shape[0] * 8))).ravel(),
        return_index=True,
        return_inverse=True,
    )
    return sign_flip_p_values(columns[:, first], n_flips, rng)[which]


def _adjust(table: pd.DataFrame) -> Array:
    asked, answered = table["query_language"] == AVERAGE, table["passage_language"] == AVERAGE
    level = np.where(asked, "overall", np.where(answered, "language", "pair"))
    adjusted = np.full(len(table), np.nan)
    p_values = table["p_value"].to_numpy(float)
    for rows in table.assign(level=level).groupby(_FAMILY, sort=False).indices.values():
        adjusted[rows] = holm(p_values[rows])
    return adjusted

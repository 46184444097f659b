"""What a run says in short: the key figures and a verdict in words, for page, terminal and JSON."""

import math
from typing import Any

import pandas as pd

from alignkit import turning_point
from alignkit.figures import REPAIR
from alignkit.figures.selection import (
    ANSWERS,
    QUESTIONS,
    Change,
    Measure,
    candidates_of,
    changes,
    macro,
    name_of,
    steps_of,
    variant_changes,
    variants_of,
)
from alignkit.figures.words import (
    format_interval,
    format_number,
    format_p,
    higher_is_better,
)
from alignkit.tables import AVERAGE, Results

KEY_MEASURES = (
    Measure(ANSWERS, "monolingual", "map"),
    Measure(ANSWERS, "monolingual", "ndcg@10"),
    Measure(ANSWERS, "cross-lingual", "map"),
    Measure(ANSWERS, "multilingual", "map"),
    Measure(ANSWERS, "multilingual", "recall@10"),
    Measure(ANSWERS, "multilingual", "rank_distance"),
    Measure(ANSWERS, "multilingual", "complete@20"),
    Measure(ANSWERS, "multilingual", "same_language_lift@10"),
    Measure(QUESTIONS, "cross-lingual", "recall@1"),
    Measure(QUESTIONS, "cross-lingual", "cosine_margin"),
)
KEY_COLUMNS = [
    "dataset", "task", "setting", "metric", "checkpoint", "value", "ci_low", "ci_high", "n",
    "delta", "delta_low", "delta_high", "p_value", "p_adjusted", "effect_size", "mdd",
    "higher_is_better", "best", "random", "reason",
]  # fmt: skip

# What the verdict speaks of: the first that has a value. Monolingual mAP is what it may have cost.
_SUBJECTS = (
    Measure(ANSWERS, "multilingual", "rank_distance"),
    Measure(ANSWERS, "cross-lingual", "map"),
    Measure(QUESTIONS, "cross-lingual", "recall@1"),
    Measure(ANSWERS, "monolingual", "ndcg@10"),
)
_COST = Measure(ANSWERS, "monolingual", "map")


def key_table(results: Results) -> pd.DataFrame:
    """List the averages that a reader asks for first, one row a measure and checkpoint.

    Columns KEY_COLUMNS. `delta` to `mdd` compare with the baseline and are NaN in its own rows;
    `reason` says why a value is null. Measures that a dataset does not have are left out.
    """
    rows = [
        _key_row(results, dataset, measure, label)
        for dataset in results.datasets
        for measure in key_measures(results, dataset)
        for label in results.checkpoints
    ]
    return pd.DataFrame(rows, columns=KEY_COLUMNS)


def key_measures(results: Results, dataset: str) -> list[Measure]:
    """List those of the key measures that a dataset has rows of, be they null."""
    return [measure for measure in KEY_MEASURES if len(measure.of(results.metrics, dataset))]


def verdict(results: Results) -> list[str]:
    """Say in a sentence how each candidate differs from the baseline, or where one checkpoint is.

    Whether a difference "could be shown" goes by the Holm-adjusted p where there is one.
    """
    sentences: list[str] = []
    for dataset in results.datasets:
        candidates = candidates_of(results)
        sentences += [_compare(results, dataset, candidate) for candidate in candidates]
        if not candidates:
            sentences.append(_state(results, dataset, results.baseline))
        if variants_of(results, dataset, REPAIR):
            sentences += [_repair(results, dataset, label) for label in results.checkpoints]
    turns = (results.provenance.get("trajectory") or {}).get("turning_points", [])
    return sentences + [turning_point.sentence(one, steps_of(results)[-1]) for one in turns]


def _key_row(results: Results, dataset: str, measure: Measure, label: str) -> dict[str, Any]:
    estimate = macro(results, dataset, measure)[label]
    change = changes(results, dataset, measure, label)[AVERAGE]
    return {
        "dataset": dataset, "task": measure.task, "setting": measure.setting,
        "metric": measure.metric, "checkpoint": label,
        "value": estimate.value, "ci_low": estimate.low, "ci_high": estimate.high, "n": estimate.n,
        "delta": change.delta, "delta_low": change.low, "delta_high": change.high,
        "p_value": change.p_value, "p_adjusted": change.p_adjusted,
        "effect_size": change.effect_size, "mdd": change.mdd,
        "higher_is_better": higher_is_better(results, measure.metric), "best": estimate.best,
        "random": estimate.random, "reason": estimate.reason,
    }  # fmt: skip


def _subject(results: Results, dataset: str) -> tuple[Measure | None, str]:
    """Find the first measure that has a value, and say why the ones before it have none."""
    why = ""
    for measure in _SUBJECTS:
        estimates = macro(results, dataset, measure).values()
        if any(estimate.is_known for estimate in estimates):
            return measure, why
        reasons = [estimate.reason for estimate in estimates if estimate.reason]
        if reasons and not why:
            name = name_of(measure)
            why = f" {name[0].upper()}{name[1:]} is not defined: {reasons[0]}."
    return None, why


def _state(results: Results, dataset: str, label: str) -> str:
    subject, why = _subject(results, dataset)
    parts: list[str] = []
    for measure in [subject, _COST] if subject else [_COST]:
        estimate = macro(results, dataset, measure)[label]
        if estimate.is_known:
            interval = format_interval(estimate.low, estimate.high, measure.metric)
            value = format_number(estimate.value, measure.metric)
            parts.append(f"a {name_of(measure)} of {value} (95 % CI {interval})")
    if not parts:
        return f"On {dataset}, there is nothing to say of {label}.{why}"
    return f"On {dataset}, {label} has {' and '.join(parts)}.{why}"


def _compare(results: Results, dataset: str, candidate: str) -> str:
    subject, why = _subject(results, dataset)
    main = changes(results, dataset, subject, candidate)[AVERAGE] if subject else Change()
    if subject is None or not main.is_known:
        return f"On {dataset}, {candidate} cannot be compared with {results.baseline}.{why}"
    sentence = f"On {dataset}, {_main(results, subject, main, candidate)}"
    cost = changes(results, dataset, _COST, candidate)[AVERAGE]
    if cost.is_known:
        sentence += f"; {_aside(cost)}"
    return f"{sentence}.{why}"


def _main(results: Results, measure: Measure, change: Change, candidate: str) -> str:
    what, metric = name_of(measure), measure.metric
    if not change.is_shown:
        return (
            f"no difference in {what} could be shown between {candidate} and {results.baseline} "
            f"(change {_signed(change, metric)}{_detectable(change, metric)})"
        )
    falls = change.delta < 0
    if change.low * change.high < 0:  # the p-value and the interval may disagree at the edge
        interval = f"of the change {format_interval(change.low, change.high, metric, sign=True)}"
    else:
        low, high = sorted((abs(change.low), abs(change.high)))
        interval = format_interval(low, high, metric)
    worse = ", for the worse" if higher_is_better(results, metric) is falls else ""
    return (
        f"{candidate} {'lowers' if falls else 'raises'} {what} by "
        f"{format_number(abs(change.delta), metric)} (95 % CI {interval}, {format_p(change.p)}) "
        f"against {results.baseline}{worse}"
    )


def _repair(results: Results, dataset: str, label: str) -> str:
    """Name the repair that would help a checkpoint most, and what it would cost."""
    subject, _ = _subject(results, dataset)
    if subject is None:
        return f"What a repair would do to {label} on {dataset} cannot be said."
    sign = 1 if higher_is_better(results, subject.metric) else -1
    found = {
        repair: variant_changes(results, dataset, subject, label, repair)[2]
        for repair in variants_of(results, dataset, REPAIR)
    }
    helpful = {
        repair: change
        for repair, change in found.items()
        if change.is_shown and sign * change.delta > 0
    }
    what = name_of(subject)
    if not helpful:
        return f"No repair could be shown to help the {what} of {label} on {dataset}."
    best = max(helpful, key=lambda repair: sign * helpful[repair].delta)
    sentence = (
        f"Of the repairs, {best} would help the {what} of {label} on {dataset} most, by "
        f"{_signed(helpful[best], subject.metric)}"
    )
    cost = variant_changes(results, dataset, _COST, label, best)[2]
    return f"{sentence}; {_aside(cost)}." if cost.is_known else f"{sentence}."


def _detectable(change: Change, metric: str) -> str:
    """Say how large a difference the data would have shown."""
    if math.isnan(change.mdd):
        return ""
    return f"; one of {format_number(change.mdd, metric)} would have been found four times of five"


def _aside(change: Change) -> str:
    signed = _signed(change, _COST.metric)
    if change.is_shown:
        return f"{name_of(_COST)} changes by {signed}"
    return f"no difference in {name_of(_COST)} could be shown (change {signed})"


def _signed(change: Change, metric: str) -> str:
    delta = format_number(change.delta, metric, sign=True)
    inner = f"95 % CI {format_interval(change.low, change.high, metric, sign=True)}"
    p_value = format_p(change.p)
    return f"{delta} ({inner}, {p_value})" if change.is_shown else f"{delta}, {inner}, {p_value}"

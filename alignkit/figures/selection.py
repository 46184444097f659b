"""Picks from a run's tables what a figure or a table shows."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alignkit.figures.words import metric_label
from alignkit.languages import display_order
from alignkit.tables import AVERAGE, Results

ANSWERS = "answer-retrieval"
QUESTIONS = "question-alignment"
SETTINGS = ("monolingual", "cross-lingual", "multilingual")
SIGNIFICANT = 0.05  # for p_adjusted
GROUP = ":"  # in the label of a group of languages
NAN = float("nan")


@dataclass(frozen=True)
class Measure:
    """What is looked up in the tables: a metric in a task and a setting."""

    task: str
    setting: str
    metric: str

    def of(self, table: pd.DataFrame, dataset: str) -> pd.DataFrame:
        """Rows of `metrics` or `comparisons` that hold this measure."""
        return where(
            table, metric=self.metric, setting=self.setting, task=self.task, dataset=dataset
        )


# What is shown of a training, step by step.
WAY = (
    Measure(ANSWERS, "monolingual", "map"),
    Measure(ANSWERS, "cross-lingual", "map"),
    Measure(ANSWERS, "multilingual", "map"),
    Measure(ANSWERS, "multilingual", "rank_distance"),
    Measure(QUESTIONS, "cross-lingual", "recall@1"),
    Measure(QUESTIONS, "cross-lingual", "cosine_margin"),
)


def name_of(measure: Measure) -> str:
    """Name a measure with its setting, where a reader could take it for another's."""
    label = metric_label(measure.metric)
    if measure.task == QUESTIONS:
        return label if "cosine" in measure.metric else f"{label} of translations"
    return label if measure.metric == "rank_distance" else f"{measure.setting} {label}"


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval; all NaN where it is null, with the reason if one is known."""

    value: float = NAN
    low: float = NAN
    high: float = NAN
    n: float = NAN
    best: float = NAN  # best possible value, NaN where it is not known
    random: float = NAN  # value of a random ranking, NaN where it is not known
    reason: str = ""

    @property
    def is_known(self) -> bool:
        """Whether there is a value."""
        return not math.isnan(self.value)


@dataclass(frozen=True)
class Change:
    """How a candidate differs from the baseline: a row of `comparisons`."""

    delta: float = NAN
    low: float = NAN
    high: float = NAN
    p_value: float = NAN
    p_adjusted: float = NAN
    effect_size: float = NAN
    mdd: float = NAN  # what a test would have found four times of five

    @property
    def is_known(self) -> bool:
        """Whether there is a difference to speak of."""
        return not math.isnan(self.delta)

    @property
    def p(self) -> float:
        """The adjusted p-value, or the plain one where nothing was adjusted."""
        return self.p_value if math.isnan(self.p_adjusted) else self.p_adjusted

    @property
    def is_shown(self) -> bool:
        """Whether the difference is significant."""
        return self.p < SIGNIFICANT


def where(table: pd.DataFrame, **equal: str) -> pd.DataFrame:
    """Rows of a table whose columns have these values."""
    rows = np.arange(len(table))
    for column, value in equal.items():  # each looks at what the ones before have left
        rows = rows[np.asarray(table[column].array.take(rows) == value, bool)]
    return table.iloc[rows]


def languages_of(results: Results, dataset: str | None = None) -> list[str]:
    """Languages of a dataset, or of all, in the order of every figure and table."""
    metrics = results.metrics
    rows = metrics if dataset is None else where(metrics, dataset=dataset)
    codes = {*rows["query_language"].unique(), *rows["passage_language"].unique()}
    return display_order(sorted(code for code in codes - {AVERAGE} if GROUP not in code))


def groups_of(results: Results, dataset: str) -> list[str]:
    """Labels of groups of languages, such as `script:Latn`, grouping by grouping."""
    rows = where(results.metrics, dataset=dataset)
    found = {code for code in rows["query_language"].unique() if GROUP in code}
    order = [str(name) for name in (results.provenance.get("settings") or {}).get("group_by") or ()]
    place = {name: i for i, name in enumerate(order)}
    return sorted(found, key=lambda label: (place.get(label.partition(GROUP)[0], 0), label))


def steps_of(results: Results) -> list[int]:
    """List the steps of a training, in order; none where the run is no trajectory."""
    return (results.provenance.get("trajectory") or {}).get("steps", [])


def candidates_of(results: Results) -> list[str]:
    """Checkpoints that are compared with the baseline; of a training's steps, the last."""
    if steps_of(results):
        return results.checkpoints[-1:]
    return [label for label in results.checkpoints if label != results.baseline]


def macro(results: Results, dataset: str, measure: Measure) -> dict[str, Estimate]:
    """Average over languages or pairs, of every checkpoint in the order of the command line."""
    found = _estimates(results, dataset, measure)
    return {label: found.get((label, AVERAGE), Estimate()) for label in results.checkpoints}


def by_language(results: Results, dataset: str, measure: Measure) -> dict[str, dict[str, Estimate]]:
    """Estimates by query language, groups and AVERAGE last, and by checkpoint."""
    found = _estimates(results, dataset, measure)
    return {
        code: {label: found.get((label, code), Estimate()) for label in results.checkpoints}
        for code in [*languages_of(results, dataset), *groups_of(results, dataset), AVERAGE]
    }


def _estimates(results: Results, dataset: str, measure: Measure) -> dict[tuple[str, str], Estimate]:
    """Estimates by checkpoint and query language."""
    found: dict[tuple[str, str], Estimate] = {}
    rows = _of_languages(measure.of(results.metrics, dataset), measure)
    for checkpoint, language, reason, *numbers in _columns(
        rows, "checkpoint", "query_language", "reason", "value", "ci_low", "ci_high", "n", "best",
        "random",
    ):  # fmt: skip
        said = reason if isinstance(reason, str) else ""
        found[checkpoint, language] = Estimate(*map(_number, numbers), reason=said)
    return found


def changes(results: Results, dataset: str, measure: Measure, candidate: str) -> dict[str, Change]:
    """How a candidate differs from the baseline by query language; AVERAGE is always there."""
    rows = where(measure.of(results.comparisons, dataset), candidate=candidate)
    found = {AVERAGE: Change()}
    for language, *values in _columns(
        _of_languages(rows, measure),
        "query_language", "delta", "ci_low", "ci_high", "p_value", "p_adjusted", "effect_size",
        "mdd",
    ):  # fmt: skip
        found[language] = Change(*map(_number, values))
    return found


def variant_changes(
    results: Results, dataset: str, measure: Measure, checkpoint: str, variant: str
) -> tuple[float, float, Change]:
    """Average of a variant: the value of the vectors as they are, its own, and the change."""
    rows = where(
        measure.of(results.variants, dataset), checkpoint=checkpoint, variant=variant,
        query_language=AVERAGE, passage_language=AVERAGE,
    )  # fmt: skip
    for as_is, value, *change in _columns(
        rows, "as_is", "value", "delta", "ci_low", "ci_high", "p_value", "p_adjusted",
        "effect_size", "mdd",
    ):  # fmt: skip
        return _number(as_is), _number(value), Change(*map(_number, change))
    return NAN, NAN, Change()


def variants_of(results: Results, dataset: str, kind: str) -> list[str]:
    """Names of the repairs or compressions that were measured, in the order of the command line."""
    return list(where(results.variants, dataset=dataset, kind=kind)["variant"].unique())


def _of_languages(rows: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """Leave out pairs: monolingual values stand under (a, a) and (*, *), others under (a, *)."""
    pool = rows["query_language"] if measure.setting == "monolingual" else AVERAGE
    return rows.loc[(rows["passage_language"] == pool).to_numpy(bool)]


def _columns(rows: pd.DataFrame, *names: str) -> list[tuple]:
    nothing = [NAN] * len(rows)  # runs of an older alignkit lack the newer columns
    return list(zip(*(rows[name].tolist() if name in rows else nothing for name in names),
                    strict=True))  # fmt: skip


def _number(value: float | int | None) -> float:
    """Read null, as JSON has it, as NaN."""
    return NAN if value is None else float(value)


def pair_matrix(rows: pd.DataFrame, column: str, languages: list[str]) -> np.ndarray:
    """Values of (query language, passage language), (L, L) float64; NaN where there is none."""
    values = np.full((len(languages), len(languages)), np.nan)
    place = {code: i for i, code in enumerate(languages)}
    for query, passage, value in _columns(rows, "query_language", "passage_language", column):
        if query in place and passage in place:
            values[place[query], place[passage]] = value
    return values

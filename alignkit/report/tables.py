"""The tables of a run in the layout of the papers, written as LaTeX, Markdown and CSV."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from alignkit.figures.selection import (
    ANSWERS,
    SETTINGS,
    SIGNIFICANT,
    WAY,
    Change,
    Estimate,
    Measure,
    by_language,
    candidates_of,
    changes,
    groups_of,
    languages_of,
    macro,
    name_of,
    steps_of,
)
from alignkit.figures.words import (
    format_interval,
    format_number,
    higher_is_better,
    language_label,
    metric_label,
)
from alignkit.report.cells import Footnotes, legend, value_cells
from alignkit.report.formats import comma_separated, latex, markdown
from alignkit.report.layout import Cell, ColumnGroup, Row, Table
from alignkit.report.macros import macros
from alignkit.report.published import Published, published_table
from alignkit.report.signature import signature
from alignkit.report.summary import key_measures
from alignkit.report.variants import variant_tables
from alignkit.tables import AVERAGE, Results

_FORMATS: dict[str, Callable[[Table], str]] = {
    "tex": latex, "md": markdown, "csv": comma_separated
}  # fmt: skip


@dataclass(frozen=True)
class WrittenTable:
    """A table and its files by format ("tex", "md", "csv")."""

    table: Table
    paths: dict[str, Path]


def write_tables(results: Results, folder: Path) -> list[WrittenTable]:
    """Write every table of every dataset into `folder`, and `macros.tex` beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[WrittenTable] = []
    for table in build_tables(results):
        paths = {name: folder / f"{table.stem}.{name}" for name in _FORMATS}
        for name, path in paths.items():
            path.write_text(_FORMATS[name](table), encoding="utf-8", newline="\n")
        written.append(WrittenTable(table, paths))
    (folder / "macros.tex").write_text(macros(results), encoding="utf-8", newline="\n")
    return written


def build_tables(results: Results) -> list[Table]:
    """Lay out the tables of every dataset: the summary first, then mAP and rank distance.

    A table that the data do not fill is left out. Of a training's steps there is one, of its way.
    """
    if steps_of(results):
        return [_way(results, dataset) for dataset in results.datasets]
    tables: list[Table] = []
    for dataset in results.datasets:
        settings = [Measure(ANSWERS, setting, "map") for setting in SETTINGS]
        distance = [Measure(ANSWERS, "multilingual", "rank_distance")]
        for name, measures in (("map", settings), ("rank-distance", distance)):
            present = [measure for measure in measures if len(measure.of(results.metrics, dataset))]
            if present:
                tables.append(_per_language(results, dataset, present, name))
        keys = key_measures(results, dataset)
        if keys:
            tables.insert(0, _summary(results, dataset, keys))
        tables += variant_tables(results, dataset)
        tables += published_table(results, dataset)
    return sorted(tables, key=lambda table: results.datasets.index(table.dataset))


def _way(results: Results, dataset: str) -> Table:
    """Lay out a row a step of a training, a value and its interval a measure."""
    footnotes = Footnotes()
    measures = [measure for measure in WAY if len(measure.of(results.metrics, dataset))]
    ways = [macro(results, dataset, measure) for measure in measures]
    rows: list[Row] = []
    for step, label in zip(steps_of(results), results.checkpoints, strict=True):
        cells: list[Cell] = []
        for measure, way in zip(measures, ways, strict=True):
            one = way[label]
            if not one.is_known:
                cells += [footnotes.missing(one.reason), Cell("")]
                continue
            best = max if higher_is_better(results, measure.metric) is not False else min
            is_best = one.value == best(other.value for other in way.values() if other.is_known)
            text = format_number(one.value, measure.metric)
            cells += [Cell(text, one.value, is_best=is_best), _interval(one, measure.metric)]
        rows.append(Row(f"{step:,}", tuple(cells)))
    groups = tuple(ColumnGroup(name_of(measure), ("value", "95 % CI")) for measure in measures)
    return Table(
        "trajectory", dataset, f"Alignment and bias by training step on {dataset}.", "step", groups,
        tuple(rows), ("Bold: the best step.", *footnotes.notes()), signature(results, dataset),
    )  # fmt: skip


def _per_language(results: Results, dataset: str, measures: list[Measure], name: str) -> Table:
    """Lay out a row a language, a group of languages, and the mean; a column a checkpoint."""
    footnotes = Footnotes()
    estimates = [by_language(results, dataset, measure) for measure in measures]
    shown = [_shown(results, dataset, measure) for measure in measures]
    metric = measures[0].metric
    # With one setting there is room for a paper's figures beside the run's own.
    papers = Published(results, dataset, measures[0]) if len(measures) == 1 else None
    groups = groups_of(results, dataset)
    rows: list[Row] = []
    for code in [*languages_of(results, dataset), *groups, AVERAGE]:
        cells: list[Cell] = []
        for of_measure, different in zip(estimates, shown, strict=True):
            marked = {label for label, language in different if language == code}
            cells += value_cells(results, of_measure[code], metric, marked, footnotes)
        cells += papers.cells(code) if papers else []
        language = "" if code == AVERAGE or code in groups else code
        is_total = code == AVERAGE or code in groups[:1]
        rows.append(Row(language_label(code), tuple(cells), language, is_total=is_total))
    means = [estimate for one in estimates for estimate in one[AVERAGE].values()]
    blank = [Cell("")] * sum(len(group.columns) for group in (papers.columns if papers else ()))
    for heading, values in (
        ("best possible", [one.best for one in means]),
        ("random ranking", [one.random for one in means]),
    ):
        if not all(math.isnan(value) for value in values):
            cells = [_plain(value, metric) for value in values]
            rows.append(Row(heading, (*cells, *blank)))
    better = higher_is_better(results, metric)
    label = metric_label(metric)
    headings = [measure.setting for measure in measures] if name == "map" else [""]
    own = [ColumnGroup(heading, tuple(results.checkpoints)) for heading in headings]
    return Table(
        name,
        dataset,
        f"By query language on {dataset}: {label}; {'higher' if better else 'lower'} is better.",
        "language",
        (*own, *(papers.columns if papers else ())),
        tuple(rows),
        (
            *legend(results, has_daggers=any(shown)),
            *(papers.notes if papers else ()),
            *footnotes.notes(),
        ),
        signature(results, dataset),
    )


def _plain(value: float, metric: str) -> Cell:
    return Cell("") if math.isnan(value) else Cell(format_number(value, metric), value)


def _shown(results: Results, dataset: str, measure: Measure) -> set[tuple[str, str]]:
    """Candidates and query languages where a candidate differs from the baseline."""
    return {
        (candidate, language)
        for candidate in candidates_of(results)
        for language, change in changes(results, dataset, measure, candidate).items()
        if change.p_adjusted < SIGNIFICANT
    }


def _summary(results: Results, dataset: str, measures: list[Measure]) -> Table:
    """Lay out a row a measure; a checkpoint has its value with interval, a candidate its change."""
    footnotes = Footnotes()
    rows: list[Row] = []
    has_daggers = False
    for measure in measures:
        change = {
            label: changes(results, dataset, measure, label)[AVERAGE]
            for label in candidates_of(results)
        }
        marked = [label for label in change if change[label].p_adjusted < SIGNIFICANT]
        has_daggers = has_daggers or bool(marked)
        estimates = macro(results, dataset, measure)
        values = value_cells(results, estimates, measure.metric, marked, footnotes)
        cells: list[Cell] = []
        for value, (label, estimate) in zip(values, estimates.items(), strict=True):
            cells += [value, _interval(estimate, measure.metric)]
            cells += _change_cells(change[label], measure.metric) if label in change else []
        own = estimates[results.baseline]
        cells += [_plain(own.best, measure.metric), _plain(own.random, measure.metric)]
        rows.append(Row(name_of(measure), tuple(cells), metric=measure.metric))
    groups = [
        ColumnGroup(label, ("value", "95 % CI"))
        if label == results.baseline
        else ColumnGroup(label, ("value", "95 % CI", "change", "p", "MDD"))
        for label in results.checkpoints
    ]
    notes = legend(results, has_daggers=has_daggers)
    if candidates_of(results):
        notes.append(
            f"Change: from {results.baseline}. p: Holm-adjusted. MDD: minimum detectable "
            "difference, which a test at 5 % would have found four times of five."
        )
    notes.append("Best: the best possible value; random: that of a random ranking.")
    return Table(
        "summary", dataset, f"Averages over languages on {dataset}.", "measure",
        (*groups, ColumnGroup("by design", ("best", "random"))), tuple(rows),
        (*notes, *footnotes.notes()), signature(results, dataset),
    )  # fmt: skip


def _interval(estimate: Estimate, metric: str) -> Cell:
    if math.isnan(estimate.low):
        return Cell("")
    return Cell(format_interval(estimate.low, estimate.high, metric))


def _change_cells(change: Change, metric: str) -> list[Cell]:
    if not change.is_known:
        return [Cell(""), Cell(""), Cell("")]
    p_text = "<.001" if change.p_adjusted < 0.001 else format_number(change.p_adjusted)
    return [
        Cell(format_number(change.delta, metric, sign=True), change.delta),
        Cell(p_text, change.p_adjusted),
        _plain(change.mdd, metric),
    ]

"""Tables of repairs and compressions: what each would buy, and what it would cost."""

from alignkit.figures.selection import (
    ANSWERS,
    QUESTIONS,
    Measure,
    name_of,
    variant_changes,
    variants_of,
)
from alignkit.figures.words import format_interval, format_number
from alignkit.report.cells import DAGGER
from alignkit.report.layout import Cell, ColumnGroup, Row, Table
from alignkit.report.signature import signature
from alignkit.tables import Results

SHOWN = (
    Measure(ANSWERS, "monolingual", "map"),
    Measure(ANSWERS, "cross-lingual", "map"),
    Measure(ANSWERS, "multilingual", "map"),
    Measure(ANSWERS, "multilingual", "rank_distance"),
    Measure(ANSWERS, "multilingual", "same_language_lift@10"),
    Measure(QUESTIONS, "cross-lingual", "recall@1"),
)
AS_IS = "as is"
_KINDS = {
    "repair": ("what-if", "What repairs would buy and cost {label} on {dataset}.",
               "Each repair was fitted on some questions and measured on others, in five folds."),
    "compression": ("compression", "What smaller vectors would cost {label} on {dataset}.",
                    "dim-N: the first N dimensions. int8: 256 steps a dimension. binary: signs."),
}  # fmt: skip


def variant_tables(results: Results, dataset: str) -> list[Table]:
    """Lay out a table a checkpoint and kind of variant; none where none was measured."""
    return [
        _table(results, dataset, kind, label)
        for kind in _KINDS
        for label in results.checkpoints
        if variants_of(results, dataset, kind)
    ]


def _table(results: Results, dataset: str, kind: str, label: str) -> Table:
    name, caption, note = _KINDS[kind]
    variants = variants_of(results, dataset, kind)
    measures = [measure for measure in SHOWN if len(measure.of(results.variants, dataset))]
    rows = [Row(AS_IS, ())]
    columns: list[list[Cell]] = [[] for _ in range(len(variants) + 1)]
    for measure in measures:
        for i, variant in enumerate(variants):
            as_is, value, change = variant_changes(results, dataset, measure, label, variant)
            if i == 0:
                columns[0] += [Cell(format_number(as_is, measure.metric), as_is), Cell("")]
            interval = format_interval(change.low, change.high, measure.metric, sign=True)
            mark = DAGGER if change.is_known and change.is_shown else ""
            columns[i + 1] += [
                Cell(format_number(value, measure.metric), value, marks=mark), Cell(interval)
            ]  # fmt: skip
    rows = [
        Row(heading, tuple(cells))
        for heading, cells in zip([AS_IS, *variants], columns, strict=True)
    ]
    groups = tuple(ColumnGroup(name_of(one), ("value", "change, 95 % CI")) for one in measures)
    stem = name if len(results.checkpoints) == 1 else f"{name}-{label}"
    notes = (note, f"{DAGGER}: differs from the vectors as they are, Holm-adjusted p < .05.")
    return Table(
        stem, dataset, caption.format(label=label, dataset=dataset), kind, groups, tuple(rows),
        notes, signature(results, dataset),
    )  # fmt: skip

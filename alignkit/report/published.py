"""A paper's figures beside the run's own: marked, and no part of any test."""

from collections.abc import Sequence
from itertools import groupby

from alignkit.figures.selection import ANSWERS, Measure, macro, where
from alignkit.figures.words import MISSING, format_number, metric_label
from alignkit.report.layout import Cell, ColumnGroup, Row, Table
from alignkit.report.signature import signature
from alignkit.tables import AVERAGE, Results

MEASURES = (
    Measure(ANSWERS, "monolingual", "map"),
    Measure(ANSWERS, "monolingual", "recall@1"),
    Measure(ANSWERS, "cross-lingual", "map"),
    Measure(ANSWERS, "cross-lingual", "recall@1"),
    Measure(ANSWERS, "multilingual", "map"),
    Measure(ANSWERS, "multilingual", "recall@10"),
    Measure(ANSWERS, "multilingual", "rank_distance"),
    Measure(ANSWERS, "monolingual", "ndcg@10"),
    Measure(ANSWERS, "monolingual", "recall@100"),
)
Model = tuple[str, str, str]  # source, model, sampling


def note(results: Results, dataset: str) -> str:
    """Say what published values are, and how large this run's own pool is."""
    stored = results.provenance.get("datasets") or ()
    pools = [one.get("passages") or {} for one in stored if one["name"] == dataset]
    n = sum(sum(pool.values()) for pool in pools)
    return (
        f"Published: as the paper prints it, over its own pool; this run's has {n:,} passages, and "
        "a rank distance grows with the pool. It has no part in any test."
    )


class Published:
    """A measure's published values by language; a class because the rows are looked up often."""

    def __init__(self, results: Results, dataset: str, measure: Measure) -> None:
        rows = measure.of(results.published, dataset)
        self._metric = measure.metric
        self._note = note(results, dataset)
        self._values = {
            (source, model, sampling, query): value
            for source, model, sampling, query, value in zip(
                *(
                    rows[name]
                    for name in ("source", "model", "sampling", "query_language", "value")
                ),
                strict=True,
            )
        }
        self._models: Sequence[Model] = list(dict.fromkeys(key[:3] for key in self._values))

    @property
    def columns(self) -> tuple[ColumnGroup, ...]:
        """A group of columns for each paper."""
        sources = dict.fromkeys(source for source, *_ in self._models)
        return tuple(
            ColumnGroup(
                f"published, {source}",
                tuple(f"{model} {how}" for own, model, how in self._models if own == source),
            )
            for source in sources
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """Say what the columns are, if there are any."""
        return (self._note,) if self._models else ()

    def cells(self, language: str) -> list[Cell]:
        """Print the published values of a query language, or of the mean."""
        return [_cell(self._values.get((*model, language)), self._metric) for model in self._models]


def _by_setting(measures: list[Measure]) -> tuple[ColumnGroup, ...]:
    return tuple(
        ColumnGroup(setting, tuple(metric_label(one.metric) for one in own))
        for setting, own in groupby(measures, lambda measure: measure.setting)
    )


def _cell(value: float | None, metric: str) -> Cell:
    return Cell(MISSING) if value is None else Cell(format_number(value, metric), value)


def published_table(results: Results, dataset: str) -> list[Table]:
    """Lay out averages of checkpoints and, below, those of papers; none where nothing is known."""
    if not len(where(results.published, dataset=dataset)):
        return []
    measures = [one for one in MEASURES if len(one.of(results.published, dataset))]
    values = [macro(results, dataset, measure) for measure in measures]
    rows = [
        Row(
            label,
            tuple(
                Cell(format_number(of[label].value, measure.metric), of[label].value)
                for of, measure in zip(values, measures, strict=True)
            ),
        )
        for label in results.checkpoints
    ]
    papers = where(results.published, dataset=dataset, query_language=AVERAGE)
    models = papers[["source", "model", "sampling"]].drop_duplicates()
    for i, (source, model, sampling) in enumerate(models.itertuples(index=False)):
        own = where(papers, source=source, model=model, sampling=sampling)
        cells: list[Cell] = []
        for measure in measures:
            found = measure.of(own, dataset)["value"]
            cells.append(_cell(float(found.iloc[0]) if len(found) else None, measure.metric))
        heading = f"{model} {sampling}, published ({source})"
        rows.append(Row(heading, tuple(cells), is_total=i == 0))
    return [
        Table(
            "published", dataset, f"Averages on {dataset} beside published ones.", "checkpoint",
            _by_setting(measures), tuple(rows),
            (note(results, dataset),), signature(results, dataset),
        )
    ]  # fmt: skip

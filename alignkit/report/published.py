"""A paper's figures beside the run's own: marked, and no part of any test."""

from collections.abc import Sequence

from alignkit.figures.selection import ANSWERS, Measure, macro, name_of, where
from alignkit.figures.words import MISSING, format_number
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
NOTE = (
    "Published: as the paper prints it; its pool, texts and settings may differ, and it has no "
    "part in any test."
)
Model = tuple[str, str, str]  # source, model, sampling


class Published:
    """A measure's published values by language; a class because the rows are looked up often."""

    def __init__(self, results: Results, dataset: str, measure: Measure) -> None:
        rows = measure.of(results.published, dataset)
        self._metric = measure.metric
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
        return (NOTE,) if self._models else ()

    def cells(self, language: str) -> list[Cell]:
        """Print the published values of a query language, or of the mean."""
        return [_cell(self._values.get((*model, language)), self._metric) for model in self._models]


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
            (ColumnGroup("", tuple(name_of(measure) for measure in measures)),), tuple(rows),
            (NOTE,), signature(results, dataset),
        )
    ]  # fmt: skip

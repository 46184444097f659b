"""What the first screen draws: monolingual mAP against rank distance, and a paper's beside it."""

import math
from typing import Any

from alignkit.figures.selection import ANSWERS, Estimate, Measure, macro
from alignkit.tables import AVERAGE, Results

MONOLINGUAL = Measure(ANSWERS, "monolingual", "map")
RANK_DISTANCE = Measure(ANSWERS, "multilingual", "rank_distance")


def trade_off(results: Results, dataset: str) -> dict[str, Any] | None:
    """Give both measures of every checkpoint, `[value, low, high]`, and of published models.

    None where no checkpoint has both.
    """
    x, y = (macro(results, dataset, measure) for measure in (MONOLINGUAL, RANK_DISTANCE))
    points = [
        {"label": label, "x": _interval(x[label]), "y": _interval(y[label])}
        for label in results.checkpoints
        if x[label].is_known and y[label].is_known
    ]
    return {"points": points, "published": _published(results, dataset)} if points else None


def _interval(estimate: Estimate) -> list[float | None]:
    return [
        None if math.isnan(value) else round(value, 4)
        for value in (estimate.value, estimate.low, estimate.high)
    ]


def _published(results: Results, dataset: str) -> list[dict[str, Any]]:
    found: list[dict[tuple[str, str, str], float]] = []
    for measure in (MONOLINGUAL, RANK_DISTANCE):
        rows = measure.of(results.published, dataset)
        rows = rows.loc[(rows["query_language"] == AVERAGE).to_numpy(bool)]
        models = zip(*(rows[name] for name in ("source", "model", "sampling")), strict=True)
        found.append(dict(zip(models, rows["value"].tolist(), strict=True)))
    x, y = found
    return [
        {"label": f"{model} {sampling} ({source})", "x": x[source, model, sampling], "y": value}
        for (source, model, sampling), value in y.items()
        if (source, model, sampling) in x
    ]

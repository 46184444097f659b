"""What smaller vectors cost: bias and retrieval against dimensions, and at fewer bits."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from alignkit.figures import COMPRESSION, figure
from alignkit.figures.selection import (
    ANSWERS,
    Measure,
    name_of,
    variant_changes,
    variants_of,
)
from alignkit.figures.style import legend_below, mark, new_figure, number_axis
from alignkit.figures.words import format_number, listing
from alignkit.tables import Results

MEASURES = (
    Measure(ANSWERS, "multilingual", "rank_distance"),
    Measure(ANSWERS, "monolingual", "map"),
    Measure(ANSWERS, "cross-lingual", "map"),
)
WHOLE = "whole"

CAPTION = (
    "Bias and retrieval of smaller vectors: the first N dimensions (dim-N), 256 steps a dimension "
    "(int8), signs alone (binary), beside the vectors as they are (whole). Bars are 95 % "
    "confidence intervals of the change from those."
)


def describe(results: Results, dataset: str) -> str:
    """State how the rank distance of every checkpoint changes."""
    metric = "rank_distance"
    parts = [
        f"{label} {variant} {format_number(change.delta, metric, sign=True)}"
        for label in results.checkpoints
        for variant in variants_of(results, dataset, COMPRESSION)
        for _, _, change in [variant_changes(results, dataset, MEASURES[0], label, variant)]
        if change.is_known
    ]
    return f"Compression on {dataset}; rank distance changes by: {listing(parts or ['nothing'])}."


@figure("compression", needs=(COMPRESSION,), caption=CAPTION, alt=describe, order=40)
def draw(results: Results, dataset: str) -> Figure | None:
    """Draw a panel a measure: sizes from small to whole, a marker and an interval a checkpoint."""
    variants = _by_size(variants_of(results, dataset, COMPRESSION))
    measures = [one for one in MEASURES if len(one.of(results.variants, dataset))]
    if not measures:
        return None
    picture = new_figure(2.4, wide=True)
    panels = np.atleast_1d(picture.subplots(1, len(measures)))
    for axes, measure in zip(panels, measures, strict=True):
        _panel(axes, results, dataset, measure, variants)
    legend_below(picture, results.checkpoints)
    return picture


def _by_size(variants: list[str]) -> list[str]:
    """Fewer dimensions first, the whole after them, then fewer bits."""
    dims = sorted((one for one in variants if one.startswith("dim-")), key=lambda x: int(x[4:]))
    return [*dims, WHOLE, *(one for one in variants if not one.startswith("dim-"))]


def _panel(
    axes: Axes, results: Results, dataset: str, measure: Measure, variants: list[str]
) -> None:
    n = len(results.checkpoints)
    known = [name for name in variants if name != WHOLE]
    for i, label in enumerate(results.checkpoints):
        found = {v: variant_changes(results, dataset, measure, label, v) for v in known}
        as_is = next(iter(found.values()))[0]
        shift = (i - (n - 1) / 2) * 0.5 / n
        places = np.arange(len(variants)) + shift
        values = [as_is if name == WHOLE else found[name][1] for name in variants]
        bars = np.zeros((2, len(variants)))
        for place, name in enumerate(variants):
            if name != WHOLE:
                change = found[name][2]
                bars[:, place] = change.delta - change.low, change.high - change.delta
        axes.errorbar(places, values, yerr=np.maximum(np.nan_to_num(bars), 0.0), label=label,
                      linestyle="none", **mark(i))  # fmt: skip
        axes.axhline(as_is, linewidth=0.4, color=mark(i)["color"], linestyle=":")
    axes.set_xticks(range(len(variants)), variants, rotation=45, ha="right")
    axes.set_title(name_of(measure))
    number_axis(axes.yaxis, measure.metric)
    axes.grid(axis="y")

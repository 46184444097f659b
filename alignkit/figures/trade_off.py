"""What fairness costs: monolingual retrieval against rank distance, a point a checkpoint."""

from matplotlib.figure import Figure

from alignkit.figures import figure
from alignkit.figures.selection import ANSWERS, Measure, macro
from alignkit.figures.style import (
    GREY,
    legend_below,
    mark,
    new_figure,
    number_axis,
    whiskers,
)
from alignkit.figures.words import format_number
from alignkit.tables import Results

MONOLINGUAL = Measure(ANSWERS, "monolingual", "map")
RANK_DISTANCE = Measure(ANSWERS, "multilingual", "rank_distance")

CAPTION = (
    "Monolingual mAP against rank distance in the pool of all languages, one point a checkpoint, "
    "with 95 % confidence intervals. Better is to the right and down."
)


def describe(results: Results, dataset: str) -> str:
    """State both values of every checkpoint."""
    mean, distance = macro(results, dataset, MONOLINGUAL), macro(results, dataset, RANK_DISTANCE)
    parts = [
        f"{label} has mAP {format_number(mean[label].value)} and rank distance "
        f"{format_number(distance[label].value, 'rank_distance')}"
        for label in results.checkpoints
    ]
    return f"Monolingual mAP against rank distance on {dataset}: {'; '.join(parts)}."


@figure("trade-off", needs=("map", "rank_distance"), caption=CAPTION, alt=describe, order=30)
def draw(results: Results, dataset: str) -> Figure | None:
    """Draw a point with two intervals a checkpoint."""
    x, y = macro(results, dataset, MONOLINGUAL), macro(results, dataset, RANK_DISTANCE)
    if not any(x[label].is_known and y[label].is_known for label in results.checkpoints):
        return None
    picture = new_figure(2.5)
    axes = picture.add_subplot()
    for i, label in enumerate(results.checkpoints):
        here, there = x[label], y[label]
        axes.errorbar(
            here.value, there.value, xerr=whiskers([here]), yerr=whiskers([there]), label=label,
            linestyle="none", **mark(i),
        )  # fmt: skip
    axes.margins(0.15)
    axes.set(xlabel="monolingual mAP", ylabel="rank distance (ranks)")
    number_axis(axes.xaxis)
    number_axis(axes.yaxis, RANK_DISTANCE.metric)
    axes.annotate("better ↘", (0.98, 0.02), xycoords="axes fraction", ha="right", color=GREY)
    axes.grid()
    legend_below(picture, results.checkpoints)
    return picture

"""What repairs would buy: every repair of a checkpoint as a step from where it stands."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from alignkit.figures import REPAIR, figure
from alignkit.figures.selection import ANSWERS, Measure, variant_changes, variants_of
from alignkit.figures.style import COLUMN, GREY, legend_below, mark
from alignkit.figures.words import format_number, listing
from alignkit.tables import Results

X = Measure(ANSWERS, "monolingual", "map")
Y = Measure(ANSWERS, "multilingual", "rank_distance")

CAPTION = (
    "What repairs after training would buy: monolingual mAP against rank distance of every "
    "checkpoint as it is (filled) and after each repair (letters), fitted on other questions than "
    "it is measured on. Better is to the right and down."
)


def describe(results: Results, dataset: str) -> str:
    """State what each repair does to the rank distance."""
    parts = [
        f"{repair} of {label} {format_number(change.delta, Y.metric, sign=True)}"
        for label in results.checkpoints
        for repair in variants_of(results, dataset, REPAIR)
        for _, _, change in [variant_changes(results, dataset, Y, label, repair)]
        if change.is_known
    ]
    return f"Repairs on {dataset}; rank distance changes by: {listing(parts or ['nothing'])}."


@figure("what-if", needs=(REPAIR,), caption=CAPTION, alt=describe, order=35)
def draw(results: Results, dataset: str) -> Figure | None:
    """Draw a line from each checkpoint to each of its repairs."""
    repairs = variants_of(results, dataset, REPAIR)
    picture = Figure(figsize=(COLUMN, 2.8), layout="constrained")
    axes = picture.add_subplot()
    drawn = False
    for i, label in enumerate(results.checkpoints):
        style = mark(i)
        for repair in repairs:
            x, to_x, _ = variant_changes(results, dataset, X, label, repair)
            y, to_y, change = variant_changes(results, dataset, Y, label, repair)
            if not change.is_known:
                continue
            name = None if drawn and axes.get_legend_handles_labels()[1].count(label) else label
            axes.plot([x, to_x], [y, to_y], linewidth=0.5, color=style["color"], alpha=0.6)
            axes.plot([x], [y], markersize=5, linestyle="none", label=name, **style)
            axes.plot([to_x], [to_y], markersize=3, linestyle="none", fillstyle="none", **style)
            axes.annotate(repair, (to_x, to_y), (3, 2), textcoords="offset points", size=5)
            drawn = True
    if not drawn:
        return None
    axes.margins(0.15)
    axes.set(xlabel="monolingual mAP", ylabel="rank distance (ranks)")
    axes.xaxis.set_major_formatter(lambda value, _: format_number(value, digits=2))
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.annotate("better ↘", (0.98, 0.02), xycoords="axes fraction", ha="right", color=GREY)
    axes.grid(linewidth=0.3, color="#dddddd")
    legend_below(picture, results.checkpoints)
    return picture

"""What repairs would buy: every repair of a checkpoint as a step from where it stands."""

from itertools import cycle, product

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from alignkit.figures import REPAIR, figure
from alignkit.figures.selection import ANSWERS, Measure, variant_changes, variants_of
from alignkit.figures.style import GREY, legend_below, mark, new_figure, number_axis
from alignkit.figures.words import format_number, listing
from alignkit.tables import Results

X = Measure(ANSWERS, "monolingual", "map")
Y = Measure(ANSWERS, "multilingual", "rank_distance")
SHAPES = ("v", "^", "<", ">", "p", "h", "d", "8")

CAPTION = (
    "What repairs after training would buy: monolingual mAP against rank distance of every "
    "checkpoint as it is (filled) and after each repair (hollow), fitted on other questions than "
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
    picture = new_figure(2.8)
    axes = picture.add_subplot()
    shapes = dict(zip(repairs, cycle(SHAPES)))
    for (i, label), repair in product(enumerate(results.checkpoints), repairs):
        x, to_x, _ = variant_changes(results, dataset, X, label, repair)
        y, to_y, change = variant_changes(results, dataset, Y, label, repair)
        if change.is_known:
            style = mark(i)
            colour = style["color"]
            axes.plot([x, to_x], [y, to_y], linewidth=0.5, color=colour, alpha=0.5)
            axes.plot(x, y, linestyle="none", **style)
            axes.plot(to_x, to_y, shapes[repair], fillstyle="none", color=colour)
    if not axes.lines:
        return None
    axes.margins(0.15)
    axes.set(xlabel="monolingual mAP", ylabel="rank distance (ranks)")
    number_axis(axes.xaxis)
    number_axis(axes.yaxis, Y.metric)
    axes.annotate("better ↘", (0.98, 0.02), xycoords="axes fraction", ha="right", color=GREY)
    axes.grid()
    legend_below(
        picture, results.checkpoints,
        *(Line2D([], [], marker=shapes[repair], linestyle="none", fillstyle="none",
                 color="black", label=repair) for repair in repairs),
    )  # fmt: skip
    return picture

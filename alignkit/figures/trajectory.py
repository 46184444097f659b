"""Alignment and bias against training steps."""

from matplotlib.figure import Figure

from alignkit.figures import TRAJECTORY, figure
from alignkit.figures.selection import WAY, macro, name_of, steps_of
from alignkit.figures.style import COLOURS, new_figure, number_axis
from alignkit.figures.words import format_number, higher_is_better
from alignkit.tables import Results

COLUMNS = 3

CAPTION = (
    "Alignment and language bias at the steps of a training: averages over languages or pairs, "
    "with 95 % confidence intervals. The arrow says which way is better. A dashed line stands at "
    "the last step before cross-lingual mAP begins to fall, where that could be shown."
)


def describe(results: Results, dataset: str) -> str:
    """State where every measure begins and ends."""
    parts: list[str] = []
    first, last = results.checkpoints[0], results.checkpoints[-1]
    for measure in WAY:
        way = macro(results, dataset, measure)
        if way[first].is_known and way[last].is_known:
            begin, end = (
                format_number(way[label].value, measure.metric) for label in (first, last)
            )
            parts.append(f"{name_of(measure)} from {begin} to {end}")
    turn = _last_good(results, dataset)
    fall = "" if turn is None else f" Cross-lingual mAP begins to fall after step {turn:,}."
    return f"From {first} to {last} on {dataset}: {'; '.join(parts)}.{fall}"


def _last_good(results: Results, dataset: str) -> int | None:
    """Give the last step before cross-lingual mAP begins to fall; None where it does not."""
    turns = (results.provenance.get("trajectory") or {}).get("turning_points", [])
    return next((one["last_good"] for one in turns if one["dataset"] == dataset), None)


@figure("trajectory", needs=(TRAJECTORY,), caption=CAPTION, alt=describe, order=5)
def draw(results: Results, dataset: str) -> Figure | None:
    """Draw a panel a measure, a line over the steps and a band of its intervals."""
    steps = steps_of(results)
    ways = [(measure, macro(results, dataset, measure)) for measure in WAY]
    shown = [(measure, way) for measure, way in ways if any(x.is_known for x in way.values())]
    if not shown:
        return None
    rows, turn = -(-len(shown) // COLUMNS), _last_good(results, dataset)
    picture = new_figure(1.7 * rows, wide=True)
    panels = picture.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes, (measure, way) in zip(panels, shown, strict=False):
        own = [way[label] for label in results.checkpoints]
        axes.fill_between(
            steps, [one.low for one in own], [one.high for one in own],
            color=COLOURS[0], alpha=0.2, linewidth=0,
        )  # fmt: skip
        axes.plot(steps, [one.value for one in own], color=COLOURS[0], marker="o")
        better = {True: " ↑", False: " ↓", None: ""}[higher_is_better(results, measure.metric)]
        axes.set_title(f"{name_of(measure)}{better}", loc="left")
        axes.set_xlabel("training step")
        if turn is not None:
            axes.axvline(turn, color="#555555", linewidth=0.8, linestyle="--")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        number_axis(axes.yaxis, measure.metric)
        axes.grid(axis="y")
    for axes in panels[len(shown) :]:
        axes.set_axis_off()
    return picture

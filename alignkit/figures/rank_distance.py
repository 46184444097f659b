"""How far apart a query's answers rank: rank distance by language and checkpoint."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from alignkit.figures import figure
from alignkit.figures.selection import (
    ANSWERS,
    Estimate,
    Measure,
    by_language,
    languages_of,
    macro,
)
from alignkit.figures.style import (
    GREY,
    legend_below,
    mark,
    new_figure,
    number_axis,
    whiskers,
)
from alignkit.figures.words import format_interval, format_number, language_label, listing
from alignkit.tables import Results

RANK_DISTANCE = Measure(ANSWERS, "multilingual", "rank_distance")

CAPTION = (
    "Rank distance by query language: the worst minus the best rank of a query's relevant passages "
    "in the pool of all languages, averaged over queries; lower is better. Bars are 95 % "
    "confidence intervals. The mean counts every language the same. Hollow grey marks, if there "
    "are any, are published values of other models over their whole pool; they have no part in any "
    "test."
)


def describe(results: Results, dataset: str) -> str:
    """State every checkpoint's average."""
    parts = [
        f"{label} {format_number(mean.value, 'rank_distance')} "
        f"({format_interval(mean.low, mean.high, 'rank_distance')})"
        for label, mean in macro(results, dataset, RANK_DISTANCE).items()
    ]
    random = next(iter(macro(results, dataset, RANK_DISTANCE).values())).random
    expected = (
        "" if np.isnan(random)
        else f" A random ranking would expect {format_number(random, 'rank_distance')}."
    )  # fmt: skip
    return (
        f"Rank distance by query language on {dataset}; the means are {listing(parts)}.{expected}"
    )


@figure("rank-distance", needs=("rank_distance",), caption=CAPTION, alt=describe, order=10)
def draw(results: Results, dataset: str) -> Figure:
    """Draw a row a language, the mean last, with a marker and an interval a checkpoint."""
    estimates = by_language(results, dataset, RANK_DISTANCE)
    n_rows, n = len(estimates), len(results.checkpoints)
    picture = new_figure(0.75 + n_rows * (0.09 + 0.08 * n))
    axes = picture.add_subplot()
    for i, label in enumerate(results.checkpoints):
        own = [row[label] for row in estimates.values()]
        places = np.arange(n_rows) + (i - (n - 1) / 2) * 0.7 / n
        axes.errorbar(
            [estimate.value for estimate in own], places, xerr=whiskers(own), label=label,
            linestyle="none", **mark(i),
        )  # fmt: skip
    axes.set_yticks(range(n_rows), [language_label(code) for code in estimates])
    for first in {len(languages_of(results, dataset)), n_rows - 1}:  # of the groups, the mean
        axes.axhline(first - 0.5, color=GREY, linewidth=0.5)
    axes.set(ylim=(n_rows - 0.5, -0.5), xlabel="rank distance (ranks; lower is better)")
    others = _published(axes, results, dataset, list(estimates))
    _scale(axes, [estimate for row in estimates.values() for estimate in row.values()])
    others += _limits(axes, next(iter(macro(results, dataset, RANK_DISTANCE).values())))
    axes.grid(axis="x")
    legend_below(picture, results.checkpoints, *others)
    return picture


def _published(axes: Axes, results: Results, dataset: str, shown: list[str]) -> list[Line2D]:
    """Draw what papers print as hollow grey marks; give what the legend says of each paper."""
    place = {code: i for i, code in enumerate(shown)}
    rows = RANK_DISTANCE.of(results.published, dataset)
    rows = rows[rows["query_language"].isin(place)]
    handles: list[Line2D] = []
    for (source, of_source), shape in zip(rows.groupby("source", sort=False), "dph8" * 8):  # noqa: B905
        y = [place[code] for code in of_source["query_language"]]
        handles += axes.plot(
            of_source["value"], y, shape, fillstyle="none", color=GREY, markeredgewidth=0.5,
            label=f"published, {source}",
        )  # fmt: skip
    return handles


def _limits(axes: Axes, mean: Estimate) -> list[Line2D]:
    """Draw the best possible value, and that of a random ranking unless it lies far outside."""
    handles: list[Line2D] = []
    if not np.isnan(mean.best):
        handles.append(axes.axvline(mean.best, color="black", linestyle="--"))
        handles[-1].set_label("best possible")
    if np.isnan(mean.random):
        return handles
    _, highest = axes.get_xlim()
    name = "random ranking"
    if mean.random < 1.5 * highest:
        handles.append(axes.axvline(mean.random, color=GREY, linestyle=":"))
    else:
        handles.append(Line2D([], [], color=GREY, linestyle=":"))
        name += f", at {format_number(mean.random, 'rank_distance')}"
    handles[-1].set_label(name)
    return handles


def _scale(axes: Axes, estimates: list[Estimate]) -> None:
    """Use a logarithmic scale where a linear one would press most languages together."""
    values = [estimate.value for estimate in estimates if estimate.is_known]
    if min(values) > 0 and max(values) > 20 * min(values):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    else:
        number_axis(axes.xaxis, RANK_DISTANCE.metric)

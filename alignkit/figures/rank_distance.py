"""How far apart a query's answers rank: rank distance by language and checkpoint."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from alignkit.figures import figure
from alignkit.figures.selection import (
    ANSWERS,
    Estimate,
    Measure,
    by_language,
    macro,
    relevant_per_query,
)
from alignkit.figures.style import COLUMN, GREY, legend_below, mark, whiskers
from alignkit.figures.words import format_interval, format_number, language_label, listing
from alignkit.tables import Results

RANK_DISTANCE = Measure(ANSWERS, "multilingual", "rank_distance")
HIGHEST = 8.0  # inches, so that a page holds it

CAPTION = (
    "Rank distance by query language: the worst minus the best rank of a query's relevant passages "
    "in the pool of all languages, averaged over queries; lower is better. Bars are 95 % "
    "confidence intervals. The mean counts every language the same. A dashed line, if there is "
    "one, is the best possible value; hollow grey marks, if there are any, are published values of "
    "other models, which have no part in any test."
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
    height = min(0.75 + n_rows * (0.09 + 0.08 * n), HIGHEST)
    picture = Figure(figsize=(COLUMN, height), layout="constrained")
    axes = picture.add_subplot()
    for i, label in enumerate(results.checkpoints):
        own = [row[label] for row in estimates.values()]
        places = np.arange(n_rows) + (i - (n - 1) / 2) * 0.7 / n
        axes.errorbar(
            [estimate.value for estimate in own], places, xerr=whiskers(own), label=label,
            linestyle="none", markersize=3, capsize=1.2, **mark(i),
        )  # fmt: skip
    axes.set_yticks(range(n_rows), [language_label(code) for code in estimates])
    axes.axhline(n_rows - 1.5, color=GREY, linewidth=0.5)
    axes.set(ylim=(n_rows - 0.5, -0.5), xlabel="rank distance (ranks; lower is better)")
    _published(axes, results, dataset, list(estimates))
    relevant = relevant_per_query(results, dataset)
    if relevant:
        axes.axvline(relevant - 1, color="black", linestyle="--")
    _scale(axes, [estimate for row in estimates.values() for estimate in row.values()])
    axes.grid(axis="x", linewidth=0.3, color="#dddddd")
    axes.set_axisbelow(True)
    legend_below(picture, results.checkpoints, dashed="best possible" if relevant else "")
    return picture


def _published(axes: Axes, results: Results, dataset: str, shown: list[str]) -> None:
    """Draw what papers print as hollow grey marks, one a model, named at the mean."""
    rows = RANK_DISTANCE.of(results.published, dataset)
    place = {code: i for i, code in enumerate(shown)}
    for model, own in rows.groupby(["model", "sampling"], sort=False):
        found = [
            (value, place[code])
            for code, value in zip(own["query_language"], own["value"], strict=True)
            if code in place
        ]
        if found:
            x, y = zip(*found, strict=True)
            axes.plot(x, y, "o", fillstyle="none", markersize=2.5, color=GREY, markeredgewidth=0.4)
            name = " ".join(map(str, model))
            axes.annotate(
                f"{name} (published)", found[-1], (2, -5), textcoords="offset points", size=4,
                color=GREY,
            )  # fmt: skip


def _scale(axes: Axes, estimates: list[Estimate]) -> None:
    """Use a logarithmic scale where a linear one would press most languages together."""
    values = [estimate.value for estimate in estimates if estimate.is_known]
    if min(values) > 0 and max(values) > 20 * min(values):
        axes.set_xscale("log")
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")

"""Bars of rank distance by query language, as in arXiv 2408.10536, with intervals."""

import numpy as np
from matplotlib.figure import Figure

from alignkit.figures.selection import ANSWERS, Measure, by_language
from alignkit.figures.style import COLOURS, new_figure, number_axis, whiskers, written
from alignkit.figures.words import language_label
from alignkit.tables import AVERAGE, Results

MEASURE = Measure(ANSWERS, "multilingual", "rank_distance")
HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "++++")  # what grey print leaves of colours


def draw(results: Results, dataset: str) -> Figure | None:
    """Draw a group of bars a language, the mean last; None where no rank distance is known."""
    found = by_language(results, dataset, MEASURE)
    if not any(one.is_known for one in found[AVERAGE].values()):
        return None
    picture = new_figure(2.3, wide=True)
    axes = picture.add_subplot()
    labels = results.checkpoints
    width = 0.8 / len(labels)
    for i, label in enumerate(labels):
        own = [row[label] for row in found.values()]
        places = np.arange(len(found)) + (i - (len(labels) - 1) / 2) * width
        axes.bar(
            places, [one.value for one in own], 0.9 * width, yerr=whiskers(own),
            label=written(label), color=COLOURS[i % len(COLOURS)], alpha=0.75,
            hatch=HATCHES[i % len(HATCHES)], edgecolor="white", linewidth=0, ecolor="black",
        )  # fmt: skip
    best = found[AVERAGE][labels[0]].best
    if not np.isnan(best):
        axes.axhline(best, color="black", linestyle="--", label="best possible")
    names = [language_label(code) for code in found]
    axes.set_xticks(range(len(found)), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.axvline(len(found) - 1.5, color="#8a8a8a", linewidth=0.5)
    axes.set(xlim=(-0.6, len(found) - 0.4), ylabel="rank distance (ranks)")
    number_axis(axes.yaxis, MEASURE.metric)
    axes.grid(axis="y")
    picture.legend(loc="outside lower center", ncols=min(len(labels) + 1, 4))
    return picture

"""Retrieval in the three settings, checkpoints beside each other."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from alignkit.figures import figure
from alignkit.figures.selection import ANSWERS, SETTINGS, Measure, macro
from alignkit.figures.style import (
    GREY,
    legend_below,
    mark,
    new_figure,
    number_axis,
    whiskers,
)
from alignkit.figures.words import format_number, listing, metric_label
from alignkit.tables import Results

METRICS = ("map", "recall@10")

CAPTION = (
    "Answer retrieval by setting: queries against the passages of their own language "
    "(monolingual), of one other language (cross-lingual), and of all languages in one pool, where "
    "every language's answer counts (multilingual). Averages over languages or pairs, with 95 % "
    "confidence intervals; higher is better."
)


def describe(results: Results, dataset: str) -> str:
    """State mAP of every checkpoint in every setting that has one."""
    parts: list[str] = []
    for setting in SETTINGS:
        means = macro(results, dataset, Measure(ANSWERS, setting, "map"))
        values = [f"{label} {format_number(m.value)}" for label, m in means.items() if m.is_known]
        if values:
            parts.append(f"{setting} {listing(values)}")
    return f"mAP and recall@10 on {dataset} by setting; mAP: {'; '.join(parts)}."


@figure("settings", needs=("map",), caption=CAPTION, alt=describe, order=20)
def draw(results: Results, dataset: str) -> Figure:
    """Draw a panel a metric, a place a setting, a marker and an interval a checkpoint."""
    picture = new_figure(2.1, wide=True)
    n = len(results.checkpoints)
    for metric, axes in zip(METRICS, picture.subplots(1, len(METRICS)), strict=True):
        means = [macro(results, dataset, Measure(ANSWERS, setting, metric)) for setting in SETTINGS]
        for i, label in enumerate(results.checkpoints):
            own = [mean[label] for mean in means]
            places = np.arange(len(SETTINGS)) + (i - (n - 1) / 2) * min(0.12, 0.7 / n)
            axes.errorbar(
                places, [estimate.value for estimate in own], yerr=whiskers(own), label=label,
                linestyle="none", **mark(i),
            )  # fmt: skip
        axes.set_xticks(range(len(SETTINGS)), SETTINGS)
        axes.set(xlim=(-0.5, len(SETTINGS) - 0.5), ylabel=metric_label(metric))
        random = [mean[results.checkpoints[0]].random for mean in means]
        axes.hlines(random, np.arange(3) - 0.35, np.arange(3) + 0.35, linestyle=":", color=GREY)
        number_axis(axes.yaxis)
        axes.grid(axis="y")
    dotted = Line2D([], [], linestyle=":", color=GREY, label="random ranking")
    legend_below(picture, results.checkpoints, dotted)
    return picture

"""What the share of monolingual batches does, from the CSV of `analyses/hybrid_study`."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from alignkit import AlignkitError
from alignkit.figures.style import mark, new_figure, number_axis

ALPHAS = {"cross-lingual": 0.0, "monolingual": 1.0}  # "hybrid .5" says its own
MEASURES = {
    "rank distance": "rank_distance",
    "monolingual mAP": "map",
    "cross-lingual mAP": "map",
    "multilingual mAP": "map",
}
GROUPS = {"seen": "languages trained on", "unseen": "languages not trained on"}
COLUMNS = {"strategy", "measure", "languages", "value", "ci_low", "ci_high"}


def read(path: Path) -> pd.DataFrame:
    """Read the rows of the sweep, with their alpha.

    Raises AlignkitError where the file is no such CSV.
    """
    try:
        rows = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise AlignkitError(f"cannot read the sweep {path}: {error}; name its CSV") from error
    missing = sorted(COLUMNS - set(rows.columns))
    if missing:
        raise AlignkitError(f"{path} has no column {missing[0]!r}; name a CSV of hybrid_study")
    rows = rows[rows["strategy"].str.startswith("hybrid ") | rows["strategy"].isin(ALPHAS)]
    share = rows["strategy"].str.removeprefix("hybrid ").replace(ALPHAS).astype(float)
    return rows.assign(alpha=share).sort_values("alpha")


def draw(path: Path) -> Figure:
    """Draw a panel a measure, a line and a band of intervals a group of languages."""
    rows = read(path)
    picture = new_figure(3.6, wide=True)
    for axes, (measure, metric) in zip(
        picture.subplots(2, 2).ravel(), MEASURES.items(), strict=True
    ):
        for i, (group, name) in enumerate(GROUPS.items()):
            own = rows[(rows["measure"] == measure) & (rows["languages"] == group)]
            look = mark(i)
            axes.fill_between(
                own["alpha"], own["ci_low"], own["ci_high"], alpha=0.2, linewidth=0,
                color=look["color"],
            )  # fmt: skip
            axes.plot(own["alpha"], own["value"], label=name, linestyle=("-", "--")[i], **look)
        axes.set_title(measure, loc="left")
        axes.set_xlabel("share of monolingual batches, α")
        number_axis(axes.yaxis, metric)
        axes.grid(axis="y")
    picture.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return picture

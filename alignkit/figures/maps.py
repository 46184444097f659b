"""Maps of the queries: UMAP by language, where translations lie, principal axes beside them."""

from collections import Counter

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from alignkit.figures import PROJECTION, figure
from alignkit.figures.glyphs import fitted, text_width
from alignkit.figures.selection import languages_of, where
from alignkit.figures.style import current_page, mark, new_figure, written
from alignkit.figures.words import format_number, language_label
from alignkit.tables import Results

N_JOINED, N_LINES = 40, 240  # most questions whose translations are joined, most lines for them
MOST_COLOURS = 8  # languages that colour alone tells apart
UMAP, PCA = ["x", "y"], ["pca_x", "pca_y"]


def trust(results: Results, dataset: str, checkpoint: str) -> dict[str, float]:
    """Trustworthiness of a checkpoint's UMAP and principal axes; empty if the run has none."""
    return (results.provenance.get("projection") or {}).get(dataset, {}).get(checkpoint, {})


def describe(results: Results, dataset: str) -> str:
    """State how many queries are mapped and how far each map can be trusted."""
    rows = where(results.projection, dataset=dataset)
    n, n_languages = rows["id"].nunique(), rows["language"].nunique()
    parts = [
        f"{label} {format_number(found['trustworthiness'], digits=2)}"
        for label in results.checkpoints
        if "trustworthiness" in (found := trust(results, dataset, label))
    ]
    trusted = f"; trustworthiness of the UMAP: {', '.join(parts)}" if parts else ""
    return f"Maps of {n:,} queries in {n_languages} languages on {dataset}{trusted}."


CAPTION = (
    "Every query, a row a checkpoint. Left: UMAP by language; languages that lie apart are told "
    "apart by the vectors. Middle: the same map with the translations of some questions, drawn by "
    "chance, joined to their centre; short lines mean aligned languages. Right: the first two "
    "principal axes. Maps are turned onto the baseline's, not scaled. Trust (trustworthiness) says "
    "how far neighbours in the map are neighbours by cosine, 1 at best; distances between far "
    "groups in a UMAP mean nothing."
)


@figure("umap", needs=(PROJECTION,), caption=CAPTION, alt=describe, order=40)
def draw(results: Results, dataset: str) -> Figure:
    """Draw a row of maps a checkpoint that has them; the middle one only where translations are.

    On a slide, of several checkpoints, the UMAPs alone, beside each other.
    """
    rows = where(results.projection, dataset=dataset)
    labels = [label for label in results.checkpoints if label in set(rows["checkpoint"])]
    languages = [code for code in languages_of(results) if code in set(rows["language"])]
    legend_rows = -(-len(languages) // 6)
    is_row = current_page().is_flat and len(labels) > 1  # there is no room for rows of maps
    height = 2.05 * (1 if is_row else len(labels)) + 0.14 * legend_rows + 0.12
    picture = new_figure(height, wide=True)
    joined = _joined(results, dataset, rows)
    n = 3 if len(joined) else 2
    shape = (1, len(labels)) if is_row else (len(labels), n)
    grid = picture.subplots(*shape, squeeze=False)
    for label, (by_language, *others) in zip(labels, grid.T if is_row else grid, strict=True):
        own = where(rows, checkpoint=label)
        found = trust(results, dataset, label)
        _scatter(results, by_language, own, UMAP, languages)
        by_language.set_title(_title(label, f"UMAP{_bracket(found.get('trustworthiness'))}", grid))
        if not others:
            continue
        *lines, pca = others
        _scatter(results, pca, own, PCA, languages)
        pca.set_title(_title(label, f"PCA{_bracket(found.get('trustworthiness_pca'))}", grid))
        for axes in lines:
            _join(results, axes, own, joined, languages)
            axes.set_title(_title(label, "translations joined", grid))
    handles, names = grid[0, 0].get_legend_handles_labels()
    picture.legend(
        handles, names, loc="outside lower center", ncols=6, markerscale=2.5, handletextpad=0.1
    )
    return picture


def _title(label: str, what: str, grid: np.ndarray) -> str:
    """Name a map; a label that leaves no room for what it is is cut."""
    size = mpl.rcParams["axes.titlesize"]
    room = current_page().width / grid.shape[1] * 72 - size * text_width(f", {what} ")
    return f"{fitted(written(label), room, size)}, {what}"


def _bracket(value: float | None) -> str:
    return "" if value is None else f" (trust {format_number(value, digits=2)})"


def _scatter(
    results: Results, axes: Axes, rows: pd.DataFrame, columns: list[str], languages: list[str]
) -> None:
    order = languages_of(results)
    size = min(9.0, max(1.2, 2500 / max(len(rows), 1)))
    centres: dict[str, np.ndarray] = {}
    for i, code in enumerate(languages):
        points = _points(where(rows, language=code), columns)
        axes.scatter(
            points[:, 0], points[:, 1], s=size, linewidths=0, alpha=0.7, rasterized=True,
            zorder=1 + i / 100, label=language_label(code), **mark(order.index(code)),
        )  # fmt: skip
        if len(points):
            centres[code] = np.median(points, axis=0)
    _bare(axes)
    if len(languages) > MOST_COLOURS:
        _label(axes, centres)


def _label(axes: Axes, centres: dict[str, np.ndarray]) -> None:
    """Write codes at the languages' medians, where they do not fall on one another."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    extent = np.array([right - left, top - bottom])
    written: list[np.ndarray] = []
    for code, centre in centres.items():
        gaps = [np.abs(centre - other) / extent for other in written]
        if all(gap[0] > 0.08 or gap[1] > 0.08 for gap in gaps):
            written.append(centre)
            box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.75}
            axes.text(
                centre[0],
                centre[1],
                code,
                size="small",
                ha="center",
                va="center",
                zorder=3,
                bbox=box,
            )


def _joined(results: Results, dataset: str, rows: pd.DataFrame) -> dict[str, str]:
    """Question of each query id, for some questions that have translations, drawn by chance."""
    asked = where(results.per_query, dataset=dataset)
    asked = asked.drop_duplicates("query")
    mapped = set(rows["id"])
    questions: dict[str, str] = {
        query: question
        for query, question in zip(asked["query"], asked["parallel_id"], strict=True)
        if query in mapped and question
    }
    counts = Counter(questions.values())
    translated = sorted(question for question, count in counts.items() if count > 1)
    if not translated:
        return {}
    most = min(N_JOINED, max(10, N_LINES // max(counts.values())), len(translated))
    chosen = set(np.random.default_rng(0).choice(translated, most, replace=False))
    return {query: question for query, question in questions.items() if question in chosen}


def _join(
    results: Results, axes: Axes, rows: pd.DataFrame, joined: dict[str, str], languages: list[str]
) -> None:
    axes.scatter(rows["x"], rows["y"], s=1, color="#e3e3e3", linewidths=0, rasterized=True)
    shown = rows.loc[rows["id"].isin(list(joined)).to_numpy(bool)]
    questions = np.array([joined[query] for query in shown["id"]])
    points = _points(shown, UMAP)
    lines: list[np.ndarray] = []
    for question in sorted(set(questions)):
        own = points[questions == question]
        lines += [np.stack([point, own.mean(axis=0)]) for point in own]
    axes.add_collection(LineCollection(lines, color="#555555", linewidth=0.3))
    order = languages_of(results)
    for code in languages:
        x, y = _points(where(shown, language=code), UMAP).T
        axes.scatter(x, y, s=5, linewidths=0, zorder=3, **mark(order.index(code)))
    _bare(axes)


def _points(rows: pd.DataFrame, columns: list[str]) -> np.ndarray:
    return np.column_stack([rows[column].to_numpy(np.float64) for column in columns])


def _bare(axes: Axes) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color="#bbbbbb")

"""The grid of a heat map: panels of checkpoints, panels of differences, two colour scales."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from alignkit.figures.glyphs import stamp, text_width
from alignkit.figures.style import COLUMN, PAGE
from alignkit.figures.words import format_number, is_rank, metric_label

LARGEST_WITH_NUMBERS = 12  # languages; with more the numbers are smaller than print can show
LEFT, RIGHT, TOP, BOTTOM, GAP = 0.34, 0.06, 0.22, 0.34, 0.1  # inches around a panel
LARGEST_NUMBER = 6.5  # points
STRIP = 0.5  # inches, the colour scale below a single panel


@dataclass(frozen=True)
class Panel:
    """One heat map: its title, values (L, L), and which cells to mark."""

    title: str
    values: np.ndarray
    marked: np.ndarray | None = None


def draw_panels(
    metric: str,
    languages: list[str],
    panels: list[Panel],
    differences: list[Panel],
    *,
    is_logarithmic: bool = False,
) -> Figure:
    """Draw panels in rows of two or three, all with one scale, differences with another."""
    scale = _scale([panel.values for panel in panels], metric, is_logarithmic=is_logarithmic)
    bars = [(scale, metric_label(metric))]
    columns = min(len(panels), 3)
    width = PAGE if differences else COLUMN
    side = min((width - RIGHT + GAP) / columns - LEFT - GAP, 0.32 * len(languages) + 0.9)
    if not differences:
        (panel,) = panels
        grid = _Grid(rows=1, columns=1, side=side, below=STRIP)
        _draw_panel(grid.axes_at(0, 0), panel, languages, scale, metric, side)
        _draw_scales(grid.axes_below(), bars, metric)
        return grid.figure
    change = _symmetric_scale([panel.values for panel in differences], metric)
    bars.append((change, "difference from the baseline"))
    legend, *places = _places(len(panels), len(differences), columns)
    grid = _Grid(rows=1 + places[-1][0], columns=columns, side=side)
    for place, panel in zip(places, panels + differences, strict=True):
        shades = scale if panel.marked is None else change
        _draw_panel(grid.axes_at(*place), panel, languages, shades, metric, side)
    _draw_scales(grid.axes_at(*legend), bars, metric)
    return grid.figure


class _Grid:
    """A figure of square panels placed in inches: a tenth of the time of matplotlib's layout.

    A class because the figure and the arithmetic of its places belong together.
    """

    def __init__(self, *, rows: int, columns: int, side: float, below: float = 0.0) -> None:
        self._rows, self._side, self._below = rows, side, below
        self._width = columns * (LEFT + side + GAP) - GAP + RIGHT
        self._height = rows * (TOP + side + BOTTOM) + below
        self.figure = Figure(figsize=(self._width, self._height))

    def axes_at(self, row: int, column: int) -> Axes:
        left = LEFT + column * (self._side + LEFT + GAP)
        above = self._rows - 1 - row
        bottom = self._below + above * (TOP + self._side + BOTTOM) + BOTTOM
        return self._axes(left, bottom, self._side)

    def axes_below(self) -> Axes:
        return self._axes(LEFT, 0.0, self._below)

    def _axes(self, left: float, bottom: float, height: float) -> Axes:
        place = (left / self._width, bottom / self._height)
        return self.figure.add_axes((*place, self._side / self._width, height / self._height))


def _places(n_panels: int, n_differences: int, columns: int) -> list[tuple[int, int]]:
    """(row, column) of the colour scales, then of every panel, then of every difference.

    The scales stand below the baseline, where its difference from itself would be.
    """
    panels = [divmod(i, columns) for i in range(n_panels)]
    first = panels[-1][0] + 1
    below = [divmod(i, columns) for i in range(n_differences + 1)]
    legend, *differences = [(first + row, column) for row, column in below]
    return [legend, *panels, *differences]


def _scale(matrices: list[np.ndarray], metric: str, *, is_logarithmic: bool) -> ScalarMappable:
    values = np.concatenate([matrix[np.isfinite(matrix)] for matrix in matrices])
    low, high = float(values.min()), float(values.max())
    if is_logarithmic and low > 0 and high > 20 * low:
        return ScalarMappable(LogNorm(low, high), "viridis")
    wider = max(0.0, _narrowest(metric) - (high - low)) / 2
    return ScalarMappable(Normalize(low - wider, high + wider), "viridis")


def _symmetric_scale(matrices: list[np.ndarray], metric: str) -> ScalarMappable:
    largest = max(float(np.nanmax(np.abs(matrix), initial=0)) for matrix in matrices)
    largest = max(largest, _narrowest(metric) / 2)
    return ScalarMappable(Normalize(-largest, largest), "PuOr_r")


def _narrowest(metric: str) -> float:
    """Span of a scale below which its ticks would print alike, and noise look like a pattern."""
    return 4.0 if is_rank(metric) else 0.04


def _draw_panel(
    axes: Axes, panel: Panel, languages: list[str], shades: ScalarMappable, metric: str, side: float
) -> None:
    n = len(languages)
    axes.set_title(panel.title, y=1, pad=3)
    axes.set_facecolor("#dddddd")  # a cell without a value
    norm: Any = shades.norm  # matplotlib's stubs have a wider type here than they take there
    # Edges in the colour of the cell: without them scaled SVGs show hairlines.
    axes.pcolormesh(panel.values, cmap=shades.cmap, norm=norm, edgecolors="face", linewidth=0.2)
    points = side / n * 72
    step = int(np.ceil(4.5 / points))  # labels smaller than 4.5 points are thinned
    places = np.arange(0, n, step)
    size = min(6.5, 0.8 * points * step)
    rotation = 90 if n > LARGEST_WITH_NUMBERS else 0
    axes.set_xticks(places + 0.5, [languages[i] for i in places], size=size, rotation=rotation)
    axes.set_yticks(places + 0.5, [languages[i] for i in places], size=size)
    axes.tick_params(length=0, pad=2)
    axes.set(xlim=(0, n), ylim=(n, 0), xlabel="passage language", ylabel="query language")
    # Fixed places for title and labels: matplotlib would measure all tick labels to find them.
    axes.xaxis.set_label_coords(0.5, -(0.21 if rotation else 0.16) / side)
    axes.yaxis.set_label_coords(-(LEFT - 0.11) / side, 0.5)
    axes.spines[:].set_visible(False)
    if n <= LARGEST_WITH_NUMBERS:
        _write_numbers(axes, panel.values, shades, metric, points)
    if panel.marked is not None and panel.marked.any():
        row, column = np.nonzero(panel.marked)
        ink = np.where(_is_light(shades, panel.values), "black", "white")[panel.marked]
        offset = (0.86, 0.16) if n <= LARGEST_WITH_NUMBERS else (0.5, 0.5)
        size = min(0.13 * points, 2.2) ** 2
        axes.scatter(column + offset[0], row + offset[1], s=size, c=ink, linewidths=0)


def _write_numbers(
    axes: Axes, values: np.ndarray, shades: ScalarMappable, metric: str, points: float
) -> None:
    texts = {cell: cell_text(float(value), metric) for cell, value in np.ndenumerate(values)}
    widest = max(text_width(text) for text in texts.values())
    size = points * min(LARGEST_NUMBER / points, 0.9 / widest, 0.6)
    inks = np.where(_is_light(shades, values), "black", "white")
    stamp(axes, texts, inks, size, points)


def cell_text(value: float, metric: str) -> str:
    """Write a number for a cell: two digits of a share, at most four characters of a rank."""
    if not is_rank(metric) or np.isnan(value):
        return format_number(value, digits=2)
    if abs(value) >= 9_950:
        return f"{value / 1000:.0f}k".replace("-", "\N{MINUS SIGN}")
    if abs(value) >= 99.5:
        return f"{value:.0f}".replace("-", "\N{MINUS SIGN}")
    return format_number(value, metric)


def _is_light(shades: ScalarMappable, values: np.ndarray) -> np.ndarray:
    """Whether black ink is legible on a cell; where there is no value the cell is light grey."""
    luminance = np.asarray(shades.to_rgba(values))[..., :3] @ [0.299, 0.587, 0.114]
    return np.isnan(values) | (luminance > 0.5)


def _draw_scales(axes: Axes, bars: list[tuple[ScalarMappable, str]], metric: str) -> None:
    axes.set_axis_off()
    tall = len(bars) > 1
    for i, (shades, label) in enumerate(bars):
        place = axes.inset_axes((0, 0.66 - 0.4 * i, 0.9, 0.08) if tall else (0, 0.4, 1, 0.25))
        axes.figure.colorbar(shades, cax=place, orientation="horizontal")
        place.set_title(label, loc="left", pad=3)
        place.tick_params(labelsize=6)
        if not isinstance(shades.norm, LogNorm):
            place.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        place.xaxis.set_major_formatter(lambda value, _: cell_text(value, metric))
        place.xaxis.set_minor_formatter(NullFormatter())

"""The grid of a heat map: panels of checkpoints, panels of differences, two colour scales."""

from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter

from alignkit.figures.glyphs import fitted, stamp, text_width
from alignkit.figures.style import current_page
from alignkit.figures.words import format_number, is_rank, metric_label

LARGEST_WITH_NUMBERS = 12  # languages; with more the numbers are smaller than print can show
MOST_IN_A_ROW = 5  # panels
LARGEST_NUMBER, SMALLEST_NUMBER = 6.5, 4.0  # points
# Inches around a panel and of the colour scale below one, for type of 7 points.
LEFT, RIGHT, TOP, BOTTOM, GAP, STRIP = 0.34, 0.06, 0.22, 0.34, 0.1, 0.5


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
    """Draw panels in rows of two or three, all with one scale, differences with another.

    On a slide they stand in one row, and more than five leave the differences out.
    """
    scale = _scale([panel.values for panel in panels], metric, is_logarithmic=is_logarithmic)
    change = _symmetric_scale([panel.values for panel in differences], metric)
    if current_page().is_flat and len(panels + differences) > MOST_IN_A_ROW:
        differences = []
    if current_page().is_flat or not differences:
        places = [(0, column) for column in range(len(panels + differences))]
        grid = _Grid(len(languages), rows=1, columns=len(places), is_row=True)
        scales = [grid.axes_below(0)]
        scales += [grid.axes_below(len(panels))] if differences else []
    else:
        columns = min(len(panels), 3)
        legend, *places = _places(len(panels), len(differences), columns)
        grid = _Grid(len(languages), rows=1 + places[-1][0], columns=columns)
        slot = grid.axes_at(*legend)
        slot.set_axis_off()
        scales = [slot.inset_axes((0, bottom, 0.9, 0.08)) for bottom in (0.66, 0.26)]
    for place, panel in zip(places, panels + differences, strict=True):
        shades = scale if panel.marked is None else change
        axes = grid.axes_at(*place)
        _draw_panel(axes, panel, languages, shades, metric, grid.side)
        if grid.is_row and place[1]:
            axes.set(yticks=[], ylabel="", xlabel="")
    bars = [(scale, metric_label(metric)), (change, "difference")]
    for place, (shades, label) in zip(scales, bars, strict=False):
        _draw_scale(place, shades, label, metric)
    return grid.figure


class _Grid:
    """A figure of square panels placed in inches: a tenth of the time of matplotlib's layout.

    A class because the figure and the arithmetic of its places belong together. `side` is a
    panel's, in inches. A row shares the labels of its first panel, has room for a second line of
    title, and colour scales below.
    """

    def __init__(self, n_languages: int, *, rows: int, columns: int, is_row: bool = False) -> None:
        page = current_page()
        self._rows, self.is_row, scale = rows, is_row, page.scale
        self._left, self._bottom = LEFT * scale, BOTTOM * scale
        self._between = (GAP if is_row else LEFT + GAP) * scale
        self._top = TOP * scale * (1.7 if is_row and columns > 1 else 1)
        self._below = STRIP * scale * is_row
        right = RIGHT * scale
        # A lone panel without a difference is as wide as a column.
        width = page.width if rows * columns > 1 else page.column
        self.side = min(
            (width - right - self._left + self._between) / columns - self._between,
            (page.height - self._below) / rows - self._top - self._bottom,
            (0.32 * n_languages + 0.9) * scale,
        )
        self._width = self._left + columns * (self.side + self._between) - self._between + right
        self._height = rows * (self._top + self.side + self._bottom) + self._below
        self.figure = Figure(figsize=(self._width, self._height))

    def axes_at(self, row: int, column: int) -> Axes:
        """Place a panel."""
        above = self._rows - 1 - row
        bottom = self._below + above * (self._top + self.side + self._bottom) + self._bottom
        return self._axes(column, bottom, self.side)

    def axes_below(self, column: int) -> Axes:
        """Place a colour scale below a panel of the last row."""
        return self._axes(column, 0.4 * self._below, 0.25 * self._below)

    def _axes(self, column: int, bottom: float, height: float) -> Axes:
        left = self._left + column * (self.side + self._between)
        place = (left / self._width, bottom / self._height)
        return self.figure.add_axes((*place, self.side / self._width, height / self._height))


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
    highest = [float(np.nanmax(np.abs(matrix), initial=0)) for matrix in matrices]
    largest = max([*highest, _narrowest(metric) / 2])
    return ScalarMappable(Normalize(-largest, largest), "PuOr_r")


def _narrowest(metric: str) -> float:
    """Span of a scale below which its ticks would print alike, and noise look like a pattern."""
    return 4.0 if is_rank(metric) else 0.04


def _draw_panel(
    axes: Axes, panel: Panel, languages: list[str], shades: ScalarMappable, metric: str, side: float
) -> None:
    n, scale = len(languages), current_page().scale
    size = mpl.rcParams["axes.titlesize"]
    title = panel.title
    if current_page().is_flat and text_width(title) * size > side * 72:
        title = title.replace(" − ", "\n− ")
    lines = [fitted(line, side * 72, size) for line in title.splitlines()]
    axes.set_title("\n".join(lines), y=1, pad=3 * scale)
    axes.set_facecolor("#dddddd")  # a cell without a value
    norm: Any = shades.norm  # matplotlib's stubs have a wider type here than they take there
    # Edges in the colour of the cell: without them scaled SVGs show hairlines.
    axes.pcolormesh(panel.values, cmap=shades.cmap, norm=norm, edgecolors="face", linewidth=0.2)
    points = side / n * 72
    step = int(np.ceil(4.5 / points))  # labels smaller than 4.5 points are thinned
    places = np.arange(0, n, step)
    size = min(6.5 * scale, 0.65 * points * step)  # two letters are 1.3 sizes wide
    rotation = 90 if n > LARGEST_WITH_NUMBERS else 0
    axes.set_xticks(places + 0.5, [languages[i] for i in places], size=size, rotation=rotation)
    axes.set_yticks(places + 0.5, [languages[i] for i in places], size=size)
    axes.tick_params(length=0, pad=2 * scale)
    axes.set(xlim=(0, n), ylim=(n, 0), xlabel="passage language", ylabel="query language")
    # Fixed places for title and labels: matplotlib would measure all tick labels to find them.
    axes.xaxis.set_label_coords(0.5, -(0.21 if rotation else 0.16) * scale / side)
    axes.yaxis.set_label_coords(-(LEFT - 0.11) * scale / side, 0.5)
    axes.spines[:].set_visible(False)
    has_numbers = n <= LARGEST_WITH_NUMBERS and _write_numbers(
        axes, panel.values, shades, metric, points
    )
    if panel.marked is not None:
        size = min(0.13 * points, 2.2 * scale) ** 2
        _mark(axes, panel.values, panel.marked, shades, (0.86, 0.16), s=size, linewidths=0)
        if not has_numbers:  # the two ends of the scale are one grey
            falls = panel.values < -0.2 * float(norm.vmax)
            size = (0.5 * points) ** 2
            _mark(axes, panel.values, falls, shades, (0.5, 0.5), s=size, marker="_", linewidths=0.4)


def _mark(
    axes: Axes,
    values: np.ndarray,
    where: np.ndarray,
    shades: ScalarMappable,
    offset: tuple[float, float],
    **look: Any,  # noqa: ANN401  of `scatter`
) -> None:
    """Mark some cells (L, L), in an ink that is legible on their colour."""
    row, column = np.nonzero(where)
    if len(row):
        ink = np.where(_is_light(shades, values), "black", "white")[where]
        axes.scatter(column + offset[0], row + offset[1], c=ink, **look)


def _write_numbers(
    axes: Axes, values: np.ndarray, shades: ScalarMappable, metric: str, points: float
) -> bool:
    """Write the numbers that the cells have room for; says whether they have."""
    texts = {cell: cell_text(float(value), metric) for cell, value in np.ndenumerate(values)}
    widest = max(text_width(text) for text in texts.values())
    size = min(LARGEST_NUMBER * current_page().scale, 0.9 * points / widest, 0.6 * points)
    if size < SMALLEST_NUMBER:
        return False
    inks = np.where(_is_light(shades, values), "black", "white")
    stamp(axes, texts, inks, size, points)
    return True


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


def _draw_scale(axes: Axes, shades: ScalarMappable, label: str, metric: str) -> None:
    axes.figure.colorbar(shades, cax=axes, orientation="horizontal")
    axes.set_title(label, loc="left", pad=3)
    if not isinstance(shades.norm, LogNorm):
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(lambda value, _: cell_text(value, metric))
    axes.xaxis.set_minor_formatter(NullFormatter())

"""How figures look and how they are written: one place for sizes, colours and file formats."""

import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from alignkit.figures.selection import Estimate
from alignkit.figures.words import format_number, is_rank

COLUMN = 3.03  # inches, a column of the ACL style
PAGE = 6.30  # inches, its full width

# Okabe & Ito's colours, without the yellow that is lost on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
GREY = "#8a8a8a"

_RC: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the same everywhere
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "xtick.labelsize": 6,
    "ytick.labelsize": 6,
    "legend.fontsize": 6,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2,
    "ytick.major.size": 2,
    "lines.linewidth": 0.8,
    "legend.frameon": False,
    "figure.dpi": 200,
    "pdf.fonttype": 42,
    "svg.hashsalt": "alignkit",
    "text.parse_math": False,  # a label may hold a dollar sign
}


@contextmanager
def drawing(style: Mapping[str, Any]) -> Generator[None]:
    """Draw in alignkit's style inside the block; the user's own settings stay untouched."""
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        settings: Any = _RC | dict(style)  # matplotlib's stubs ask for literal names
        mpl.rcParams.update(settings)
        # A label in a script that DejaVu lacks shows boxes; the report has it as text.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        yield


def mark(index: int) -> dict[str, Any]:
    """Colour and marker of the index-th checkpoint or language; 64 are told apart."""
    n = len(COLOURS)
    return {"color": COLOURS[index % n], "marker": MARKERS[(index + index // n) % len(MARKERS)]}


def whiskers(estimates: Sequence[Estimate]) -> np.ndarray:
    """How far intervals reach below and above their values, (2, n), for `errorbar`.

    A percentile interval may leave out its own value: then that side has no length.
    """
    value, low, high = np.array([(e.value, e.low, e.high) for e in estimates]).T
    return np.maximum([value - low, high - value], 0)


def number_axis(axis: Axis, metric: str = "") -> None:
    """Print an axis's values as tables do, with as many digits as tell its ticks apart."""
    if is_rank(metric):
        axis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
        axis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        return

    def label(value: float, _: object) -> str:
        low, high = axis.get_view_interval()
        return format_number(value, digits=2 if high - low > 0.08 else 3)

    axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(label)


def legend_below(figure: Figure, labels: list[str], *others: Line2D) -> None:
    """Name the checkpoints below the axes, and what other lines and marks are."""
    handles = [
        Line2D([], [], linestyle="none", markersize=4, label=label, **mark(i))
        for i, label in enumerate(labels)
    ]
    handles += others
    characters = figure.get_size_inches()[0] * 21  # of 6 points on average
    widest = max(len(str(handle.get_label())) for handle in handles) + 5
    columns = max(1, min(len(handles), int(characters / widest)))
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=columns,
        handletextpad=0.3,
        columnspacing=1.2,
    )


def freeze_layout(figure: Figure) -> None:
    """Run the constrained layout once: matplotlib would run it for every format."""
    engine = figure.get_layout_engine()
    if engine is not None:
        FigureCanvasAgg(figure)
        engine.execute(figure)
        figure.set_layout_engine("none")


def save(figure: Figure, paths: Mapping[str, Path]) -> None:
    """Write a figure to a file of each format, without dates."""
    freeze_layout(figure)
    dpi = figure.dpi
    for name, path in paths.items():
        _WRITERS[name](figure, path)
        figure.set_dpi(dpi)  # the canvases for PDF and SVG leave it at 72


def _write_pdf(figure: Figure, path: Path) -> None:
    FigureCanvasPdf(figure).print_pdf(path, metadata={"CreationDate": None})


def _write_png(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure).print_png(path, metadata={"Software": None})


def _write_svg(figure: Figure, path: Path) -> None:
    FigureCanvasSVG(figure).print_svg(path, metadata={"Date": None})


_WRITERS: dict[str, Callable[[Figure, Path], None]] = {
    "pdf": _write_pdf, "png": _write_png, "svg": _write_svg
}  # fmt: skip

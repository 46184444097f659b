"""How figures look and how they are written: one place for sizes, colours and file formats."""

import unicodedata
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
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

from alignkit.figures.glyphs import fitted, text_width
from alignkit.figures.lettering import OURS, Lettering
from alignkit.figures.page import PAPER, Page
from alignkit.figures.selection import Estimate
from alignkit.figures.words import format_number, is_rank

# Okabe & Ito's colours, without the yellow that is lost on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C6D31")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
GREY = "#8a8a8a"

_POINTS = {
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "xtick.labelsize": 6,
    "ytick.labelsize": 6,
    "legend.fontsize": 6,
    "axes.linewidth": 0.6,
    "grid.linewidth": 0.3,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2,
    "ytick.major.size": 2,
    "lines.linewidth": 0.8,
    "lines.markersize": 3.5,
    "errorbar.capsize": 1.3,
}
_RC: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#dddddd",
    "legend.frameon": False,
    "svg.hashsalt": "alignkit",
    "text.parse_math": False,  # a label may hold a dollar sign
}
LEFT_TO_RIGHT = "\N{LEFT-TO-RIGHT MARK}"
_PAGE = ContextVar("page", default=PAPER)
_LETTERING = ContextVar("lettering", default=Lettering())  # noqa: B039  frozen


@contextmanager
def drawing(page: Page = PAPER, lettering: Lettering | None = None) -> Generator[None]:
    """Draw in alignkit's style inside the block; the user's own settings stay untouched."""
    lettering = lettering or Lettering()
    tokens = _PAGE.set(page), _LETTERING.set(lettering)
    try:
        with mpl.rc_context():
            mpl.rcdefaults()
            settings: Any = _RC | {  # matplotlib's stubs ask for literal names
                **{name: points * page.scale for name, points in _POINTS.items()},
                # Not font.sans-serif: matplotlib takes one font of that list, of this all.
                "font.family": [OURS, *lettering.families],
                "figure.dpi": 200 * page.scale,
                "pdf.fonttype": 42 if lettering.type42 else 3,
            }
            mpl.rcParams.update(settings)
            yield
    finally:
        _PAGE.reset(tokens[0])
        _LETTERING.reset(tokens[1])


def current_page() -> Page:
    """Give the page that is drawn on."""
    return _PAGE.get()


def new_figure(height: float, *, wide: bool = False) -> Figure:
    """Make a figure as wide as a column, or as all of them, and at most as high as its page.

    `height` is in inches of a page with type of 7 points, and grows with the type.
    """
    here = current_page()
    width = here.width if wide else here.column
    return Figure(figsize=(width, min(height * here.scale, here.height)), layout="constrained")


def written(label: str) -> str:
    """Write a checkpoint's label, or what stands for it where no font has its characters.

    One that runs from right to left stands between marks, so that the words round it do not.
    """
    text = _LETTERING.get().codes.get(label, label)
    is_leftward = any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)
    return f"{LEFT_TO_RIGHT}{text}{LEFT_TO_RIGHT}" if is_leftward else text


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
    size, width = mpl.rcParams["legend.fontsize"], figure.get_figwidth() * 72
    beside = 5 * size  # of a label: its mark and the gaps
    n = len(labels) + len(others)
    # Where many stand below each other, one long label must not make a column of them all.
    least = min(n, max(1, round(width / (23 * size)))) if n > 3 else 1
    shown = [fitted(written(label), width / least - beside, size) for label in labels]
    handles = [
        Line2D([], [], linestyle="none", label=label, **mark(i)) for i, label in enumerate(shown)
    ]
    handles += others
    widest = max(text_width(str(handle.get_label())) for handle in handles) * size + beside
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=max(1, min(n, int(width / widest))),
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

"""Tables on a terminal: aligned, and whole at any width."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a tenth of a second, which --help should not wait for
    from rich.console import Console
    from rich.table import Table

NAMES = 24  # characters of a row's name that a line holds at least, before it is broken
Row = tuple[str, Sequence[str]]


@dataclass(frozen=True)
class Lines:
    """A table of texts with rich's markup: a row is its name and a cell a heading.

    `spare` counts the last columns that are left out first where there is no room.
    """

    title: str
    stub: str
    headings: Sequence[str]
    rows: Sequence[Row]
    spare: int = 0


def print_lines(console: "Console", lines: Lines) -> None:
    """Print a table as it is, without its spare columns, or a row below the other.

    Nothing is cut: where columns have no room, each row is a paragraph of heading and cell.
    """
    from rich.measure import Measurement

    n = len(lines.headings)
    broken = max(0, max((len(name) for name, _ in lines.rows), default=0) - NAMES)
    for shown in dict.fromkeys((n, n - lines.spare)):
        grid = _grid(lines, shown)
        endless = console.options.update(width=10_000)
        if Measurement.get(console, endless, grid).maximum - broken <= console.width:
            console.print(grid)
            return
    _print_paragraphs(console, lines, n - lines.spare)


def _grid(lines: Lines, shown: int) -> "Table":
    from rich.table import Table

    grid = Table(box=None, pad_edge=False, title=lines.title or None, title_justify="left")
    grid.add_column(lines.stub)
    for heading in lines.headings[:shown]:
        grid.add_column(heading, justify="right", no_wrap=True)
    for name, cells in lines.rows:
        grid.add_row(name, *cells[:shown])
    return grid


def _print_paragraphs(console: "Console", lines: Lines, shown: int) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    if lines.title:
        console.print(f"[italic]{lines.title}[/italic]", highlight=False)
    headings = lines.headings[:shown]
    widest = max((Text.from_markup(heading).cell_len for heading in headings), default=0)
    for name, cells in lines.rows:
        console.print(name, highlight=False)
        grid = Table(box=None, pad_edge=False, show_header=False)
        # Half the line at most, so that a long heading leaves its cell room.
        grid.add_column(overflow="fold", width=min(widest, console.width // 2))
        grid.add_column(overflow="fold")
        for heading, cell in zip(headings, cells[:shown], strict=True):
            grid.add_row(heading, cell)
        console.print(Padding(grid, (0, 0, 0, 2)))

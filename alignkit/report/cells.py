"""Cells that several tables print: values, reasons for their absence, what the marks mean."""

import math
from collections.abc import Collection
from string import ascii_lowercase

from alignkit.figures.selection import SIGNIFICANT, Estimate
from alignkit.figures.words import MISSING, format_number, higher_is_better
from alignkit.report.layout import Cell
from alignkit.tables import Results

DAGGER = "†"


class Footnotes:
    """Letters for the reasons why values are missing; a class because it counts them."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def missing(self, reason: str) -> Cell:
        """Make the cell of a value that is null."""
        if not reason:
            return Cell(MISSING)
        count = len(self._letters)
        return Cell(MISSING, marks=self._letters.setdefault(reason, ascii_lowercase[count % 26]))

    def notes(self) -> list[str]:
        """Spell out the letters that were given."""
        return [f"{letter}: {reason}." for reason, letter in self._letters.items()]


def value_cells(
    results: Results,
    estimates: dict[str, Estimate],
    metric: str,
    marked: Collection[str],
    footnotes: Footnotes,
) -> list[Cell]:
    """Print a value a checkpoint: the best bold, those in `marked` with a dagger."""
    best = _best(results, estimates, metric)
    cells: list[Cell] = []
    for label, estimate in estimates.items():
        if estimate.is_known:
            text = format_number(estimate.value, metric)
            marks = DAGGER if label in marked else ""
            cells.append(Cell(text, estimate.value, text == best, marks))
        else:
            cells.append(footnotes.missing(estimate.reason))
    return cells


def _best(results: Results, estimates: dict[str, Estimate], metric: str) -> str | None:
    """Print the best value, for bold; None where all print alike or no direction is better."""
    better = higher_is_better(results, metric)
    known = [estimate for estimate in estimates.values() if estimate.is_known]
    if better is None or len({format_number(one.value, metric) for one in known}) < 2:
        return None

    def merit(one: Estimate) -> float:
        # A lift below 1 is a bias too: what counts is how near the best possible value is.
        if not math.isnan(one.best):
            return -abs(one.value - one.best)
        return one.value if better else -one.value

    return format_number(max(known, key=merit).value, metric)


def legend(results: Results, *, has_daggers: bool) -> list[str]:
    """Explain bold and daggers."""
    if len(results.checkpoints) == 1:
        return []
    legend = ["Bold: the best checkpoint."]
    if has_daggers:
        limit = format_number(SIGNIFICANT, digits=2)
        legend.append(f"{DAGGER}: differs from {results.baseline}, Holm-adjusted p < {limit}.")
    return legend

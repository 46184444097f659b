"""Where figures go: how wide its columns are, how high a figure may be, how large its type is."""

import re
from dataclasses import dataclass

from alignkit.errors import AlignkitError

_INCHES = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4, "pt": 1 / 72.27}  # pt as TeX prints it
# Columns and text of the papers' styles, in inches; half the text where there is one column.
VENUES = {
    "acl": (3.03, 6.30),
    "acm": (3.33, 7.01),
    "icml": (3.25, 6.75),
    "ieee": (3.49, 7.14),
    "lncs": (2.30, 4.80),
    "neurips": (2.65, 5.50),
}
GUTTER = 0.2  # inches between two columns whose page nobody named
ONE_COLUMN = 4.5  # inches; a column that is wider fills its page
NARROWEST, WIDEST = 2.2, 14.0  # inches, between which figures have room for their labels


@dataclass(frozen=True)
class Page:
    """What figures are sized to, in inches.

    `column` is the width of a figure in one column, `width` of one across all, `height` the most
    that a figure takes; `scale` multiplies type, lines and marks: 1 is 7-point type.
    """

    column: float
    width: float
    height: float
    scale: float = 1.0

    @property
    def is_flat(self) -> bool:
        """Whether there is more room beside a figure than below it."""
        return self.width > self.height


PAPER = Page(*VENUES["acl"], height=8.5)
# Beamer's page of 16:9 is 160 mm wide and leaves this height below a title; other slides scale it.
SLIDES = Page(column=6.30, width=6.30, height=3.0, scale=1.3)
STYLES = ("paper", "slides")


def page_of(style: str = "paper", column_width: str | None = None) -> Page:
    """Give the page of a style, of the column's width that a venue or the user names.

    Raises AlignkitError for a width that cannot be read or drawn on, and for one on slides.

    Examples
    --------
    >>> page_of("paper", "neurips")
    Page(column=2.65, width=5.5, height=8.5, scale=1.0)
    >>> page_of("paper", "88.9mm")
    Page(column=3.5, width=7.2, height=8.5, scale=1.0)
    """
    assert style in STYLES
    if column_width is None:
        return SLIDES if style == "slides" else PAPER
    if style == "slides":
        raise AlignkitError("slides have no columns; leave --column-width out, or --style slides")
    if column_width in VENUES:
        return Page(*VENUES[column_width], height=PAPER.height)
    column = round(_inches(column_width), 3)
    if not NARROWEST <= column <= WIDEST:
        raise AlignkitError(
            f"a column of {column_width} is {column:.3g} inches wide; figures are drawn on "
            f"{NARROWEST:g} to {WIDEST:g}"
        )
    if column > ONE_COLUMN:
        return Page(round((column - GUTTER) / 2, 3), column, PAPER.height)
    return Page(column, round(2 * column + GUTTER, 3), PAPER.height)


def _inches(text: str) -> float:
    found = re.fullmatch(r"(\d+\.?\d*|\.\d+)\s*(in|cm|mm|pt)?", text.strip())
    if found is None:
        raise AlignkitError(
            f"cannot read the column width {text!r}; write inches (3.03), a length (77mm, "
            f"219.08612pt as \\the\\columnwidth prints it), or one of {', '.join(VENUES)}"
        )
    number, unit = found.groups()
    return float(number) * _INCHES[unit or "in"]

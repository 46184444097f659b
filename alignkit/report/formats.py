"""A table in LaTeX, Markdown and CSV."""

import csv
import io
import math
import re

from alignkit.figures.words import MINUS, MISSING
from alignkit.report.layout import Cell, Row, Table

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "_": r"\_", "%": r"\%", "&": r"\&",
    "#": r"\#", "$": r"\$", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    MINUS: "$-$", "†": r"$^{\dagger}$", "–": "--", "×": r"$\times$", "<": "$<$", ">": "$>$",
    "|": r"\textbar{}",
}  # fmt: skip


def escape_latex(text: str) -> str:
    r"""Write text so that LaTeX prints it as it stands.

    >>> escape_latex("a_b & 5 %")
    'a\\_b \\& 5 \\%'
    """
    return "".join(_LATEX.get(character, character) for character in text)


def latex(table: Table) -> str:
    r"""Format as a `tabular` with its notes, for `\input` in a document that loads booktabs."""
    lines = [rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}", r"\toprule"]
    if any(group.heading for group in table.groups):
        spans = [
            rf"\multicolumn{{{len(group.columns)}}}{{c}}{{{escape_latex(group.heading)}}}"
            for group in table.groups
        ]
        lines += [" & ".join(["", *spans]).strip() + r" \\", _rules(table)]
    headings = [table.stub, *table.columns]
    lines += [" & ".join(map(escape_latex, headings)) + r" \\", r"\midrule"]
    for i, row in enumerate(table.rows):
        if row.is_total and i:
            lines.append(r"\midrule")
        cells = [escape_latex(row.heading), *map(_latex_cell, row.cells)]
        lines.append(" & ".join(cells) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", ""]
    # \par ends a line of the surrounding text or float: each note stands on its own.
    lines += [rf"\par{{\footnotesize {escape_latex(note)}\par}}" for note in table.notes]
    # A signature has no blanks to break at.
    signed = escape_latex(table.signature).replace(r"\textbar{}", r"\textbar{}\allowbreak{}")
    lines += [rf"\par{{\scriptsize\ttfamily {signed}\par}}"]
    return "\n".join(lines) + "\n"


def markdown(table: Table) -> str:
    """Format as a pipe table; Markdown has no spanning headings, so every column repeats its."""
    headings = [
        f"{group.heading} {column}".strip() for group in table.groups for column in group.columns
    ]
    rows = [[table.stub, *headings], ["---", *["---:"] * len(headings)]]
    rows += [[row.heading, *map(_markdown_cell, row.cells)] for row in table.rows]
    lines = ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in rows]
    notes = [line for note in table.notes for line in ("", note)]
    return "\n".join([*lines, *notes, "", f"`{table.signature}`"]) + "\n"


def comma_separated(table: Table) -> str:
    """Format full numbers without marks: a column a setting and checkpoint."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    headings = [
        f"{group.heading}/{column}".strip("/") for group in table.groups for column in group.columns
    ]
    writer.writerow([table.stub, *headings])
    writer.writerows(_csv_row(row) for row in table.rows)
    return out.getvalue()


def _rules(table: Table) -> str:
    parts: list[str] = []
    first = 2
    for group in table.groups:
        last = first + len(group.columns) - 1
        parts.append(rf"\cmidrule(lr){{{first}-{last}}}")
        first = last + 1
    return " ".join(parts)


def _latex_cell(cell: Cell) -> str:
    text = escape_latex(cell.text)
    # A small raised letter for a footnote; the dagger raises itself.
    marks = re.sub("([a-z]+)", r"\\textsuperscript{\1}", cell.marks).replace("†", _LATEX["†"])
    return (rf"\textbf{{{text}}}" if cell.is_best else text) + marks


def _markdown_cell(cell: Cell) -> str:
    marks = re.sub("([a-z]+)", r"<sup>\1</sup>", cell.marks)
    return (f"**{cell.text}**" if cell.is_best else cell.text) + marks


def _csv_row(row: Row) -> list[str | float]:
    return [row.language or row.heading, *map(_csv_value, row.cells)]


def _csv_value(cell: Cell) -> str | float:
    if cell.raw is None:
        return "" if cell.text == MISSING else cell.text
    return "" if math.isnan(cell.raw) else cell.raw

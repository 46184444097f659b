"""A table in LaTeX, Markdown and CSV."""

import csv
import io
import math
import re
import unicodedata
from itertools import groupby

from alignkit.figures.words import MINUS, MISSING
from alignkit.report.layout import Cell, Row, Table

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "_": r"\_", "%": r"\%", "&": r"\&",
    "#": r"\#", "$": r"\$", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    MINUS: "$-$", "†": r"$^{\dagger}$", "–": r"\textendash{}", "×": r"$\times$",
    "<": "$<$", ">": "$>$", "|": r"\textbar{}", "`": r"\textasciigrave{}",
    "…": r"\dots{}", "’": "'", "→": r"$\to$", "α": r"$\alpha$", "χ": r"$\chi$", "²": "$^2$",
    "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "ø": r"\o{}", "Ø": r"\O{}", "ł": r"\l{}",
    "Ł": r"\L{}", "ı": r"\i{}",
    # After a line's end these would be its arguments.
    "[": "{[}", "]": "{]}", "*": "{*}",
}  # fmt: skip
# Combining marks that every encoding of LaTeX's fonts has.
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u",
    "\u0307": ".", "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d",
    "\u0327": "c", "\u0331": "b",
}  # fmt: skip


def escape_latex(text: str) -> str:
    r"""Write text so that LaTeX prints it as it stands.

    Scripts that pdfLaTeX has no letters for are left to LuaLaTeX and XeLaTeX and the document's
    font; pdfLaTeX prints their code points.

    >>> escape_latex("a_b & 5 %"), escape_latex("naïve")
    ('a\\_b \\& 5 \\%', 'na\\"{i}ve')
    >>> escape_latex("模")
    '\\ifdefined\\Umathcode 模\\else U+6A21\\fi{}'
    """
    plain = re.sub(r"\s+", " ", unicodedata.normalize("NFC", text))
    parts: list[str] = []
    for is_foreign, run in groupby(plain, lambda character: _latex_character(character) is None):
        characters = list(run)
        if is_foreign:
            points = " ".join(f"U+{ord(one):04X}" for one in characters)
            # Only the engines that read Unicode fonts define this.
            parts.append(rf"\ifdefined\Umathcode {''.join(characters)}\else {points}\fi{{}}")
        else:
            parts += [_latex_character(one) or "" for one in characters]
    return re.sub(r"(?<=-)(?=-)", "{}", "".join(parts))


def _latex_character(character: str) -> str | None:
    """Write a character in LaTeX; None of one that its own fonts lack."""
    if character in _LATEX:
        return _LATEX[character]
    if character.isascii():
        return character if character.isprintable() else f"U+{ord(character):04X}"
    letter, *marks = unicodedata.normalize("NFD", character)
    if not (letter.isascii() and letter.isalpha() and set(marks) <= _ACCENTS.keys()):
        return None
    for mark in marks:
        letter = rf"\{_ACCENTS[mark]}{{{letter}}}"
    return letter


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
    signed = r"\allowbreak{}".join(map(escape_latex, re.split(r"(?<=[|,.])", table.signature)))
    lines += [rf"\par{{\scriptsize\ttfamily {signed}\par}}"]
    return "\n".join(lines) + "\n"


def markdown(table: Table) -> str:
    """Format as a pipe table; Markdown has no spanning headings, so every column repeats its."""
    headings = [
        f"{group.heading} {column}".strip() for group in table.groups for column in group.columns
    ]
    named = [table.stub, *map(_markdown_text, headings)]
    rows = [named, ["---", *["---:"] * len(headings)]]
    rows += [[_markdown_text(row.heading), *map(_markdown_cell, row.cells)] for row in table.rows]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    notes = [line for note in table.notes for line in ("", note)]
    fence = "``" if "`" in table.signature else "`"
    return "\n".join([*lines, *notes, "", f"{fence}{table.signature}{fence}"]) + "\n"


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


def _markdown_text(text: str) -> str:
    r"""Write a label so that Markdown shows it as it stands; a line's end would end its row.

    >>> _markdown_text("a*b|c <i>")
    'a\\*b\\|c &lt;i>'
    """
    plain = re.sub(r"\s+", " ", text)
    escaped = re.sub(r"([\\`*\[|]|(?<!\w)_|_(?!\w))", r"\\\1", plain)
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", escaped)


def _markdown_cell(cell: Cell) -> str:
    marks = re.sub("([a-z]+)", r"<sup>\1</sup>", cell.marks)
    return (f"**{cell.text}**" if cell.is_best else cell.text) + marks


def _csv_row(row: Row) -> list[str | float]:
    return [row.language or row.heading, *map(_csv_value, row.cells)]


def _csv_value(cell: Cell) -> str | float:
    if cell.raw is None:
        return "" if cell.text == MISSING else cell.text
    return "" if math.isnan(cell.raw) else cell.raw

r"""Key figures as LaTeX macros, so that prose quotes what the tables print."""

import math
import re
from itertools import count

from alignkit.figures.words import format_number, format_p
from alignkit.report.formats import escape_latex
from alignkit.report.summary import key_table
from alignkit.tables import Results

_DIGITS = {
    "0": "Zero", "1": "One", "2": "Two", "3": "Three", "4": "Four",
    "5": "Five", "6": "Six", "7": "Seven", "8": "Eight", "9": "Nine",
}  # fmt: skip


def macros(results: Results) -> str:
    r"""Write a `\newcommand` for every key figure, and for each change and its p.

    Names are made of dataset, checkpoint, task where two tasks share a measure, setting and
    measure, in letters only: `\SampleBaseMonolingualMap`, `\SampleBaseMonolingualMapChange`.
    """
    taken: set[str] = set()
    lines: list[str] = []
    for row in key_table(results).to_dict("records"):
        task = "Questions" if row["task"] == "question-alignment" else ""
        parts = (row["dataset"], row["checkpoint"], task, row["setting"], row["metric"])
        name = _unused("".join(map(macro_name, parts)), taken)
        texts = {"": format_number(row["value"], row["metric"])}
        if not math.isnan(row["delta"]):
            texts["Change"] = format_number(row["delta"], row["metric"], sign=True)
            texts["P"] = format_p(row["p_adjusted"])
        lines += [
            rf"\newcommand{{\{name}{suffix}}}{{{escape_latex(text)}}}"
            for suffix, text in texts.items()
        ]
    return "\n".join(lines) + "\n"


def macro_name(text: str) -> str:
    """Turn a name into letters: words capitalised, digits spelled out, the rest dropped.

    >>> macro_name("xquad-r"), macro_name("recall@10"), macro_name("rank_distance")
    ('XquadR', 'RecallOneZero', 'RankDistance')
    """
    words: list[str] = re.findall(r"[A-Za-z]+|[0-9]", text)
    return "".join(_DIGITS.get(word, word[:1].upper() + word[1:]) for word in words)


def _unused(name: str, taken: set[str]) -> str:
    """Append letters where two labels come to the same macro."""
    names = (name + "X" * n for n in count())
    free = next(candidate for candidate in names if candidate not in taken)
    taken.add(free)
    return free

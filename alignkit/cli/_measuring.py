"""What `compare` and `analyze` share: run, then say what came out."""

import json
from pathlib import Path
from typing import Any

import click
import pandas as pd

from alignkit.cli._options import Asked
from alignkit.cli._terminal import Lines, print_lines
from alignkit.figures.selection import SIGNIFICANT
from alignkit.figures.words import format_interval, format_number, metric_label
from alignkit.report.layout import Table
from alignkit.report.summary import key_table, verdict
from alignkit.report.tables import build_tables
from alignkit.report.variants import variant_tables
from alignkit.run import compare, default_out
from alignkit.tables import Results
from alignkit.trajectory import default_trajectory_out, trajectory


def measure_and_print(checkpoints: tuple[str, ...], baseline: str | None, asked: Asked) -> None:
    """Run the comparison, write it, and print the key table, or JSON if asked for."""
    data = asked.options["data"]
    out = Path(asked.options["out"] or default_out(checkpoints, data, asked.encode))
    results = compare(
        checkpoints, data=data, baseline=baseline, settings=asked.settings, out=out,
        force=asked.options["force"], formats=asked.options["formats"], page=asked.page,
        reporter=asked.reporter,
    )  # fmt: skip
    print_results(results, out, asked)


def measure_steps_and_print(training: str, asked: Asked) -> None:
    """Measure the steps of a training, write the run, and print their table, or JSON."""
    data = asked.options["data"]
    out = Path(asked.options["out"] or default_trajectory_out(training, data))
    results = trajectory(
        training, data=data, settings=asked.settings, out=out, force=asked.options["force"],
        formats=asked.options["formats"], page=asked.page,
        reporter=asked.reporter,
    )  # fmt: skip
    if asked.options["as_json"] or asked.options["quiet"]:
        print_results(results, out, asked)
        return
    for table in build_tables(results):
        _print_table(table)
    _print_verdict(results, out)


def print_results(results: Results, out: Path, asked: Asked) -> None:
    """Print the key table and the verdict, or JSON if asked for, or nothing."""
    if asked.options["as_json"]:
        click.echo(json.dumps(_summary(results, out), ensure_ascii=False))
    elif not asked.options["quiet"]:
        _print_summary(results, out)


def _summary(results: Results, out: Path) -> dict[str, Any]:
    rows = key_table(results).astype(object)
    return {
        "run": str(out),
        "verdict": verdict(results),
        "key_table": rows.where(rows.notna(), None).to_dict(orient="records"),
    }


def _print_summary(results: Results, out: Path) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console()
    for dataset in results.datasets:
        headings = [f"{escape(label)} [dim](95 % CI)[/dim]" for label in results.checkpoints]
        limits = ["[dim]best[/dim]", "[dim]random[/dim]"]
        rows = _key_lines(results, dataset)
        print_lines(console, Lines(escape(dataset), "measure", [*headings, *limits], rows, spare=2))
        if results.comparisons.size:
            baseline = escape(results.baseline)
            console.print(
                f"[dim]* differs from {baseline}, Holm-adjusted p < {SIGNIFICANT:g}[/dim]",
                highlight=False,
            )
        for table in variant_tables(results, dataset):
            _print_table(table)
    _print_verdict(results, out)


def _print_table(table: Table) -> None:
    """Print the values of a table, without its intervals."""
    from rich.console import Console
    from rich.markup import escape

    values = [i for i, column in enumerate(table.columns) if column == "value"]
    rows: list[tuple[str, list[str]]] = []
    for row in table.rows:
        cells = [row.cells[i] for i in values]
        texts = [
            f"[bold]{cell.text}[/bold]{cell.marks}" if cell.is_best else cell.text + cell.marks
            for cell in cells
        ]
        rows.append((escape(row.heading), texts))
    console = Console()
    headings = [group.heading for group in table.groups]
    print_lines(console, Lines(escape(table.caption), table.stub, headings, rows))
    if any(cell.marks for row in table.rows for cell in row.cells):
        console.print(f"[dim]{escape(table.notes[-1])}[/dim]", highlight=False)


def _print_verdict(results: Results, out: Path) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False)  # a name may look like markup
    for sentence in verdict(results):
        console.print(sentence)
    console.print(f"Open {out / 'report.html'}", soft_wrap=True)


def _key_lines(results: Results, dataset: str) -> list[tuple[str, list[str]]]:
    """Give each measure's name, a cell for each checkpoint, the best possible and a random value.

    A cell is a value and its interval; an asterisk says that it differs from the baseline's.
    """
    rows = key_table(results)
    rows = rows[rows["dataset"] == dataset]
    keys = ["task", "setting", "metric"]
    lines: list[tuple[str, list[str]]] = []
    for (task, setting, metric), of_measure in rows.groupby(keys, sort=False):
        where = setting if task == "answer-retrieval" else "question alignment"
        cells = [_cell(row) for _, row in of_measure.iterrows()]
        cells += [_limit(of_measure.iloc[0], name) for name in ("best", "random")]
        lines.append((f"{metric_label(metric)}, {where}", cells))
    return lines


def _limit(row: pd.Series, column: str) -> str:
    text = "" if pd.isna(row[column]) else format_number(row[column], row["metric"])
    return f"[dim]{text}[/dim]"


def _cell(row: pd.Series) -> str:
    if pd.isna(row["value"]):
        return "–"
    value = format_number(row["value"], row["metric"])
    interval = format_interval(row["ci_low"], row["ci_high"], row["metric"])
    star = "*" if row["p_adjusted"] < SIGNIFICANT else " "
    return f"{value}{star} [dim]{interval}[/dim]"

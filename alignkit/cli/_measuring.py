"""What `compare` and `analyze` share: run, then say what came out."""

import json
from pathlib import Path
from typing import Any

import click
import pandas as pd

from alignkit.cli._options import Asked
from alignkit.figures.selection import SIGNIFICANT
from alignkit.figures.words import format_interval, format_number, metric_label
from alignkit.report.summary import key_table, verdict
from alignkit.run import compare, default_out
from alignkit.tables import Results


def measure_and_print(checkpoints: tuple[str, ...], baseline: str | None, asked: Asked) -> None:
    """Run the comparison, write it, and print the key table, or JSON if asked for."""
    data = asked.options["data"]
    out = Path(asked.options["out"] or default_out(checkpoints, data, asked.encode))
    results = compare(
        checkpoints, data=data, baseline=baseline, settings=asked.settings, out=out,
        force=asked.options["force"], formats=asked.options["formats"], reporter=asked.reporter,
    )  # fmt: skip
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
    from rich.table import Table

    console = Console()
    for dataset in results.datasets:
        table = Table(title=dataset, title_justify="left", box=None, pad_edge=False)
        table.add_column("measure")
        for label in results.checkpoints:
            table.add_column(f"{label} [dim](95 % CI)[/dim]", justify="right")
        for name, cells in _key_lines(results, dataset):
            table.add_row(name, *cells)
        console.print(table)
        if results.comparisons.size:
            console.print(
                f"[dim]* differs from {results.baseline}, Holm-adjusted p < {SIGNIFICANT:g}[/dim]",
                highlight=False,
            )
    for sentence in verdict(results):
        console.print(sentence, highlight=False)
    console.print(f"Open {out / 'report.html'}", highlight=False, soft_wrap=True)


def _key_lines(results: Results, dataset: str) -> list[tuple[str, list[str]]]:
    """Give each measure's name, and a cell for each checkpoint: value and interval.

    An asterisk says that the checkpoint differs from the baseline.
    """
    rows = key_table(results)
    rows = rows[rows["dataset"] == dataset]
    keys = ["task", "setting", "metric"]
    lines: list[tuple[str, list[str]]] = []
    for (task, setting, metric), of_measure in rows.groupby(keys, sort=False):
        where = setting if task == "answer-retrieval" else "question alignment"
        cells = [_cell(row) for _, row in of_measure.iterrows()]
        lines.append((f"{metric_label(metric)}, {where}", cells))
    return lines


def _cell(row: pd.Series) -> str:
    if pd.isna(row["value"]):
        return "–"
    value = format_number(row["value"], row["metric"])
    interval = format_interval(row["ci_low"], row["ci_high"], row["metric"])
    star = "*" if row["p_adjusted"] < SIGNIFICANT else " "
    return f"{value}{star} [dim]{interval}[/dim]"

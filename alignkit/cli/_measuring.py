"""What `compare` and `analyze` share: run, then say what came out."""

import json
from pathlib import Path
from typing import Any

import click

from alignkit.cli._options import Asked
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
    return {
        "run": str(out),
        "verdict": verdict(results),
        "key_table": key_table(results).to_dict(orient="records"),
    }


def _print_summary(results: Results, out: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    frame = key_table(results)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, name in enumerate(frame.columns):
        table.add_column(str(name), justify="left" if position == 0 else "right")
    for row in frame.itertuples(index=False):
        table.add_row(*(str(value) for value in row))
    console = Console()
    console.print(table)
    for sentence in verdict(results):
        console.print(sentence, highlight=False)
    console.print(f"Open {out / 'report.html'}", highlight=False)

"""`alignkit report`."""

from pathlib import Path
from typing import Any

import click

from alignkit.cli._options import (
    COLUMN_WIDTH,
    FORMATS,
    READER_LANGUAGE,
    STYLE,
    Asked,
    verbosity,
)  # fmt: skip


@click.command(
    "report", epilog="Example: alignkit report reports/first --style slides --format png"
)
@click.argument("run", type=click.Path(path_type=Path))
@FORMATS
@STYLE
@COLUMN_WIDTH
@READER_LANGUAGE
@verbosity
def command(run: Path, **options: Any) -> None:  # noqa: ANN401  click's keywords
    """Draw the figures, tables and HTML of a stored run again, without a model."""
    from alignkit.run import redraw

    asked = Asked(options)
    redraw(
        run, formats=options["formats"], page=asked.page,
        reader_language=options["reader_language"], reporter=asked.reporter,
    )  # fmt: skip
    if not options["quiet"]:
        click.echo(f"Open {run / 'report.html'}")

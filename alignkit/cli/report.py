"""`alignkit report`."""

from pathlib import Path

import click

from alignkit.cli._options import FORMATS, Asked, verbosity


@click.command("report", epilog="Example: alignkit report reports/first --format pdf")
@click.argument("run", type=click.Path(path_type=Path))
@FORMATS
@verbosity
def command(run: Path, formats: tuple[str, ...], quiet: bool, verbose: int) -> None:
    """Draw the figures, tables and HTML of a stored run again, without a model."""
    from alignkit.run import redraw

    redraw(run, formats=formats, reporter=Asked({"quiet": quiet, "verbose": verbose}).reporter)
    if not quiet:
        click.echo(f"Open {run / 'report.html'}")

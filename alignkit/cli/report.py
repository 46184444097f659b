"""`alignkit report`."""

from pathlib import Path

import click

from alignkit.cli._options import FORMATS, READER_LANGUAGE, Asked, verbosity


@click.command("report", epilog="Example: alignkit report reports/first --format pdf")
@click.argument("run", type=click.Path(path_type=Path))
@FORMATS
@READER_LANGUAGE
@verbosity
def command(
    run: Path, formats: tuple[str, ...], reader_language: str | None, quiet: bool, verbose: int
) -> None:
    """Draw the figures, tables and HTML of a stored run again, without a model."""
    from alignkit.run import redraw

    reporter = Asked({"quiet": quiet, "verbose": verbose}).reporter
    redraw(run, formats=formats, reader_language=reader_language, reporter=reporter)
    if not quiet:
        click.echo(f"Open {run / 'report.html'}")

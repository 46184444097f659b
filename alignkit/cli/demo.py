"""`alignkit demo`."""

from pathlib import Path
from typing import Any

import click

from alignkit.cli._options import (
    AS_JSON,
    COLUMN_WIDTH,
    FORCE,
    FORMATS,
    STYLE,
    Asked,
    verbosity,
)


@click.command("demo", epilog="Example: alignkit demo")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("reports/demo"),
    show_default=True,
    metavar="DIR",
    help="Folder for the run.",
)
@FORCE
@FORMATS
@STYLE
@COLUMN_WIDTH
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--no-umap", is_flag=True, help="Leave the projection out.")
@AS_JSON
@verbosity
def command(out: Path, **options: Any) -> None:  # noqa: ANN401  click's keywords
    """Train three small checkpoints on the bundled sample and compare them, offline, on the CPU.

    With monolingual, cross-lingual and hybrid batches, from the same start: what does each do to
    language bias, and to retrieval in one language?
    """
    from alignkit.cli._measuring import print_results
    from alignkit.demo import demo

    asked = Asked(options)
    found = demo(
        out, seed=options["seed"], umap=not options["no_umap"], force=options["force"],
        formats=options["formats"], page=asked.page, reporter=asked.reporter,
    )  # fmt: skip
    print_results(found.results, out, asked)
    if not options["quiet"] and not options["as_json"]:
        click.echo(f"The checkpoints: {found.checkpoints[0].parent}")

"""`alignkit export-texts`."""

from pathlib import Path
from typing import Any

import click

from alignkit.cli._options import CANDIDATE, DATA, LANGUAGES, OFFLINE, SPLIT, Asked, verbosity


@click.command(
    "export-texts", epilog="Example: alignkit export-texts --data xquad-r --out texts.jsonl"
)
@DATA
@LANGUAGES
@SPLIT
@CANDIDATE
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="FILE",
    help="A .jsonl, .csv, .tsv or .parquet file.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@OFFLINE
@verbosity
def command(out: Path, force: bool, **options: Any) -> None:  # noqa: ANN401  click's keywords
    """Write every text of a dataset with its id, for those who embed elsewhere.

    Columns: id, role (query or passage), language, parallel_id, text. Bring the vectors back as
    .npz (arrays ids and embeddings) or .parquet (columns id and embedding).
    """
    from alignkit.exchange import check_target, texts_table, write_table

    check_target(out, force=force)
    table = texts_table(Asked(options).datasets())
    write_table(table, out, force=force)
    click.echo(f"{len(table):,} texts in {out}")

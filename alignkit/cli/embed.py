"""`alignkit embed`."""

from pathlib import Path
from typing import Any

import click

from alignkit.cli._options import CANDIDATE, DATA, LANGUAGES, SPLIT, Asked, encoding, spreading
from alignkit.errors import AlignkitError


@click.command(
    "embed", epilog="Example: alignkit embed runs/hybrid --data xquad-r --export vectors.parquet"
)
@click.argument("checkpoint", metavar="CKPT")
@DATA
@LANGUAGES
@SPLIT
@CANDIDATE
@click.option(
    "--export", type=click.Path(path_type=Path), metavar="FILE.parquet",
    help="Write the vectors to a file as well: columns id, role, embedding.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option(
    "--shard", metavar="I/N",
    help="Embed one of N equal parts only, as in 3/16; `alignkit cache merge` joins caches.",
)  # fmt: skip
@spreading
@encoding
def command(
    checkpoint: str,
    export: Path | None,
    force: bool,
    shard: str | None,
    **options: Any,  # noqa: ANN401  click's keywords
) -> None:
    """Fill the embedding cache with a dataset's texts, or write their vectors to a file.

    Interrupt it when you like: it goes on from where it stopped. The file that --export writes can
    be given as a checkpoint.
    """
    from alignkit.batches import Shard
    from alignkit.checkpoints import load_checkpoint
    from alignkit.embedding import embed_datasets, fill_shard
    from alignkit.exchange import check_ids, check_vectors_target, vectors_table, write_table

    if shard is not None and export is not None:
        raise AlignkitError("a shard has not all vectors; --export after `alignkit cache merge`")
    asked = Asked(options)
    where: dict[str, Any] = {
        "engine": asked.engine, "workers": options["workers"], "reporter": asked.reporter,
    }  # fmt: skip
    part = None if shard is None else Shard.parse(shard)
    if export is not None:
        check_vectors_target(export, force=force)
    opened = load_checkpoint(checkpoint, asked.encode)
    datasets = asked.datasets()
    if export is not None:
        check_ids(datasets)
    if part is not None:
        counts = fill_shard(opened, datasets, part, **where)
        for role, n_texts in counts:
            click.echo(f"shard {shard}: {n_texts:,} {role} texts embedded")
        return
    parts = embed_datasets(opened, datasets, **where)
    for _, role, one in parts:
        click.echo(f"{len(one.texts):,} {role} texts × {one.vectors.shape[1]} dimensions")
    if export is not None:
        write_table(vectors_table(parts), export, force=force)
        click.echo(f"vectors in {export}")

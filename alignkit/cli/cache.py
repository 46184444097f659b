"""`alignkit cache info|prune|verify|merge|export`."""

import json
from pathlib import Path
from typing import Any

import click

from alignkit.cli._options import AS_JSON, CANDIDATE, DATA, LANGUAGES, SPLIT, Asked, encoding
from alignkit.errors import AlignkitError


@click.group("cache", epilog="Example: alignkit cache prune --older-than 30")
def command() -> None:
    """Look after what is kept: vectors, and what stages found (ALIGNKIT_CACHE says where)."""


@command.command("info", epilog="Example: alignkit cache info")
@AS_JSON
def info(as_json: bool) -> None:
    """Tell what the cache holds."""
    from alignkit import kept
    from alignkit.store import VectorStore

    store = VectorStore()
    entries = store.info()
    if as_json:
        click.echo(json.dumps(entries, ensure_ascii=False))
        return
    total = sum(entry["bytes"] for entry in entries)
    click.echo(f"{store.folder}: {total / 1e6:,.1f} MB")
    for entry in entries:
        click.echo(
            f"  {entry['fingerprint'][:8]} {entry['role']:8} {entry['texts']:>9,} texts "
            f"× {entry['dim']} {entry['bytes'] / 1e6:,.1f} MB"
        )
    stages = kept.sizes()
    click.echo(f"{kept.folder()}: {sum(stages.values()) / 1e6:,.1f} MB")
    for stage, size in stages.items():
        click.echo(f"  {stage}: {size / 1e6:,.1f} MB")


@command.command("prune", epilog="Example: alignkit cache prune --older-than 30")
@click.option(
    "--older-than",
    type=click.IntRange(min=0),
    metavar="DAYS",
    help="Remove what was not used for so many days.",
)
@click.option("--all", "everything", is_flag=True, help="Remove everything.")
def prune(older_than: int | None, everything: bool) -> None:
    """Remove what was not used for long, and what interrupted runs left behind."""
    from alignkit import kept
    from alignkit.store import VectorStore

    if everything and older_than is not None:
        raise AlignkitError("give --older-than or --all, not both")
    freed = VectorStore().prune(older_than_days=older_than, everything=everything)
    if everything or older_than is not None:
        freed += kept.prune(older_than_days=older_than or 0)
    click.echo(f"freed {freed / 1e6:,.1f} MB")


@command.command("verify", epilog="Example: alignkit cache verify")
def verify() -> int:
    """Check every kept file against its checksum; exit 2 if one is damaged."""
    from alignkit import kept
    from alignkit.store import VectorStore

    damaged = [*VectorStore().verify(), *kept.verify()]
    if damaged:
        raise AlignkitError(
            f"{len(damaged)} files of the cache are damaged, first {damaged[0]}; "
            "remove them, they will be made again"
        )
    click.echo("every file is whole")
    return 0


@command.command("merge", epilog="Example: alignkit cache merge node1/cache node2/cache")
@click.argument(
    "sources", metavar="FROM…", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--into", type=click.Path(path_type=Path), metavar="CACHE",
    help="Cache to copy to.  [default: the one that ALIGNKIT_CACHE names]",
)  # fmt: skip
def merge(sources: tuple[Path, ...], into: Path | None) -> None:
    """Copy the vectors of other caches in, and say which shards are still missing.

    Every file is checked first. Shards of one job by different checkpoints are refused, and then
    nothing is copied. To merge again does no harm.
    """
    from alignkit.cache_merge import merge_caches
    from alignkit.store import VectorStore

    store = VectorStore(into)
    merged = merge_caches(sources, store)
    click.echo(f"{merged.files} files, {merged.size / 1e6:,.1f} MB, copied to {store.folder}")
    for job in merged.jobs:
        click.echo(f"  {job}")


@command.command(
    "export", epilog="Example: alignkit cache export runs/hybrid atlas.parquet --data xquad-r"
)
@click.argument("checkpoint", metavar="CKPT")
@click.argument("file", metavar="FILE.parquet", type=click.Path(path_type=Path))
@DATA
@LANGUAGES
@SPLIT
@CANDIDATE
@click.option(
    "--run", type=click.Path(path_type=Path), metavar="RUN",
    help="Put x and y from the map of this run beside them, where it has a text.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@encoding
def export(
    checkpoint: str,
    file: Path,
    run: Path | None,
    force: bool,
    **options: Any,  # noqa: ANN401  click's keywords
) -> None:
    """Write kept vectors with their texts, for embedding-atlas and friends; no model is run.

    Columns id, dataset, role, language, parallel_id, text, vector, and with --run x and y.
    """
    from alignkit.checkpoints import load_checkpoint
    from alignkit.exchange.atlas import kept_parts, write_atlas

    asked = Asked(options)
    opened = load_checkpoint(checkpoint, asked.encode)
    parts = kept_parts(opened, asked.datasets(), reporter=asked.reporter)
    n_texts = write_atlas(parts, file, run=run, label=opened.label, force=force)
    click.echo(f"{n_texts:,} texts and vectors in {file}")

"""`alignkit cache info|prune|verify`."""

import json

import click

from alignkit.cli._options import AS_JSON
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

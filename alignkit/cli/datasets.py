"""`alignkit datasets`."""

import json

import click

from alignkit.cli._options import AS_JSON


@click.command("datasets", epilog="Example: alignkit datasets xquad-r")
@click.argument("name", required=False)
@AS_JSON
def command(name: str | None, as_json: bool) -> None:
    """List the datasets, or tell all about one."""
    from dataclasses import asdict

    from alignkit.datasets import DATASETS

    cards = [DATASETS.get(name).card] if name else [entry.card for entry in DATASETS.values()]
    if as_json:
        click.echo(json.dumps([asdict(card) for card in cards], ensure_ascii=False))
        return
    for card in cards:
        languages = " ".join(card.languages) or "those of your files"
        click.echo(f"{card.name}: {card.title}")
        click.echo(f"  languages  {languages}")
        click.echo(f"  splits     {', '.join(card.splits)}")
        click.echo(f"  licence    {card.licence}")
        click.echo(f"  source     {card.source}")
        if name:
            click.echo(f"\n{card.description}")

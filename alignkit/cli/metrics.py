"""`alignkit metrics`."""

import json
import math
from typing import TYPE_CHECKING

import click

from alignkit.cli._options import AS_JSON

if TYPE_CHECKING:
    from alignkit.metrics import Metric


@click.command("metrics", epilog="Example: alignkit metrics rank_distance")
@click.argument("name", required=False)
@AS_JSON
def command(name: str | None, as_json: bool) -> None:
    """List the measures, or print the definition of one."""
    from alignkit.metrics import METRICS, metric_of

    named = metric_of if name and "@" in name else METRICS.get
    cards = [named(name)] if name else METRICS.values()
    if as_json:
        click.echo(json.dumps([_as_json(card) for card in cards], ensure_ascii=False))
    elif name:
        _print_one(cards[0])
    else:
        for card in cards:
            names = ", ".join(card.names)
            click.echo(f"{names}\n    {card.definition.splitlines()[0]}")


def _print_one(card: "Metric") -> None:
    click.echo(f"{', '.join(card.names)}\n\n{card.definition}\n")
    low, high = (f"{bound:g}" if math.isfinite(bound) else "∞" for bound in card.bounds)
    click.echo(f"range      {low} to {high}")
    click.echo(f"direction  {card.direction}")
    where = ", ".join(f"{task} {setting}" for task, setting in card.settings)
    click.echo(f"settings   {where}")
    click.echo(f"source     {card.source}")
    click.echo(f"undefined  where {card.undefined}")
    click.echo(f"best       {_level(card.best)}")
    click.echo(f"random     {_level(card.random)}")


def _level(level: object) -> str:
    """Say what is known of a best or random value before any data are."""
    if level is None:
        return "not known"
    return "by the data: see the tables of a run" if callable(level) else f"{level:g}"


def _as_json(card: "Metric") -> dict[str, object]:
    return {"name": card.name, "names": card.names, **card.described(), "settings": card.settings}

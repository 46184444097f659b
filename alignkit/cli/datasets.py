"""`alignkit datasets [NAME]`, `alignkit datasets check`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from alignkit.cli._options import AS_JSON, DATA, LANGUAGES, OFFLINE, SPLIT, Asked, verbosity
from alignkit.errors import AlignkitError

if TYPE_CHECKING:
    from alignkit.lint import Finding


class _Datasets(click.Group):
    """A group whose first word may be a dataset's name as well; a class as click wants it."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Take a word that is no command for the name of a dataset."""
        if args[0] in self.commands:
            return super().resolve_command(ctx, args)
        return "show", _show, args


@click.group(
    "datasets", cls=_Datasets, invoke_without_command=True, subcommand_metavar="[NAME | check]",
    epilog="Example: alignkit datasets xquad-r",
)  # fmt: skip
@AS_JSON
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """List the datasets, tell all about one, or check data for faults."""
    from alignkit.datasets import DATASETS

    if ctx.invoked_subcommand is None:
        _print([found.card for found in DATASETS.values()], as_json=as_json, whole=False)


@click.command("show")
@click.argument("name")
@AS_JSON
@click.pass_context
def _show(ctx: click.Context, name: str, as_json: bool) -> None:
    """Tell all about a dataset."""
    from alignkit.datasets import DATASETS

    before = ctx.parent is not None and ctx.parent.params["as_json"]
    _print([DATASETS.get(name).card], as_json=as_json or before, whole=True)


def _print(cards: list[Any], *, as_json: bool, whole: bool) -> None:
    from dataclasses import asdict

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
        if whole:
            click.echo(f"\n{card.description}")


@command.command("check", epilog="Example: alignkit datasets check --data files:mine.jsonl")
@DATA
@LANGUAGES
@SPLIT
@OFFLINE
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default="findings.csv",
    show_default=True,
    metavar="FILE",
    help="File of the findings, .csv or .jsonl; earlier findings there are replaced.",
)
@click.option("--force", is_flag=True, help="Replace another file too, if it is none of the data.")
@click.option("--strict", is_flag=True, help="Exit with 1 if there is a finding.")
@AS_JSON
@verbosity
def check(out: Path, force: bool, strict: bool, as_json: bool, **options: Any) -> int:  # noqa: ANN401
    """Look for faults in data before a model sees them.

    Empty texts, ids and texts that stand twice, untranslated rows, English in other languages'
    rows, the wrong script, texts much longer or shorter than their translations. Every finding
    has a line in a file, with the file and line that it is about.
    """
    from alignkit.datasets import sources_of
    from alignkit.lint import Lint
    from alignkit.lint.findings_file import write_findings

    _check_out(out, options["data"], force=force)
    names = ("languages", "split", "offline")
    chosen = {name: options[name] for name in names}
    findings: list[Finding] = []
    n_texts: dict[str, int] = {}
    for spec in options["data"]:
        lint = Lint(spec)
        findings += lint.run(sources_of(spec, **chosen, reporter=Asked(options).reporter))
        n_texts[spec] = lint.n_texts
    write_findings(findings, out)
    _summarise(findings, n_texts, out, as_json=as_json)
    return int(strict and bool(findings))


def _check_out(out: Path, data: Sequence[str], *, force: bool) -> None:
    """Refuse to write over the data, and without `force` over all but earlier findings."""
    from alignkit.datasets import path_of
    from alignkit.exchange import check_target
    from alignkit.lint.findings_file import SUFFIXES, holds_findings

    if out.suffix not in SUFFIXES:
        raise AlignkitError(f"--out {out}: write a name that ends in {' or '.join(SUFFIXES)}")
    check_target(out, force=True)  # that the place can be reached
    earlier = holds_findings(out)
    place = out.resolve()
    for path in filter(None, map(path_of, data)):
        source = path.resolve()
        if place == source or (source in place.parents and out.exists() and not earlier):
            raise AlignkitError(f"--out {out} is of the data that are checked; name another file")
    check_target(out, force=force or earlier)


def _summarise(
    findings: "list[Finding]", n_texts: dict[str, int], out: Path, *, as_json: bool
) -> None:
    from collections import Counter

    from alignkit.lint import CHECKS

    counts = Counter((one.dataset, one.check) for one in findings)
    if as_json:
        summary = [
            {"dataset": name, "texts": n,
             "findings": {check: counts[name, check] for check in CHECKS if counts[name, check]}}
            for name, n in n_texts.items()
        ]  # fmt: skip
        click.echo(json.dumps(summary, ensure_ascii=False))
        return
    for name, n in n_texts.items():
        found = sum(counts[name, check] for check in CHECKS)
        click.echo(f"{name}: {n:,} texts, {found:,} findings")
        for check, meaning in CHECKS.items():
            if counts[name, check]:
                first = next(f for f in findings if (f.dataset, f.check) == (name, check))
                place = f"{Path(first.file).name}:{first.line}" if first.line else first.file
                click.echo(f"  {counts[name, check]:>6,} {check}: {meaning}")
                click.echo(f"         first {place} {first.language}:{first.id} {first.detail}")
    click.echo(f"{out}: a line for each finding")

"""`alignkit check`."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from alignkit.cli._options import CANDIDATE, DATA, LANGUAGES, SPLIT, Asked, encoding
from alignkit.errors import AlignkitError

if TYPE_CHECKING:
    from alignkit.gate import Rules, Verdict
    from alignkit.tables import Dataset

# Parameters that say how to judge, and whom to tell.
_JUDGING = {
    "baseline", "rules", "rules_file", "alpha", "strict", "inconclusive", "junit", "markdown",
    "as_json", "bootstrap", "seed",
}  # fmt: skip


@click.command(
    "check",
    epilog="Example: alignkit check runs/new --baseline main.alignkit.zip --data xquad-r --strict",
)
@click.argument("checkpoint", metavar="CANDIDATE")
@click.option("--baseline", metavar="FILE|RUN|CKPT",
              help="What --write-baseline wrote, the folder of a run ([label=]RUN), or a "
              "checkpoint.")  # fmt: skip
@click.option("--write-baseline", type=click.Path(path_type=Path), metavar="FILE",
              help="Keep CANDIDATE as a baseline, FILE.alignkit.zip, and check nothing: options "
              "of a check are refused beside it; run the check first.")  # fmt: skip
@click.option("--rule", "rules", multiple=True, metavar="METRIC[,key=value…]",
              help="What must not grow worse: keys allowed (.01 or 2%), setting, task, languages "
              "(de+en, each, worst), pairs (de-en+en-de), direction. Repeatable; takes the place "
              "of those in the file.")  # fmt: skip
@click.option("--rules-file", type=click.Path(path_type=Path), metavar="FILE",
              help="TOML with [[check.rules]] and [[check.acknowledged]].  "
              "[default: alignkit.toml, else pyproject.toml, where they stand under "
              "tool.alignkit]")  # fmt: skip
@click.option("--alpha", type=float, default=0.05, show_default=True,
              help="How often a check may fail by chance, over all its rules.")  # fmt: skip
@click.option("--strict", is_flag=True, help="Fail on the estimate, whatever the evidence.")
@click.option("--inconclusive", type=click.Choice(["pass", "fail"]), default="pass",
              show_default=True, help="Where the data could not have shown a loss.")  # fmt: skip
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="Write JUnit XML.")
@click.option("--markdown", type=click.Path(path_type=Path), metavar="FILE", help="Write Markdown.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
@click.option("--bootstrap", type=click.IntRange(min=10), default=1000, show_default=True,
              help="Resamples of query ids.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@DATA
@LANGUAGES
@SPLIT
@CANDIDATE
@encoding
@click.pass_context
def command(ctx: click.Context, checkpoint: str, **options: Any) -> None:  # noqa: ANN401
    """Fail (exit code 1) where a checkpoint is worse than a baseline by more than rules allow.

    A rule fails where the paired difference is larger than allowed and a one-sided test says that
    this is no chance. Without rules: rank distance and same-language lift may rise by 2 %, mAP may
    fall by .01 (monolingual, multilingual) and by .02 in the worst language.
    """
    if options["write_baseline"] is not None:
        _refuse_judging(ctx)
    asked = Asked(options)
    dataset = _dataset(asked)
    if options["write_baseline"] is not None:
        _write(checkpoint, dataset, options["write_baseline"], asked)
        return
    if options["baseline"] is None:
        raise AlignkitError("check needs --baseline FILE, RUN or CKPT, or --write-baseline FILE")
    from alignkit.gate import check
    from alignkit.gate.output import write_files

    verdict = check(
        checkpoint, options["baseline"], dataset, _rules(options), encode=asked.encode,
        n_resamples=options["bootstrap"], seed=options["seed"], reporter=asked.reporter,
    )  # fmt: skip
    write_files(verdict, junit=options["junit"], markdown=options["markdown"])
    _tell(verdict, options)
    ctx.exit(verdict.exit_code)


def _refuse_judging(ctx: click.Context) -> None:
    """Raise where --write-baseline would drop what was asked of a check.

    Settings of a file give way to --write-baseline on the command line, as to any flag.
    """
    strong = {ParameterSource.COMMANDLINE, ctx.get_parameter_source("write_baseline")}
    dropped = [
        option.opts[0]
        for option in ctx.command.params
        if option.name in _JUDGING and ctx.get_parameter_source(option.name) in strong
    ]
    if dropped:
        raise AlignkitError(
            f"--write-baseline checks nothing, so {', '.join(dropped)} cannot stand beside it; run "
            "the check first, then --write-baseline by itself: vectors are cached"
        )


def _dataset(asked: Asked) -> "Dataset":
    if len(asked.options["data"]) > 1:
        raise AlignkitError("check takes one --data; check each dataset by itself")
    return asked.datasets()[0]


def _write(checkpoint: str, dataset: "Dataset", target: Path, asked: Asked) -> None:
    from alignkit.gate.baseline import SUFFIX, write_baseline
    from alignkit.gate.check import measured_baseline

    if not target.name.endswith(SUFFIX):
        target = target.with_name(target.name + SUFFIX)
    baseline = measured_baseline(checkpoint, dataset, encode=asked.encode, reporter=asked.reporter)
    summary = write_baseline(baseline, dataset, target)
    if not asked.options["quiet"]:
        click.echo(f"Wrote {target} ({target.stat().st_size / 1024:,.0f} KiB) and {summary}")


def _rules(options: dict[str, Any]) -> "Rules":
    from alignkit.gate.rules import DEFAULT_RULES, Rules, parse_rule, read_rules
    from alignkit.settings_file import file_in_force

    path = options["rules_file"] or file_in_force()
    rules, acknowledged = read_rules(path) if path is not None else ((), ())
    if options["rules_file"] is not None and not (rules or acknowledged):
        raise AlignkitError(f"{path} has no [[check.rules]] and no [[check.acknowledged]]")
    own = tuple(parse_rule(spec) for spec in options["rules"])
    return Rules(
        own or rules or DEFAULT_RULES, acknowledged, options["alpha"], options["strict"],
        inconclusive_fails=options["inconclusive"] == "fail",
    )  # fmt: skip


def _tell(verdict: "Verdict", options: dict[str, Any]) -> None:
    """Print the table on stderr, so that stdout holds JSON and workflow commands alone."""
    from alignkit.gate.output import github_commands

    if not options["quiet"]:
        _print_table(verdict)
    if options["as_json"]:
        click.echo(json.dumps(verdict.described(), ensure_ascii=False))
    elif os.environ.get("GITHUB_ACTIONS"):
        for line in github_commands(verdict):
            click.echo(line)


def _print_table(verdict: "Verdict") -> None:
    from rich.console import Console
    from rich.table import Table

    from alignkit.gate.output import HEADINGS, rows_of

    console = Console(stderr=True, highlight=False)
    table = Table(box=None, pad_edge=False)
    for heading in HEADINGS:
        numbers = heading in ("baseline", "candidate", "worse by", "allowed", "p")
        table.add_column(heading, justify="right" if numbers else "left")
    colours = {"fail": "red", "inconclusive": "yellow", "acknowledged": "yellow", "pass": None}
    for finding, row in zip(verdict.findings, rows_of(verdict), strict=True):
        table.add_row(*row, style=colours[finding.status])
    console.print(table)
    for line in (verdict.sentence, *verdict.notes):
        console.print(line, soft_wrap=True)

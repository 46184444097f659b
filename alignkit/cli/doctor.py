"""`alignkit doctor`."""

import json
from typing import TYPE_CHECKING, Any

import click

from alignkit.cli._options import AS_JSON, CANDIDATE, DATA, LANGUAGES, SPLIT, Asked, loading

if TYPE_CHECKING:
    from alignkit.diagnoses import Finding
    from alignkit.diagnoses.tokens import TokensOfLanguage


@click.command("doctor", epilog="Example: alignkit doctor runs/hybrid --data xquad-r")
@click.argument("checkpoint", metavar="[CKPT]", required=False)
@DATA
@LANGUAGES
@SPLIT
@CANDIDATE
@loading
@AS_JSON
def command(checkpoint: str | None, as_json: bool, **options: Any) -> None:  # noqa: ANN401  click's
    """Examine a checkpoint; without one, this machine.

    Of a checkpoint: missing and unexpected weights, a random pooler, an adapter that changes
    nothing, NaN or collapsed vectors, prompts that its card names, and by language tokens a word,
    texts cut off and unknown tokens. Each finding comes with its mend. The exit code is 0 whatever
    is found, and 2 where the checkpoint cannot be loaded. Of the machine: versions, device,
    threads, cache place, and what would be slow or missing.
    """
    if checkpoint is None:
        _print_machine(as_json)
    else:
        _print_checkpoint(checkpoint, as_json, Asked(options))


def _print_checkpoint(spec: str, as_json: bool, asked: Asked) -> None:
    from alignkit.checkpoints import load_checkpoint
    from alignkit.diagnoses import Patient, examine
    from alignkit.diagnoses.tokens import as_rows, count_tokens

    opened = load_checkpoint(spec, asked.encode)
    for note in opened.notes:
        asked.reporter.say(note)
    patient = Patient(opened, asked.datasets())
    findings, counted = examine(patient), count_tokens(patient)
    if as_json:
        found = {
            "checkpoint": opened.describe(),
            "findings": [vars(finding) for finding in findings],
            "tokens": as_rows(counted),
        }
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    _print_tokens(counted)
    _print_findings(findings, opened.label)


def _print_findings(findings: "list[Finding]", label: str) -> None:
    for finding in findings:
        colour = {"fault": "red", "warning": "yellow", "note": None}[finding.level]
        level = click.style(f"{finding.level}:", fg=colour, bold=True)
        click.echo(f"{level} {finding.what}\n    {finding.mend}")
    if not findings:
        click.echo(f"nothing is wrong with {label} as far as can be seen")


def _print_tokens(counted: "list[TokensOfLanguage]") -> None:
    from rich.console import Console
    from rich.table import Table

    if not counted:
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("language", "texts", "tokens per word", "cut off", "unknown tokens"):
        table.add_column(heading, justify="left" if heading == "language" else "right")
    for one in counted:
        star = "*" if one.unit == "character" else " "
        unknown = "–" if one.unknown is None else f"{one.unknown:.1%}"
        table.add_row(one.language, f"{one.n_texts:,}", f"{one.tokens_per_unit:.2f}{star}",
                      f"{one.cut_off:.1%}", unknown)  # fmt: skip
    Console().print(table)
    if any(one.unit == "character" for one in counted):
        click.echo("* per letter or sign: the script has no blanks between words")


def _print_machine(as_json: bool) -> None:
    import torch  # so that the device shows; seconds, but here it is what was asked for

    from alignkit.cache_folder import cache_folder
    from alignkit.kernels.ranking import cpus
    from alignkit.provenance import environment

    found: dict[str, Any] = {
        **environment(),
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "threads": {"torch": torch.get_num_threads(), "ranking": cpus()},
        "cache": str(cache_folder()),
    }
    found["advice"] = _advice(found)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for name, value in found.items():
        if name != "advice":
            click.echo(f"{name:22} {_plain(value)}")
    for line in found["advice"] or ["nothing is missing"]:
        click.echo(f"- {line}")


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    return str(value)


def _advice(found: dict[str, Any]) -> list[str]:
    import os

    from matplotlib import font_manager

    advice: list[str] = []
    if not (found["cuda"] or found["mps"]):
        advice.append("no GPU: embedding runs on the CPU, some hundred short texts a second")
    cache = found["cache"]
    if os.path.exists(cache) and not os.access(cache, os.W_OK):  # noqa: PTH110  one check of two
        advice.append(f"{cache} is not writable: set ALIGNKIT_CACHE to a place that is")
    if not any("Noto" in font.name for font in font_manager.fontManager.ttflist):
        advice.append("no Noto fonts: figures that show texts may lack scripts (fonts-noto)")
    return advice

"""`alignkit import-mteb`."""

from pathlib import Path

import click

from alignkit.errors import AlignkitError


@click.command(
    "import-mteb",
    epilog="Example: alignkit import-mteb results/intfloat__multilingual-e5-small --out e5.csv",
)
@click.argument(
    "folders", metavar="FOLDER…", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE.csv",
    help="Write what can be compared to a file for `compare --published FILE.csv`.",
)  # fmt: skip
@click.option(
    "--as", "names", multiple=True, metavar="TASK=DATASET",
    help="Take a task's figures for a data set that alignkit does not know as the same.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
def command(
    folders: tuple[Path, ...], out: Path | None, names: tuple[str, ...], force: bool
) -> None:
    """Read results that others published in MTEB's layout, to stand beside your own.

    Prints every task's main score by language. Figures that mean the same here (nDCG, recall and
    precision at a cutoff, of one pool a language) go to --out.
    """
    from alignkit.exchange import check_target, write_table
    from alignkit.exchange.mteb_results import read_mteb

    if out is not None:
        check_target(out, force=force)
    wrong = [name for name in names if name.count("=") != 1]
    if wrong:
        raise AlignkitError(f"--as {wrong[0]} is no TASK=DATASET, as in MIRACLRetrieval=miracl")
    found = read_mteb(folders, dict(name.split("=") for name in names))
    for (task, model), scores in found.main.groupby(["task", "model"], sort=True):
        shown = "  ".join(
            f"{language} {'–' if score is None else f'{score:.3f}'}"
            for language, score in zip(scores["language"], scores["score"], strict=True)
        )
        click.echo(f"{task}, {model}: {shown}")
    for line in found.left_out:
        click.echo(f"not to be compared: {line}", err=True)
    if out is not None:
        if not len(found.rows):
            raise AlignkitError(
                "none of these results can be compared; --as TASK=DATASET says that a task's "
                "queries and pools are those of a data set"
            )
        write_table(found.rows, out, force=force)
        click.echo(f"{len(found.rows):,} figures in {out}; show them with --published {out}")

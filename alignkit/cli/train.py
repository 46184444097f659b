"""`alignkit train`."""

from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import click

from alignkit.cli._options import CANDIDATE, DATA, LANGUAGES, Asked, loading


def _strategies() -> list[str]:
    """Name every strategy by its file: to import them would take seconds."""
    folder = Path(__file__).parent.parent / "training" / "samplers"
    return sorted(file.name.replace("_", "-") for file in iter_modules([str(folder)]))


@click.command(
    "train",
    epilog="Example: alignkit train --strategy hybrid --init path/to/model --data xquad-r "
    "--train-articles 0-31 --test-articles 36-47 --out runs/hybrid",
)
@click.option(
    "--strategy", type=click.Choice(_strategies()), required=True, help="How batches mix languages."
)
@click.option(
    "--alpha",
    type=float,
    default=0.5,
    show_default=True,
    help="Share of monolingual batches, for hybrid.",
)
@click.option(
    "--sampling",
    default="uniform",
    show_default=True,
    metavar="uniform|proportional|temperature:T",
    help="How languages are drawn.",
)
@click.option(
    "--init",
    default="scratch",
    show_default=True,
    metavar="CKPT",
    help="Begin with this model, or scratch[,vocabulary=N,dim=N]: a bag of subwords.",
)
@DATA
@click.option("--train-articles", metavar="0-31", help="XQuAD-R, MLQA-R: articles to train on.")
@click.option("--validation-articles", metavar="32-35", help="Articles to validate on.")
@click.option("--test-articles", metavar="36-47", help="Articles to keep for the test.")
@LANGUAGES
@CANDIDATE
@click.option(
    "--temperature",
    type=float,
    default=0.05,
    show_default=True,
    help="Of the loss; one-to-k begins with it and learns it.",
)
@click.option(
    "--batch",
    type=click.IntRange(min=2),
    default=100,
    show_default=True,
    help="Examples a step, on each process.",
)
@click.option(
    "--mini-batch",
    type=click.IntRange(min=1),
    help="Embed so many at a time: large batches in little memory.",
)
@click.option("--steps", type=click.IntRange(min=1), default=1000, show_default=True)
@click.option(
    "--lr",
    type=click.FloatRange(min=0, min_open=True),
    help="Highest learning rate.  [default: 3e-5; from scratch 1e-2]",
)
@click.option(
    "--warmup",
    type=click.FloatRange(0, 1),
    default=0.1,
    show_default=True,
    help="Share of the steps in which the learning rate rises.",
)
@click.option("--weight-decay", type=click.FloatRange(min=0), default=0.01, show_default=True)
@click.option(
    "--negatives",
    type=click.IntRange(min=0),
    help="Hard negatives an example.  [default: 1 where the data have some]",
)
@click.option("--max-length", type=click.IntRange(min=2), help="Cut texts after so many tokens.")
@click.option(
    "--eval-every",
    type=click.IntRange(min=1),
    metavar="N",
    help="Measure on validation data every N steps.",
)
@click.option(
    "--patience",
    type=click.IntRange(min=1),
    metavar="N",
    help="Stop after N measurements without a better one; keep the best.",
)
@click.option(
    "--save-every",
    type=click.IntRange(min=1),
    metavar="N",
    help="Write checkpoint-N.  [default: --eval-every, else a tenth of the steps]",
)
@click.option("--keep", type=click.IntRange(min=1), help="Keep only the last so many of them.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the model.  [default: runs/<strategy>-seed<N>]",
)
@click.option("--force", is_flag=True, help="Replace an earlier training in the same folder.")
@loading
def command(out: Path | None, force: bool, **options: Any) -> None:  # noqa: ANN401  click's keywords
    """Train an embedding model with a batch strategy; repeat the command to go on after a kill.

    Questions and passages come from the train split of the data. What is written is a
    sentence-transformers folder, with its checkpoint-N for `alignkit analyze`. On several GPUs:
    torchrun --nproc-per-node N -m alignkit train …
    """
    from alignkit.training import Articles, BatchStrategy, TrainSettings, train

    asked = Asked(options)
    strategy = BatchStrategy(options["strategy"], options["alpha"], options["sampling"])
    same = (
        "init", "languages", "candidate", "temperature", "batch", "mini_batch", "steps", "warmup",
        "weight_decay", "negatives", "max_length", "eval_every", "patience", "save_every", "keep",
        "seed",
    )  # fmt: skip
    settings = TrainSettings(
        strategy,
        data=options["data"],
        articles=Articles(
            *(options[f"{name}_articles"] for name in ("train", "validation", "test"))
        ),
        learning_rate=options["lr"],
        encode=asked.encode,
        **{name: options[name] for name in same},
    )
    target = out or Path("runs") / f"{options['strategy']}-seed{options['seed']}"
    train(settings, target, force=force, reporter=asked.reporter)
    if not options["quiet"]:
        click.echo(f"Trained: {target}. Compare it: alignkit compare OTHER {target}")

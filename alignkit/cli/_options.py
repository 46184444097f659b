"""Options that several commands share, in one place so that they read the same everywhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from alignkit.progress import Reporter

if TYPE_CHECKING:
    from alignkit.checkpoints import EncodeOptions
    from alignkit.run import RunSettings
    from alignkit.tables import Dataset

Command = Callable[..., Any]


def _split(ctx: click.Context, parameter: click.Parameter, value: object) -> tuple[str, ...] | None:
    del ctx, parameter
    if value is None:
        return None
    items = (
        value
        if isinstance(value, Sequence) and not isinstance(value, str)
        else str(value).split(",")
    )
    return tuple(item.strip() for item in items if item.strip())


DATA = click.option(
    "--data", multiple=True, default=("sample",), show_default=True, metavar="NAME[:PATH]",
    help="Dataset; give it again for more. See `alignkit datasets`.",
)  # fmt: skip
LANGUAGES = click.option(
    "--languages", callback=_split, metavar="en,de,…", help="Only these languages."
)
SPLIT = click.option("--split", default="test", show_default=True, help="Part of the dataset.")
CANDIDATE = click.option(
    "--candidate", type=click.Choice(["sentence", "sentence+context"]), default="sentence",
    show_default=True, help="Text of a passage, for datasets of sentences.",
)  # fmt: skip
OFFLINE = click.option("--offline", is_flag=True, help="Download nothing.")
OUT = click.option(
    "--out", type=click.Path(), metavar="DIR",
    help="Folder for the run.  [default: reports/<labels>-<dataset>]",
)  # fmt: skip
FORCE = click.option("--force", is_flag=True, help="Replace an earlier run in the same folder.")
FORMATS = click.option(
    "--format", "formats", callback=_split, default="pdf,png,svg", show_default=True,
    metavar="pdf,png,svg", help="File formats of the figures.",
)  # fmt: skip
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
_LOADING = [
    click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|cuda:N|mps",
                 help="Where models run; auto takes CUDA, then MPS, then the CPU."),
    click.option("--dtype", type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
                 default="auto", show_default=True,
                 help="Precision; auto is float32, for training on a GPU bfloat16 if it has it."),
    click.option("--query-prompt", help="Put before every query, in place of the model's own."),
    click.option("--passage-prompt", help="Put before every passage, in place of the model's own."),
    click.option("--pooling", type=click.Choice(["auto", "mean", "cls", "last"]), default="auto",
                 show_default=True, help="For plain transformers checkpoints."),
    click.option("--trust-remote-code", is_flag=True, help="Run code that comes with a model."),
    click.option("--allow-pickle", is_flag=True, help="Load weights that are not safetensors."),
    OFFLINE,
]  # fmt: skip
_ENCODING = [
    *_LOADING,
    click.option("--batch-tokens", type=click.IntRange(min=1), default=16384, show_default=True,
                 help="Padded tokens in a batch."),
    click.option("--truncate-dim", type=click.IntRange(min=1), help="Keep the first N dimensions."),
]  # fmt: skip
_VERBOSITY = [
    click.option("-q", "--quiet", is_flag=True, help="Only errors."),
    click.option("-v", "--verbose", count=True, help="More words."),
]
_MEASURING = [
    DATA, LANGUAGES, SPLIT, CANDIDATE, OUT, FORCE, FORMATS,
    click.option("--bootstrap", type=click.IntRange(min=10), default=1000, show_default=True,
                 help="Resamples of query ids; paired tests flip signs at least as often."),
    click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True),
    click.option("--no-umap", is_flag=True, help="Leave the projection out."),
    AS_JSON,
]  # fmt: skip


def _all(options: list[Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


loading = _all([*_LOADING, *_VERBOSITY])
encoding = _all([*_ENCODING, *_VERBOSITY])
measuring = _all([*_MEASURING, *_ENCODING, *_VERBOSITY])
verbosity = _all(_VERBOSITY)


@dataclass(frozen=True)
class Asked:
    """Options of a command as the rest of alignkit takes them; made from click's keywords."""

    options: dict[str, Any]

    @property
    def reporter(self) -> Reporter:
        """Where words and progress go."""
        return Reporter(-1 if self.options["quiet"] else self.options["verbose"])

    @property
    def encode(self) -> "EncodeOptions":
        """How texts are to be embedded."""
        from alignkit.checkpoints import EncodeOptions

        names = (
            "device", "dtype", "batch_tokens", "query_prompt", "passage_prompt", "pooling",
            "truncate_dim", "trust_remote_code", "allow_pickle", "offline",
        )  # fmt: skip
        return EncodeOptions(**{name: self.options[name] for name in names if name in self.options})

    def datasets(self) -> "list[Dataset]":
        """Load what --data names."""
        from alignkit.datasets import load_dataset

        names = ("languages", "candidate", "split", "offline")
        chosen = {name: self.options[name] for name in names}
        return [
            load_dataset(spec, **chosen, reporter=self.reporter) for spec in self.options["data"]
        ]

    @property
    def settings(self) -> "RunSettings":
        """How to measure."""
        from alignkit.run import RunSettings

        names = ("languages", "candidate", "split", "bootstrap", "seed")
        chosen = {name: self.options[name] for name in names}
        return RunSettings(encode=self.encode, umap=not self.options["no_umap"], **chosen)

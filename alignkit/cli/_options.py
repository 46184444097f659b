"""Options that several commands share, in one place so that they read the same everywhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from alignkit.errors import AlignkitError
from alignkit.progress import Reporter

if TYPE_CHECKING:
    from alignkit.checkpoints import EncodeOptions
    from alignkit.engines import EngineName
    from alignkit.figures.page import Page
    from alignkit.run import RunSettings
    from alignkit.tables import Dataset
    from alignkit.variants import Variants

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


def _dims(ctx: click.Context, parameter: click.Parameter, value: object) -> tuple[int, ...]:
    found: list[int] = []
    for text in _split(ctx, parameter, value) or ():
        if not text.isdecimal() or int(text) < 1:
            raise click.BadParameter(f"{text!r} is no number of dimensions", ctx, parameter)
        found.append(int(text))
    return tuple(dict.fromkeys(found))


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
STYLE = click.option(
    "--style", type=click.Choice(["paper", "slides"]), default="paper", show_default=True,
    help="Figures for columns of print, or for slides of 16:9, with larger type.",
)  # fmt: skip
COLUMN_WIDTH = click.option(
    "--column-width", metavar="WIDTH",
    help="Of the figures, in inches or with in, cm, mm or pt; or acl, acm, icml, ieee, lncs, "
    "neurips. Wide figures span two columns; one over 4.5 inches is taken for the whole page.  "
    "[default: acl]",
)  # fmt: skip
READER_LANGUAGE = click.option(
    "--reader-language", metavar="CODE",
    help="Language of the parallel texts under others in the report.  [default: en]",
)  # fmt: skip
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
_ENGINE = [
    click.option("--engine", type=click.Choice(["local", "ray"]), default="local",
                 show_default=True,
                 help="Where to embed and rank: here, or on the Ray cluster of RAY_ADDRESS."),
    click.option("--workers", type=click.IntRange(min=1), metavar="N",
                 help="Ray actors that embed.  [default: one a GPU, else one a node]"),
]  # fmt: skip
_LOADING = [
    click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|cuda:N|mps",
                 help="Where models run; auto takes CUDA, then MPS, then the CPU. Several, as in "
                      "cuda:0,cuda:1, embed at once, a process each."),
    click.option("--dtype", type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
                 default="auto", show_default=True,
                 help="Precision; auto is bfloat16 where that is fast and keeps the vectors of "
                      "64 texts (CUDA from 8.0, CPUs with AMX; for training, GPUs alone), else "
                      "float32."),
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
    click.option("--batch-tokens", type=click.IntRange(min=1), metavar="N",
                 help="Padded tokens in a batch.  [default: 4096 on a CPU, else 16384]"),
    click.option("--truncate-dim", callback=_dims, metavar="N[,N…]",
                 help="Keep the first N dimensions; with several, measure whole and at each."),
    click.option("--store-dtype", type=click.Choice(["float32", "float16"]), default="float32",
                 show_default=True,
                 help="How vectors are kept and measured; float16 takes half the disk and memory."),
]  # fmt: skip
_VERBOSITY = [
    click.option("-q", "--quiet", is_flag=True, help="Only errors."),
    click.option("-v", "--verbose", count=True, help="More words."),
]
_MEASURING = [
    DATA, LANGUAGES, SPLIT, CANDIDATE, OUT, FORCE, FORMATS, STYLE, COLUMN_WIDTH,
    click.option("--bootstrap", type=click.IntRange(min=10), default=1000, show_default=True,
                 help="Resamples of query ids; paired tests flip signs at least as often."),
    click.option("--interval", type=click.Choice(["percentile", "bca"]), default="percentile",
                 show_default=True, help="Kind of bootstrap interval."),
    click.option("--what-if", callback=_split, metavar="REPAIR,…",
                 help="Measure what repairs would buy: centre, lir:N, whiten, procrustes."),
    click.option("--quantize", callback=_split, metavar="int8,binary",
                 help="Measure what fewer bits would cost."),
    click.option("--group-by", callback=_split, metavar="script,family,seen",
                 help="Average over groups of languages as well."),
    click.option("--seen", callback=_split, metavar="ar,de,…",
                 help="Languages trained on, for --group-by seen.  [default: what the checkpoints "
                 "say]"),
    click.option("--published", callback=_split, metavar="PAPER|FILE.csv,…",
                 help="Put a paper's figures beside these, e.g. 2408.10536, or those of a file "
                 "of `alignkit import-mteb`."),
    click.option("--trec", is_flag=True,
                 help="Write runs (multilingual pool, 100 deep) and qrels for TREC's tools."),
    click.option("--mteb", is_flag=True, help="Write results in the layout of MTEB's."),
    READER_LANGUAGE,
    click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True),
    *_ENGINE,
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
spreading = _all(_ENGINE)
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
    def page(self) -> "Page":
        """What figures are sized to."""
        from alignkit.figures.page import page_of

        return page_of(self.options["style"], self.options["column_width"])

    @property
    def encode(self) -> "EncodeOptions":
        """How texts are to be embedded."""
        from alignkit.checkpoints import EncodeOptions

        names = (
            "dtype", "batch_tokens", "query_prompt", "passage_prompt", "pooling",
            "trust_remote_code", "allow_pickle", "offline", "store_dtype",
        )  # fmt: skip
        chosen = {name: self.options[name] for name in names if name in self.options}
        dims = self.options.get("truncate_dim") or ()
        if len(dims) > 1 and "what_if" not in self.options:
            raise AlignkitError("--truncate-dim takes one number here; give it the one to keep")
        devices = tuple(name.strip() for name in self.options["device"].split(","))
        return EncodeOptions(
            devices[0], devices if len(devices) > 1 else (), **chosen,
            truncate_dim=dims[0] if len(dims) == 1 else None,
        )  # fmt: skip

    @property
    def engine(self) -> "EngineName":
        """Where to embed and rank."""
        if self.options["workers"] is not None and self.options["engine"] != "ray":
            raise AlignkitError("--workers is for --engine ray; here, name several --device")
        return self.options["engine"]

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

        names = ("languages", "candidate", "split", "bootstrap", "interval", "seen", "seed",
                 "workers", "trec", "mteb")  # fmt: skip
        chosen = {name: self.options[name] for name in names}
        return RunSettings(
            encode=self.encode, engine=self.engine, umap=not self.options["no_umap"],
            variants=self.variants, group_by=self.options["group_by"] or (),
            published=self.options["published"] or (),
            reader_language=self.options["reader_language"] or "en", **chosen,
        )  # fmt: skip

    @property
    def variants(self) -> "Variants":
        """Repairs and compressions to measure as well."""
        from alignkit.compressions import QUANTIZED
        from alignkit.repairs import parse_repair
        from alignkit.variants import Variants

        repairs, quantized = self.options["what_if"] or (), self.options["quantize"] or ()
        for repair in repairs:
            parse_repair(repair)
        for name in quantized:
            if name not in QUANTIZED:
                raise AlignkitError(
                    f"--quantize knows no {name!r}; name some of {', '.join(QUANTIZED)}"
                )
        dims = self.options["truncate_dim"] or ()
        cut = tuple(f"dim-{dim}" for dim in dims) if len(dims) > 1 else ()
        return Variants(tuple(dict.fromkeys(repairs)), (*cut, *dict.fromkeys(quantized)))

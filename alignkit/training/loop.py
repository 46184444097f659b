"""What `alignkit train` does, read top to bottom: a Trainer of sentence-transformers, set up."""

import atexit
import logging
import os
import shlex
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from torch import nn
from transformers import EarlyStoppingCallback, PrinterCallback, TrainerCallback, set_seed
from transformers.utils import logging as transformers_logging

from alignkit.checkpoints import EncodeOptions, load_checkpoint
from alignkit.checkpoints._device import resolve_device
from alignkit.checkpoints._model import ModelCheckpoint
from alignkit.errors import AlignkitError
from alignkit.progress import SILENT, Advance, Reporter
from alignkit.provenance import environment
from alignkit.tables import Dataset, Role
from alignkit.training.batches import BatchStrategy
from alignkit.training.evaluator import AlignmentEvaluator
from alignkit.training.examples import one_to_k, pairs
from alignkit.training.folder import TrainingFolder
from alignkit.training.losses import OneToKLoss, info_nce
from alignkit.training.samplers import STRATEGIES
from alignkit.training.scratch import from_scratch, is_scratch
from alignkit.training.splits import Articles, Splits, load_splits

# arXiv 2408.10536 trains with 3e-5; vectors that are random at first need far larger steps.
LEARNING_RATE, SCRATCH_LEARNING_RATE = 3e-5, 1e-2


@dataclass(frozen=True)
class TrainSettings:
    """How to train; the defaults are those of the command line, and of arXiv 2408.10536 if it says.

    Attributes
    ----------
    strategy : how batches are made.
    init : the checkpoint to begin with, or `scratch[,vocabulary=N,dim=N]`.
    data : `NAME[:PATH]` of each dataset, of which the train split is taken; `articles` make splits
        of XQuAD-R and MLQA-R.
    languages : those trained on; None means all.
    temperature : of the loss, above 0.
    batch : examples a step and process; `mini_batch` of them are embedded at a time, if given.
    steps : optimiser steps.
    learning_rate : at its highest; None takes 3e-5, or 1e-2 from scratch. It rises over the share
        `warmup` of the steps, then falls linearly to 0.
    weight_decay : of AdamW.
    negatives : hard negatives an example; None takes 1 where the data have some.
    max_length : tokens after which a text is cut; None leaves the model its own.
    eval_every : measure on validation data every so many steps; None never does.
    patience : stop after so many measurements without a better one, and keep the best weights.
    save_every : write `checkpoint-N` every so many steps; None takes `eval_every`, else a tenth.
    keep : how many of them stay; None keeps all.
    seed : of weights, batches and dropout.
    encode : device, precision, prompts, pooling, and whether to trust or download.
    """

    strategy: BatchStrategy
    init: str = "scratch"
    data: tuple[str, ...] = ("sample",)
    articles: Articles = field(default_factory=Articles)
    languages: tuple[str, ...] | None = None
    candidate: str = "sentence"
    temperature: float = 0.05
    batch: int = 100
    mini_batch: int | None = None
    steps: int = 1000
    learning_rate: float | None = None
    warmup: float = 0.1
    weight_decay: float = 0.01
    negatives: int | None = None
    max_length: int | None = None
    eval_every: int | None = None
    patience: int | None = None
    save_every: int | None = None
    keep: int | None = None
    seed: int = 0
    encode: EncodeOptions = field(default_factory=EncodeOptions)

    def __post_init__(self) -> None:
        if not 0 < self.temperature < float("inf"):
            raise AlignkitError(f"temperature is {self.temperature:g}; it must be above 0")
        if self.patience is not None and self.eval_every is None:
            raise AlignkitError("patience counts measurements; say how often with --eval-every N")
        if self.eval_every and self.save_every and self.save_every % self.eval_every:
            raise AlignkitError(
                f"save-every is {self.save_every}; make it a multiple of --eval-every "
                f"{self.eval_every}, so that what is measured can be kept"
            )
        if len(self.encode.devices) > 1:
            raise AlignkitError(
                f"training takes one device, not {','.join(self.encode.devices)}; torchrun starts "
                "a process for each"
            )
        if self.encode.device.startswith("cuda:"):
            raise AlignkitError(
                f"training takes device auto, cpu, cuda or mps; for {self.encode.device} set "
                f"CUDA_VISIBLE_DEVICES={self.encode.device.partition(':')[2]}"
            )
        if self.one_to_k and (self.negatives or self.mini_batch):
            raise AlignkitError(
                "one-to-k has a loss of its own, without negatives and mini-batches"
            )

    @property
    def one_to_k(self) -> bool:
        """Whether examples show a passage of every language."""
        return STRATEGIES.get(self.strategy.name).one_to_k

    @property
    def rate(self) -> float:
        """The learning rate in force."""
        if self.learning_rate is not None:
            return self.learning_rate
        return SCRATCH_LEARNING_RATE if is_scratch(self.init) else LEARNING_RATE

    def described(self) -> dict[str, Any]:
        """All that decides the weights, in plain JSON types."""
        strategy = STRATEGIES.get(self.strategy.name)
        return {
            "strategy": self.strategy.name,
            **({"alpha": self.strategy.alpha} if strategy.mixes else {}),
            "sampling": self.strategy.sampling,
            "seed": self.seed,
            "init": self.init,
            "data": list(self.data),
            "languages": list(self.languages) if self.languages else None,
            "articles": {
                name: spans for name, spans in vars(self.articles).items() if spans is not None
            },
            "candidate": self.candidate,
            "loss": "one-to-k" if self.one_to_k else "InfoNCE",
            "temperature": self.temperature,
            "batch": self.batch,
            "mini_batch": self.mini_batch,
            "steps": self.steps,
            "learning_rate": self.rate,
            "warmup": self.warmup,
            "weight_decay": self.weight_decay,
            "negatives": self.negatives,
            "max_length": self.max_length,
            "eval_every": self.eval_every,
            "patience": self.patience,
            "query_prompt": self.encode.query_prompt,
            "passage_prompt": self.encode.passage_prompt,
            "pooling": self.encode.pooling,
            "dtype": self.encode.dtype,
        }


def train(
    settings: TrainSettings,
    out: Path | str,
    *,
    force: bool = False,
    keep_finished: bool = False,
    reporter: Reporter = SILENT,
) -> Path:
    """Train into `out`, or go on with what was interrupted there, and return `out`.

    A training with the same settings that is finished is refused, or with `keep_finished` left as
    it is; `force` begins anew.

    `out` is a model folder in the end, with every `checkpoint-N`, the log and `provenance.json`
    beside it. Several processes (`torchrun -m alignkit train …`) train together.

    Raises
    ------
    AlignkitError
        When an input is wrong, before anything is trained.
    """
    with _quiet():
        return _train(settings, Path(out), force, keep_finished, reporter)


def _train(
    settings: TrainSettings, out: Path, force: bool, keep_finished: bool, reporter: Reporter
) -> Path:
    splits = load_splits(
        settings.data, articles=settings.articles, validate=settings.eval_every is not None,
        languages=settings.languages, candidate=settings.candidate,
        offline=settings.encode.offline, reporter=reporter,
    )  # fmt: skip
    set_seed(settings.seed)
    model, origin, prompts = _open_model(settings, splits.train)
    make = one_to_k if settings.one_to_k else lambda d: pairs(d, negatives=settings.negatives)
    examples = make(splits.train)
    arguments = _arguments(settings, out, prompts, examples.column_names)
    # Before the folder is made: whatever the data don't allow shows here.
    settings.strategy(examples, settings.batch, seed=settings.seed)
    loss = _loss(settings, model)
    provenance = _provenance(settings, origin, splits)
    folder = TrainingFolder(out)
    if keep_finished and folder.is_finished(provenance):
        return out
    if arguments.world_size > 1:
        atexit.register(_leave_group)
    with arguments.main_process_first(local=False):
        start = folder.begin(provenance, force=force and arguments.process_index == 0)
    trainer = _trainer(settings, arguments, model, prompts, examples, loss, splits.validation)
    reporter.say(_what(settings, len(examples), start))
    with reporter.bar(f"training {out.name}", settings.steps) as advance:
        trainer.add_callback(_Progress(advance))
        trainer.train(resume_from_checkpoint=str(start) if start else None)
    if arguments.process_index == 0:
        _save(trainer, settings, out)
        stopped = {"steps_done": trainer.state.global_step, "best_step": _best_step(trainer)}
        folder.finish({**provenance, **stopped})
    return out


def _leave_group() -> None:
    """Part from the other processes, since the group's threads abort a process that just ends."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


@contextmanager
def _quiet() -> Generator[None]:
    """Keep the Trainer's own words back: progress is ours, and stderr stays readable."""
    loggers = [
        logging.getLogger(f) for f in ("transformers", "sentence_transformers", "accelerate")
    ]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.enable_progress_bar()
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _open_model(
    settings: TrainSettings, train_data: Sequence[Dataset]
) -> tuple[SentenceTransformer, dict[str, Any], dict[Role, str]]:
    """Give the model, what it began as, and the prompts in force."""
    asked = settings.encode
    if is_scratch(settings.init):
        texts = (
            text
            for dataset in train_data
            for part in (dataset.queries, dataset.passages)
            for text in part.frame["text"]
        )
        prompts: dict[Role, str] = {
            "query": asked.query_prompt or "", "passage": asked.passage_prompt or ""
        }  # fmt: skip
        model = from_scratch(settings.init, [*texts, *prompts.values()])
        origin: dict[str, Any] = {"kind": "scratch", "location": settings.init}
    else:
        # Whatever the precision of the steps, the weights begin and stay unrounded.
        checkpoint = load_checkpoint(settings.init, replace(asked, dtype="float32"))
        if not isinstance(checkpoint, ModelCheckpoint):
            raise AlignkitError(
                f"{settings.init} holds vectors and no model; --init takes a model, or scratch"
            )
        loaded: Any = checkpoint.load()
        model, origin = loaded.model, checkpoint.describe()
        prompts = {"query": checkpoint.prompt("query"), "passage": checkpoint.prompt("passage")}
    model.model_card_data.generate_widget_examples = False  # it would embed texts for a picture
    own_prompts: dict[str, str | None] = {
        "query": prompts["query"], "document": prompts["passage"]
    }  # fmt: skip
    model.prompts = own_prompts
    if settings.max_length is not None:
        model.max_seq_length = settings.max_length
    return model, origin, prompts


def _arguments(
    settings: TrainSettings, out: Path, prompts: dict[Role, str], columns: Sequence[str]
) -> SentenceTransformerTrainingArguments:
    device = resolve_device(settings.encode.device)
    fast_bfloat = device.startswith("cuda") and torch.cuda.is_bf16_supported()
    dtype = settings.encode.dtype
    if dtype == "auto":
        dtype = "bfloat16" if fast_bfloat else "float32"
    texts = [name for name in columns if not name.endswith(("_id", "_language"))]
    of_column = {name: prompts["query" if name == "query" else "passage"] for name in texts}
    saved = settings.save_every or settings.eval_every or max(1, settings.steps // 10)
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(out),
        max_steps=settings.steps,
        per_device_train_batch_size=settings.batch,
        batch_sampler=settings.strategy,
        learning_rate=settings.rate,
        lr_scheduler_type="linear",
        warmup_steps=round(settings.warmup * settings.steps),
        weight_decay=settings.weight_decay,
        prompts={name: prompt for name, prompt in of_column.items() if prompt} or None,
        seed=settings.seed,
        bf16=dtype == "bfloat16",
        fp16=dtype == "float16",
        use_cpu=device == "cpu",
        dataloader_pin_memory=device.startswith("cuda"),
        save_strategy="steps",
        save_steps=saved,
        save_total_limit=settings.keep,
        eval_strategy="no" if settings.eval_every is None else "steps",
        eval_steps=settings.eval_every,
        load_best_model_at_end=settings.patience is not None,
        logging_steps=min(10, saved),
        disable_tqdm=True,
        report_to="none",
    )
    if arguments.n_gpu > 1:  # DataParallel would split a batch and lose its negatives
        setattr(arguments, "_n_gpu", 1)  # noqa: B010  private there, and the only way
    return arguments


def _trainer(
    settings: TrainSettings,
    arguments: SentenceTransformerTrainingArguments,
    model: SentenceTransformer,
    prompts: dict[Role, str],
    examples: Any,  # noqa: ANN401  a datasets.Dataset
    loss: nn.Module,
    validation: Sequence[Dataset],
) -> SentenceTransformerTrainer:
    evaluator = AlignmentEvaluator(validation, prompts) if validation else None
    callbacks: list[TrainerCallback] = []
    if evaluator is not None:
        arguments.metric_for_best_model = f"eval_{evaluator.primary_metric}"
        arguments.greater_is_better = True
    if settings.patience is not None:
        callbacks.append(EarlyStoppingCallback(settings.patience))
    # An example for the model card; the Trainer would look for five, with a bar of its own.
    first = list(examples[0].values())
    card: Any = model.model_card_data
    card.widget = [{"source_sentence": first[0], "sentences": first[1:]}]
    trainer = SentenceTransformerTrainer(
        model=model, args=arguments, train_dataset=examples, loss=loss,
        evaluator=evaluator, callbacks=callbacks,
    )  # fmt: skip
    trainer.remove_callback(PrinterCallback)
    return trainer


def _loss(settings: TrainSettings, model: SentenceTransformer) -> nn.Module:
    if settings.one_to_k:
        return OneToKLoss(model, settings.temperature)
    try:
        return info_nce(model, settings.temperature, mini_batch=settings.mini_batch)
    except ValueError as error:  # sentence-transformers cannot cut the input of a bag of subwords
        raise AlignkitError(
            f"{settings.init} cannot be trained in mini-batches; leave --mini-batch away"
        ) from error


class _Progress(TrainerCallback):
    """Moves our bar on; a class as the Trainer wants it."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._note = ""

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Begin where a resumed training stands."""
        if state.global_step:
            self._advance(state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Take what the Trainer measured last."""
        if logs and "loss" in logs:
            self._note = f"loss {logs['loss']:.3f}, lr {logs['learning_rate']:.1e}"

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Count a step."""
        self._advance(1, self._note)


def _provenance(settings: TrainSettings, origin: dict[str, Any], splits: Splits) -> dict[str, Any]:
    def described(dataset: Dataset) -> dict[str, Any]:
        ids = dataset.queries.frame["parallel_id"]
        return {
            "name": dataset.name,
            "checksum": dataset.checksum,
            "languages": dataset.queries.languages,
            "parallel_ids": int(ids.nunique()),
        }

    return {
        "settings": {
            **settings.described(),
            "train": [described(one) for one in splits.train],
            "validation": [described(one) for one in splits.validation],
            "processes": int(os.environ.get("WORLD_SIZE", "1")),
        },
        "init": origin,
        "command": shlex.join(["alignkit", *sys.argv[1:]]),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "environment": environment(),
    }


def _what(settings: TrainSettings, n_examples: int, start: Path | None) -> str:
    word = settings.strategy.name
    if STRATEGIES.get(word).mixes:
        word += f" (alpha {settings.strategy.alpha:g})"
    how = f"{settings.steps:,} steps of {settings.batch} from {n_examples:,} examples"
    return f"{word}: {how}" + (f", going on from {start.name}" if start else "")


def _best_step(trainer: SentenceTransformerTrainer) -> int | None:
    best = trainer.state.best_model_checkpoint
    return int(best.rpartition("-")[2]) if best and trainer.args.load_best_model_at_end else None


def _save(trainer: SentenceTransformerTrainer, settings: TrainSettings, out: Path) -> None:
    """Write the model, its log and its card into the training's folder."""
    trainer.model.model_card_data.add_tags(["alignkit", f"{settings.strategy.name}-batches"])
    trainer.save_model(str(out))
    pd.DataFrame(trainer.state.log_history).to_csv(out / "log.csv", index=False)
    card = out / "README.md"
    card.write_text(card.read_text("utf-8") + _card_section(settings), "utf-8")


def _card_section(settings: TrainSettings) -> str:
    definition = STRATEGIES.get(settings.strategy.name).definition.splitlines()[0]
    rows = [
        f"| {key} | {value} |" for key, value in settings.described().items() if value is not None
    ]
    return "\n".join(
        ["", "## Trained by alignkit", "", definition, "", "| setting | value |", "| --- | --- |",
         *rows, ""]
    )  # fmt: skip

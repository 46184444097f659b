"""Time training with alignkit's batches against sentence-transformers' own, in one run.

    python analyses/benchmarks/training.py --data xquad-r:PATH

Same model, texts, loss, batch size, and the same kinds of batches: sentence-transformers is given a
data set a language, one of cross-lingual pairs, or both of equal size, and draws from them in
proportion to their size. The model is a bag of subwords, whose steps are so cheap that a slow
sampler would show. Prints the ratio of times a step, alignkit's over the other's.
"""

import argparse
import statistics
import tempfile
import time
from typing import Any

import datasets
import numpy as np
import torch
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.base.sampler import MultiDatasetBatchSamplers
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from transformers import PrinterCallback, TrainerCallback

from alignkit import load_dataset
from alignkit.training import BatchStrategy, pairs
from alignkit.training.scratch import from_scratch

BATCH = 128
WARM_UP = 20  # steps that are not timed


def data_sets(examples: datasets.Dataset, strategy: str) -> datasets.DatasetDict:
    """Give data sets of texts that sentence-transformers draws the same kinds of batches from."""
    table = examples.with_format("arrow")[:].to_pandas()
    same = (table["query_language"] == table["passage_language"]).to_numpy()
    rows: dict[str, np.ndarray] = {}
    if strategy != "cross-lingual":
        for code, part in table[same].groupby("query_language"):
            rows[str(code)] = part.index.to_numpy()
    if strategy != "monolingual":
        chosen = np.random.default_rng(0).permutation(np.flatnonzero(~same))[: same.sum()]
        rows["pairs"] = chosen
    return datasets.DatasetDict(
        {name: datasets.Dataset.from_dict(examples[chosen]) for name, chosen in rows.items()}
    )


class Clock(TrainerCallback):
    """Times the steps after the warm-up; a class as the Trainer wants it."""

    started = 0.0
    seconds = 0.0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Start the clock, or read it."""
        if state.global_step == WARM_UP:
            self.started = time.perf_counter()
        self.seconds = time.perf_counter() - self.started


def seconds_a_step(model: SentenceTransformer, data: Any, steps: int, **options: Any) -> float:  # noqa: ANN401
    """Train, and return what a step took."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        arguments = SentenceTransformerTrainingArguments(
            folder, max_steps=steps + WARM_UP, per_device_train_batch_size=BATCH,
            save_strategy="no", report_to="none", disable_tqdm=True, logging_strategy="no",
            use_cpu=not torch.cuda.is_available(), dataloader_pin_memory=False, **options,
        )  # fmt: skip
        model.model_card_data.train_datasets = []
        loss = MultipleNegativesRankingLoss(model)
        trainer = SentenceTransformerTrainer(model, arguments, data, loss=loss, callbacks=[clock])
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return clock.seconds / steps


def main() -> None:
    """Alternate the two, and print medians and the spread of their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="xquad-r:PATH")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--repetitions", type=int, default=7)
    options = parser.parse_args()
    dataset = load_dataset(options.data)
    model = from_scratch(
        "scratch", [*dataset.queries.frame["text"], *dataset.passages.frame["text"]]
    )
    ours = pairs([dataset])
    proportional = {"multi_dataset_batch_sampler": MultiDatasetBatchSamplers.PROPORTIONAL}
    for strategy in ("monolingual", "cross-lingual", "hybrid"):
        theirs = data_sets(ours, strategy)
        batches = {"batch_sampler": BatchStrategy(strategy)}
        times = [
            (
                seconds_a_step(model, ours, options.steps, **batches),
                seconds_a_step(model, theirs, options.steps, **proportional),
            )
            for _ in range(options.repetitions)
        ]
        ratios = sorted(mine / other for mine, other in times)
        mine, other = (1e3 * statistics.median(column) for column in zip(*times, strict=True))
        print(
            f"{strategy:14} {mine:6.1f} ms a step, proportional {other:6.1f} ms; ratio "
            f"{statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})"
        )


if __name__ == "__main__":
    main()

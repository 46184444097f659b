"""Time training with alignkit's batches against sentence-transformers' own, in one run.

    python analyses/benchmarks/training.py --data xquad-r:PATH

Same model, texts, loss, batch size and steps; sentence-transformers draws monolingual batches with
a data set a language and its proportional sampler. The model is a bag of subwords, whose steps are
so cheap that a slow sampler would show. Prints the ratio of times, alignkit's over the other.
"""

import argparse
import statistics
import tempfile
import time
from typing import Any

import datasets
import torch
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.base.sampler import MultiDatasetBatchSamplers
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from transformers import PrinterCallback

from alignkit import load_dataset
from alignkit.tables import Dataset
from alignkit.training import BatchStrategy, pairs
from alignkit.training.scratch import from_scratch

BATCH = 128


def by_language(dataset: Dataset) -> datasets.DatasetDict:
    """Give a data set of texts a language, as a user of sentence-transformers would."""
    queries = dataset.queries.frame.set_index("id")["text"]
    passages = dataset.passages.frame.set_index("id")["text"]
    rows: dict[str, dict[str, list[str]]] = {}
    for query, passage in zip(dataset.qrels["query_id"], dataset.qrels["passage_id"], strict=True):
        own = rows.setdefault(query.partition(":")[0], {"query": [], "passage": []})
        own["query"].append(queries[query])
        own["passage"].append(passages[passage])
    return datasets.DatasetDict({code: datasets.Dataset.from_dict(r) for code, r in rows.items()})


def seconds(model: SentenceTransformer, data: Any, steps: int, **options: Any) -> float:  # noqa: ANN401
    """Train for some steps and return what they took."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = SentenceTransformerTrainingArguments(
            folder, max_steps=steps, per_device_train_batch_size=BATCH, save_strategy="no",
            report_to="none", disable_tqdm=True, use_cpu=not torch.cuda.is_available(),
            dataloader_pin_memory=False, logging_strategy="no", **options,
        )  # fmt: skip
        loss = MultipleNegativesRankingLoss(model)
        trainer = SentenceTransformerTrainer(model, arguments, data, loss=loss)
        trainer.remove_callback(PrinterCallback)
        started = time.perf_counter()
        trainer.train()
        return time.perf_counter() - started


def main() -> None:
    """Alternate the two, and print medians and the spread of their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="xquad-r:PATH")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--repetitions", type=int, default=7)
    options = parser.parse_args()
    dataset = load_dataset(options.data)
    texts = [*dataset.queries.frame["text"], *dataset.passages.frame["text"]]
    model = from_scratch("scratch", texts)
    ours = pairs([dataset])
    theirs = by_language(dataset)
    proportional = {"multi_dataset_batch_sampler": MultiDatasetBatchSamplers.PROPORTIONAL}
    for strategy in ("monolingual", "cross-lingual", "hybrid"):
        batches = {"batch_sampler": BatchStrategy(strategy)}
        times: list[tuple[float, float]] = []
        for repetition in range(options.repetitions + 1):
            pair = (
                seconds(model, ours, options.steps, **batches),
                seconds(model, theirs, options.steps, **proportional),
            )
            if repetition:  # the first warms up
                times.append(pair)
        ratios = sorted(mine / other for mine, other in times)
        mine, other = (
            statistics.median(column) / options.steps for column in zip(*times, strict=True)
        )
        print(
            f"{strategy:14} {mine * 1e3:6.1f} ms a step, proportional {other * 1e3:6.1f} ms; ratio "
            f"{statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f})"
        )


if __name__ == "__main__":
    main()

"""Training on the sentence-transformers Trainer: batches by language, losses, the loop.

From Python, with a Trainer of your own:

    data = pairs([load_dataset("sample", split="train")])
    arguments = SentenceTransformerTrainingArguments(
        "runs/hybrid", batch_sampler=BatchStrategy("hybrid", alpha=0.5)
    )
    SentenceTransformerTrainer(model, arguments, data, loss=...).train()

Names are loaded when they are used: torch takes seconds.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alignkit.training.batches import BatchStrategy, LanguageBatchSampler, with_texts
    from alignkit.training.examples import one_to_k, pairs
    from alignkit.training.loop import TrainSettings, train
    from alignkit.training.losses import OneToKLoss
    from alignkit.training.splits import Articles

__all__ = [
    "Articles",
    "BatchStrategy",
    "LanguageBatchSampler",
    "OneToKLoss",
    "TrainSettings",
    "one_to_k",
    "pairs",
    "train",
    "with_texts",
]

_HOMES = {
    "Articles": "splits",
    "BatchStrategy": "batches",
    "LanguageBatchSampler": "batches",
    "OneToKLoss": "losses",
    "TrainSettings": "loop",
    "one_to_k": "examples",
    "pairs": "examples",
    "train": "loop",
    "with_texts": "batches",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401  attributes of a module
    if name not in _HOMES:
        raise AttributeError(f"module 'alignkit.training' has no attribute {name!r}")
    return getattr(importlib.import_module(f"alignkit.training.{_HOMES[name]}"), name)

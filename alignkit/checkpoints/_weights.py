"""What became of a model's weights: which its files lack, and which of its files' fit nowhere."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class WeightReport:
    """Names of weights; a class because it is filled while a model is loaded.

    `missing` are those that transformers fills at random, `unexpected` those in a file that the
    model has no place for.
    """

    missing: set[str] = field(default_factory=set)
    unexpected: set[str] = field(default_factory=set)

    def add(self, missing: Iterable[str], unexpected: Iterable[str]) -> None:
        """Note what a file lacks and what it has besides."""
        self.missing.update(missing)
        self.unexpected.update(unexpected)


@contextmanager
def watch_weights() -> Generator[WeightReport]:
    """Note what every model of transformers that is loaded in the block says of its weights.

    It says so only to those who call `from_pretrained` themselves, which sentence-transformers
    does for us, and else in a table for people.
    """
    from transformers import PreTrainedModel

    report = WeightReport()
    loader: Any = PreTrainedModel
    original: Any = loader.__dict__["from_pretrained"]

    def watched(cls: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        if options.get("output_loading_info"):
            return original.__func__(cls, *arguments, **options)
        model, info = original.__func__(cls, *arguments, **options, output_loading_info=True)
        report.add(info["missing_keys"], info["unexpected_keys"])
        return model

    loader.from_pretrained = classmethod(watched)
    try:
        yield report
    finally:
        loader.from_pretrained = original


def in_use(model: Any, names: Iterable[str]) -> list[str]:  # noqa: ANN401  a SentenceTransformer
    """Which of the transformer's weights its vectors depend on, sorted.

    A weight is in use if a vector's derivative by it exists, or if it has been merged into another.
    A pooler that no pooling reads is often missing, and does no harm.
    """
    transformer = getattr(model[0], "auto_model", None)
    wanted = set(names)
    if transformer is None or not wanted:
        return []
    weights = {name: one for name, one in transformer.named_parameters() if name in wanted}
    depended_on = _with_derivative(model, weights) if weights else []
    return sorted({*depended_on, *(wanted - weights.keys())})


def _with_derivative(model: Any, weights: dict[str, Any]) -> Sequence[str]:  # noqa: ANN401
    import torch

    for weight in weights.values():
        weight.requires_grad_(True)
    features = model.preprocess(["a"], prompt="", task="query")
    moved = {name: value.to(model.device) if torch.is_tensor(value) else value
             for name, value in features.items()}  # fmt: skip
    with torch.enable_grad():
        vector = model(moved, task="query")["sentence_embedding"].float()
        slopes: Any = torch.autograd.grad(vector.sum(), list(weights.values()), allow_unused=True)
    return [name for name, slope in zip(weights, slopes, strict=True) if slope is not None]

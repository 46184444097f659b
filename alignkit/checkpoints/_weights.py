"""What became of a model's weights: which its files lack, and which of its files' fit nowhere."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class WeightReport:
    """Names of weights; a class because it is filled while a model is loaded.

    `missing` are those that transformers fills at random, `unexpected` those in a file that the
    model has no place for. `filled` has each missing one's name and tensor, None where it has none:
    two transformers of a model may lack weights of one name.
    """

    missing: set[str] = field(default_factory=set)
    unexpected: set[str] = field(default_factory=set)
    filled: list[tuple[str, Any]] = field(default_factory=list[tuple[str, Any]])

    def add(self, transformer: Any, missing: Iterable[str], unexpected: Iterable[str]) -> None:  # noqa: ANN401
        """Note what the file of a transformer lacks and what it has besides."""
        names = list(missing)
        if names:
            there = dict(transformer.named_parameters(remove_duplicate=False))
            self.filled += [(name, there.get(name)) for name in names]
        self.missing.update(names)
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
        report.add(model, info["missing_keys"], info["unexpected_keys"])
        return model

    loader.from_pretrained = classmethod(watched)
    try:
        yield report
    finally:
        loader.from_pretrained = original


def in_use(model: Any, report: WeightReport) -> list[str]:  # noqa: ANN401  a SentenceTransformer
    """Which of the missing weights its vectors depend on, sorted.

    A weight is in use if a query's or a passage's vector has a derivative by it, or if nobody can
    tell: it has been merged into another, or exported to another library. A pooler that no pooling
    reads is often missing, and does no harm.
    """
    if not report.filled:
        return []
    own = {id(one) for one in model.parameters()}
    placed = [(name, one) for name, one in report.filled if id(one) in own]
    unknown = report.missing - {name for name, _ in placed}
    return sorted({*_with_derivative(model, placed), *unknown} if placed else unknown)


def _with_derivative(model: Any, weights: list[tuple[str, Any]]) -> set[str]:  # noqa: ANN401
    import torch

    tensors = [one.requires_grad_(True) for _, one in weights]
    found: set[str] = set()
    for task in ("query", "document"):  # a router has a transformer for each
        features = model.preprocess(["a"], prompt="", task=task)
        moved = {name: value.to(model.device) if torch.is_tensor(value) else value
                 for name, value in features.items()}  # fmt: skip
        with torch.enable_grad():
            vector = model(moved, task=task)["sentence_embedding"].float()
            if vector.requires_grad:
                slopes: Any = torch.autograd.grad(vector.sum(), tensors, allow_unused=True)
                found |= {name for (name, _), slope in zip(weights, slopes, strict=True)
                          if slope is not None}  # fmt: skip
    return found

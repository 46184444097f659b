"""What a command line names: checkpoints, and strategies of several runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alignkit.checkpoints import Checkpoint, EncodeOptions, load_runs
from alignkit.errors import AlignkitError
from alignkit.store import VectorStore
from alignkit.tables import Role


@dataclass(frozen=True)
class Strategy:
    """What one label stands for: a checkpoint, or several runs of one strategy."""

    label: str
    runs: list[Checkpoint]

    def describe(self) -> dict[str, Any]:
        """Say what a run records of it; of several runs, each under `runs`."""
        described = [one.describe() for one in self.runs]
        if len(described) == 1:
            return described[0]
        notes = [note for one in described for note in one["notes"]]
        return {"label": self.label, "kind": f"{len(described)} runs", "runs": described,
                "notes": notes}  # fmt: skip

    def identity(self) -> list[Any]:
        """Say what its vectors depend on, in plain JSON types, without reading them.

        A shard of the vector cache is named by the digest of its content, so that the names of
        those that hold its vectors stand for them.
        """
        store = VectorStore()
        roles: list[Role] = ["query", "passage"]
        return [
            [run.describe(), [[recipe, store.names(recipe)] for recipe in map(run.recipe, roles)]]
            for run in self.runs
        ]


def open_strategies(specs: Sequence[str], options: EncodeOptions) -> list[Strategy]:
    """Open what a command line names; raises AlignkitError where two have one label."""
    opened = [Strategy(*load_runs(spec, options)) for spec in specs]
    labels = [one.label for one in opened]
    for label in labels:
        if labels.count(label) > 1:
            raise AlignkitError(
                f"{labels.count(label)} checkpoints are labelled {label!r}; "
                "give each its own label: new-label=LOCATION"
            )
    return opened


def choose_baseline(checkpoints: list[Strategy], label: str | None) -> str:
    """Find the baseline by its label, the first if there is none; raises AlignkitError."""
    labels = [checkpoint.label for checkpoint in checkpoints]
    if label is None:
        return labels[0]
    if label not in labels:
        raise AlignkitError(f"no checkpoint is labelled {label!r}; there are: {', '.join(labels)}")
    return label

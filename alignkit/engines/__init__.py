"""Engines: where a checkpoint's batches are embedded; in this process, in several, or on Ray."""

from collections.abc import Iterator
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from alignkit.batches import Batch
from alignkit.checkpoints import Checkpoint
from alignkit.kernels.merging import Spread
from alignkit.progress import SILENT, Reporter
from alignkit.tables import Role

EngineName = Literal["local", "ray"]


@runtime_checkable  # beartype checks it while the tests run
class Engine(Protocol):
    """A checkpoint's model, or several copies of it, at work."""

    def counts(self, texts: list[str], role: Role) -> np.ndarray:
        """Tokens of each text, (n,) int64."""
        ...

    def encode(
        self, batches: Iterator[Batch], role: Role
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows and vectors (n, dim) float32 of every batch, in any order, each once.

        A batch that the device has no room for comes back in parts.
        """
        ...

    def close(self) -> None:
        """Let go of the model; what is still at work is given up."""
        ...


def spread_of(name: EngineName) -> Spread | None:
    """How an engine ranks passages in parts; None where they are ranked whole, in this process."""
    if name == "local":
        return None
    from alignkit.engines.ray import on_ray

    return on_ray


def open_engine(
    checkpoint: Checkpoint,
    name: EngineName = "local",
    *,
    workers: int | None = None,
    reporter: Reporter = SILENT,
) -> Engine:
    """Start the engine for a checkpoint: one process a device where several are named.

    `workers` is the number of Ray's actors, by default one a GPU of the cluster, else one a node.
    """
    if name == "ray":
        from alignkit.engines.ray import ray_engine

        return ray_engine(checkpoint, workers, reporter)
    if len(checkpoint.options.devices) > 1:
        from alignkit.engines.processes import process_engine

        return process_engine(checkpoint, reporter)
    from alignkit.engines.here import Here

    return Here(checkpoint, reporter)

"""What the engines of several workers share: pieces of work, handed out as they are done.

A worker that dies costs the piece that it had, which another gets; a piece's vectors are taken
once, so nothing is lost and nothing doubled. Who did a piece does not show in its vectors.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import Any, Protocol, runtime_checkable

import numpy as np

from alignkit.batches import Batch
from alignkit.checkpoints import Checkpoint
from alignkit.engines.here import Here
from alignkit.errors import AlignkitError
from alignkit.tables import Role

PIECE = 8  # batches; a worker tokenises the next while it embeds one, within a piece
Vectors = list[tuple[np.ndarray, np.ndarray]]


class Worker:
    """A copy of the model at work elsewhere; a class because the model is state.

    It opens the checkpoint anew, as it lies on its own machine, and refuses to work when that has
    other vectors than the one it was sent for.
    """

    def __init__(
        self, checkpoint: Checkpoint, recipe: dict[str, str], device: str, n_threads: int
    ) -> None:
        # Opened at the first task: what fails there is told, what fails here only ends a worker.
        self._given = checkpoint
        self._device = device
        self._recipe = recipe
        self._n_threads = n_threads

    @cached_property
    def _here(self) -> Here:
        _set_threads(self._n_threads)
        options = replace(self._given.options, device=self._device, devices=())
        # A replaced one has forgotten its fingerprint, and reads it from the files.
        opened, expected = replace(self._given, options=options), self._recipe
        own = opened.recipe("query")
        other = [name for name in expected if own.get(name) != expected[name]]
        if other:
            raise AlignkitError(
                f"{opened.label} has another {other[0]} where a worker opens it "
                f"({opened.path}); copy the same checkpoint there, and name a --dtype"
            )
        return Here(opened)

    def counts(self, texts: list[str], role: Role) -> np.ndarray:
        """Tokens of each text, (n,) int64."""
        return self._here.counts(texts, role)

    def encode(self, batches: list[Batch], role: Role) -> Vectors:
        """Rows and vectors of every batch."""
        return list(self._here.encode(iter(batches), role))


def _set_threads(n: int) -> None:
    import torch

    torch.set_num_threads(n)


def threads_here() -> int:
    """How many threads a worker gets: as many as one process would use.

    On a CPU a float32 product's last bits depend on their number. OMP_NUM_THREADS sets it.
    """
    import torch

    return torch.get_num_threads()


@runtime_checkable  # beartype checks it while the tests run
class Hand(Protocol):
    """How to reach one worker."""

    def call(self, method: str, *arguments: Any) -> Any:  # noqa: ANN401  what the method returns
        """Have the worker do something, another worker if it dies, and wait for what it returns."""
        ...

    def close(self) -> None:
        """Let the worker go, whatever it is doing."""
        ...


class Crew:
    """Several workers as one engine; a class because workers are state.

    Every worker has a thread here that waits for it. No more than two pieces a worker are made
    ahead, however long the list of batches.
    """

    def __init__(self, hands: Sequence[Hand]) -> None:
        self._hands = list(hands)
        self._idle = list(hands)
        self._threads = ThreadPoolExecutor(len(hands))

    def counts(self, texts: list[str], role: Role) -> np.ndarray:
        """Tokens of each text, (n,) int64."""
        parts = np.array_split(np.arange(len(texts)), len(self._hands))
        sent = [
            self._send("counts", texts[part[0] : part[-1] + 1], role) for part in parts if len(part)
        ]
        return np.concatenate([counts.result() for counts in sent])

    def encode(
        self, batches: Iterator[Batch], role: Role
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give rows and vectors of every batch, a piece as soon as it is done."""
        pieces = iter(lambda: list(islice(batches, PIECE)), [])
        at_work: set[Future[Vectors]] = set()

        def hand_out() -> None:
            for piece in islice(pieces, 2 * len(self._hands) - len(at_work)):
                at_work.add(self._send("encode", piece, role))

        hand_out()
        while at_work:
            done = wait(at_work, return_when=FIRST_COMPLETED).done
            at_work -= done
            hand_out()
            for piece in done:
                yield from piece.result()

    def close(self) -> None:
        """Let all workers go."""
        for hand in self._hands:
            hand.close()
        self._threads.shutdown(cancel_futures=True)

    def _send(self, method: str, *arguments: Any) -> Future[Any]:  # noqa: ANN401
        def with_a_hand() -> Any:  # noqa: ANN401
            hand = self._idle.pop()  # there is one: a thread for each
            try:
                return hand.call(method, *arguments)
            finally:
                self._idle.append(hand)

        return self._threads.submit(with_a_hand)


def started(hands: Sequence[Hand], start: Callable[[Hand], object]) -> Crew:
    """Have every worker load its model, all at once, and make a crew of them."""
    crew = Crew(hands)
    try:
        with ThreadPoolExecutor(len(hands)) as threads:
            list(threads.map(start, hands))
    except BaseException:
        crew.close()
        raise
    return crew

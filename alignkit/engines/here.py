"""The engine of one process: a thread tokenises ahead while the model works."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any

import numpy as np

from alignkit.batches import Batch
from alignkit.checkpoints import Checkpoint, NoRoomError
from alignkit.errors import AlignkitError
from alignkit.progress import SILENT, Reporter
from alignkit.tables import Role

AHEAD = 2  # batches that are tokenised while one is embedded
_Started = tuple[np.ndarray, Callable[[], np.ndarray]]


class Here:
    """One model in this process; a class because the model and its thread are state."""

    def __init__(self, checkpoint: Checkpoint, reporter: Reporter = SILENT) -> None:
        self._label = checkpoint.label
        self._reporter = reporter
        self._encoder = checkpoint.load()
        # One thread for all that tokenises: two at once in one tokenizer are an error.
        self._ahead = ThreadPoolExecutor(1)

    def counts(self, texts: list[str], role: Role) -> np.ndarray:
        """Tokens of each text, (n,) int64."""
        return self._ahead.submit(self._encoder.token_counts, texts, role).result()

    def close(self) -> None:
        """Let go of the model."""
        self._ahead.shutdown(cancel_futures=True)
        del self._encoder

    def encode(
        self, batches: Iterator[Batch], role: Role
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give rows and vectors of every batch.

        A batch is fetched when the next has been started, so that a GPU need not wait.
        """
        waiting: deque[tuple[Batch, Future[Any]]] = deque()
        started: deque[_Started] = deque()

        def tokenise() -> None:
            for batch in islice(batches, 1 + AHEAD - len(waiting)):
                waiting.append((batch, self._prepare(batch, role)))

        tokenise()
        while waiting:
            batch, prepared = waiting.popleft()
            try:
                begun = self._start(batch, prepared, role)
            except BaseException:  # what was started is good, and worth keeping
                for rows, collect in started:
                    yield rows, collect()
                raise
            tokenise()
            for rows, collect in started:
                yield rows, collect()
            started = deque(begun)
        for rows, collect in started:
            yield rows, collect()

    def _prepare(self, batch: Batch, role: Role) -> Future[Any]:
        return self._ahead.submit(self._encoder.prepare, batch.texts, role)

    def _start(self, batch: Batch, prepared: Future[Any], role: Role) -> list[_Started]:
        """Start the model on a batch, or on its halves where there is no room for it."""
        try:
            return [(batch.rows, self._encoder.launch(prepared.result()))]
        except NoRoomError as error:
            if len(batch) == 1:
                raise AlignkitError(
                    f"{self._label}: no memory left on the device for a single "
                    "text; take a larger device, or --dtype bfloat16"
                ) from error
        middle = (len(batch) + 1) // 2
        halves = [
            Batch(batch.rows[part], batch.texts[part])
            for part in (slice(middle), slice(middle, None))
        ]
        self._reporter.say(f"no room for {len(batch)} texts at once; going on with {middle}")
        return [
            one for half in halves for one in self._start(half, self._prepare(half, role), role)
        ]

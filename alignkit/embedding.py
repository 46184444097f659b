"""Checkpoint × Texts → Embeddings: each text once, in batches of like length, kept as they come."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from alignkit.checkpoints import Checkpoint, Encoder, NoRoomError, usual_batch
from alignkit.errors import AlignkitError
from alignkit.progress import SILENT, Reporter
from alignkit.store import Found, Recipe, VectorStore
from alignkit.tables import Dataset, Embeddings, Role, Texts

# A kill loses what was embedded since the last flush.
FLUSH_SECONDS = 5.0
FLUSH_TEXTS = 4096
AHEAD = 2  # batches that are tokenised while one is embedded


class EmbeddingSession:
    """One checkpoint embedding as often as asked; its model is loaded at first need, or never.

    A class because the loaded model is state; leaving the `with` block frees it. `store` is the
    user's cache unless another is given.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        store: VectorStore | None = None,
        reporter: Reporter = SILENT,
    ) -> None:
        self.checkpoint = checkpoint
        self.store = store or VectorStore()
        self.reporter = reporter
        self._encoder: Encoder | None = None
        for note in checkpoint.notes:
            reporter.say(note)

    def __enter__(self) -> "EmbeddingSession":
        return self

    def __exit__(self, *exception: object) -> None:
        self._encoder = None

    def encoder(self) -> Encoder:
        """Load the model, or return the one that is loaded."""
        if self._encoder is None:
            self._encoder = self.checkpoint.load()
        return self._encoder

    def embed(self, texts: Texts, role: Role) -> Embeddings:
        """Embed `texts` in their order, float32, truncated where the checkpoint says so.

        Vectors come from the file of a vectors checkpoint, else from the cache, else from the
        model; new ones go into the cache every few seconds, so that an interrupted run goes on
        where it was. A vector's last bits depend on the batch that it was made in; a run that goes
        on makes the batches that the interrupted one would have made.
        """
        vectors = self.checkpoint.lookup(texts, role, self.reporter)
        if vectors is None:
            rows, distinct = pd.factorize(texts.frame["text"])
            first_rows = np.unique(rows, return_index=True)[1]
            ids = texts.frame["id"].to_numpy()[first_rows]
            vectors = _Work(self, role).vectors_of([str(text) for text in distinct], ids)[rows]
        return Embeddings(texts, _truncate(vectors, self.checkpoint), self.checkpoint.similarity)


def embed(
    checkpoint: Checkpoint,
    texts: Texts,
    role: Role,
    *,
    store: VectorStore | None = None,
    reporter: Reporter = SILENT,
) -> Embeddings:
    """Embed `texts` once; for more from one checkpoint keep an `EmbeddingSession`."""
    with EmbeddingSession(checkpoint, store=store, reporter=reporter) as session:
        return session.embed(texts, role)


def embed_datasets(
    checkpoint: Checkpoint,
    datasets: Sequence[Dataset],
    *,
    store: VectorStore | None = None,
    reporter: Reporter = SILENT,
) -> list[tuple[str, Embeddings]]:
    """Embed all queries and passages, with their role beside each; the model is loaded once."""
    with EmbeddingSession(checkpoint, store=store, reporter=reporter) as session:
        return [
            (role, session.embed(texts, role))
            for dataset in datasets
            for role, texts in _by_role(dataset)
        ]


def _by_role(dataset: Dataset) -> list[tuple[Role, Texts]]:
    return [("query", dataset.queries), ("passage", dataset.passages)]


def token_batches(counts: np.ndarray, budget: int) -> Iterator[np.ndarray]:
    """Rows of `counts` (n,) in batches of at most `budget` padded tokens, the longest texts first.

    Padded tokens are the number of texts times the longest of them; a text that is longer than the
    budget is a batch of its own. Beginning with the longest, a run that lacks memory fails at once.

    Examples
    --------
    >>> list(token_batches(np.array([2, 9, 3, 3]), budget=6))
    [array([1]), array([2, 3]), array([0])]
    """
    order = np.argsort(-counts, kind="stable")
    start = 0
    while start < len(order):
        n_texts = max(1, budget // max(1, int(counts[order[start]])))
        yield order[start : start + n_texts]
        start += n_texts


@dataclass
class _Work:
    """What stays the same while a session embeds texts of one role."""

    session: EmbeddingSession
    role: Role

    def vectors_of(self, texts: list[str], ids: np.ndarray) -> np.ndarray:
        """Vectors of distinct texts, (n, dim) float32; `ids` are for errors."""
        if not texts:
            return np.zeros((0, 0), np.float32)
        found = self._read(texts)
        if not found.missing.any():
            return found.vectors
        fresh = np.flatnonzero(found.missing)
        encoded = self._encode([texts[row] for row in fresh], ids[fresh])
        if found.missing.all():
            return encoded
        found.vectors[fresh] = encoded
        return found.vectors

    def _read(self, texts: list[str]) -> Found:
        checkpoint, reporter = self.session.checkpoint, self.session.reporter
        stored = self.session.store.read(checkpoint.recipe(self.role))
        for path in stored.damaged:
            reporter.say(
                f"{path} in the vector cache is damaged; what it held is embedded again", level=-1
            )
        found = stored.lookup(texts)
        n_found = len(texts) - int(found.missing.sum())
        reporter.say(
            f"{checkpoint.label}: {n_found:,} of {len(texts):,} {self.role} texts are cached",
            level=1,
        )
        return found

    def _encode(self, texts: list[str], ids: np.ndarray) -> np.ndarray:
        checkpoint = self.session.checkpoint
        pending = _Pending(self.session.store, checkpoint.recipe(self.role))
        self.session.store.reserve(pending.recipe)  # a place that can't be written shows now
        encoder = self.session.encoder()
        counts = encoder.token_counts(texts, self.role)
        vectors = np.empty((len(texts), encoder.dim), np.float32)
        what = f"{checkpoint.label}: embedding {self.role} texts"
        try:
            with self.session.reporter.bar(what, len(texts)) as advance:
                options = checkpoint.options
                room = options.batch_tokens or usual_batch(options.device)
                batches = token_batches(counts, room)
                for batch, embedded in self._stream(encoder, texts, batches):
                    vectors[batch] = embedded
                    _check(vectors[batch], ids[batch], checkpoint)
                    pending.add([texts[row] for row in batch], vectors[batch])
                    advance(len(batch))
        finally:
            pending.flush()  # on Ctrl-C and on an error too: what is good stays
        return vectors

    def _stream(
        self, encoder: Encoder, texts: list[str], batches: Iterator[np.ndarray]
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give rows and vectors of every batch.

        A thread tokenises the next batches while the model works, and a batch is fetched when the
        next has been started, so that a GPU need not wait.
        """
        with ThreadPoolExecutor(1) as ahead:
            waiting: deque[tuple[np.ndarray, Future[Any]]] = deque()
            started: deque[tuple[np.ndarray, Callable[[], np.ndarray]]] = deque()

            def tokenise() -> None:
                for batch in islice(batches, 1 + AHEAD - len(waiting)):
                    chosen = [texts[row] for row in batch]
                    waiting.append((batch, ahead.submit(encoder.prepare, chosen, self.role)))

            tokenise()
            while waiting:
                batch, prepared = waiting.popleft()
                try:
                    begun = self._start(encoder, texts, batch, prepared.result())
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

    def _start(
        self,
        encoder: Encoder,
        texts: list[str],
        batch: np.ndarray,
        prepared: Any,  # noqa: ANN401  as the encoder makes it
    ) -> list[tuple[np.ndarray, Callable[[], np.ndarray]]]:
        """Start the model on a batch, or on its halves where there is no room for it."""
        try:
            return [(batch, encoder.launch(prepared))]
        except NoRoomError as error:
            if len(batch) == 1:
                raise AlignkitError(
                    f"{self.session.checkpoint.label}: no memory left on the device for a single "
                    "text; take a larger device, or --dtype bfloat16"
                ) from error
            halves = np.array_split(batch, 2)
            self.session.reporter.say(
                f"no room for {len(batch)} texts at once; going on with {len(halves[0])}", level=0
            )
            return [
                one
                for half in halves
                for one in self._start(
                    encoder, texts, half, encoder.prepare([texts[row] for row in half], self.role)
                )
            ]


@dataclass
class _Pending:
    """Vectors that are not in the cache yet; a class because it holds them between batches."""

    store: VectorStore
    recipe: Recipe
    texts: list[str] = field(default_factory=list)
    vectors: list[np.ndarray] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)

    def add(self, texts: Sequence[str], vectors: np.ndarray) -> None:
        self.texts += texts
        self.vectors.append(vectors)
        if len(self.texts) >= FLUSH_TEXTS or time.monotonic() - self.since > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        if self.texts:
            self.store.append(self.recipe, self.texts, np.concatenate(self.vectors))
        self.texts, self.vectors, self.since = [], [], time.monotonic()


def _check(vectors: np.ndarray, ids: np.ndarray, checkpoint: Checkpoint) -> None:
    broken = ~np.isfinite(vectors).all(axis=1)
    if broken.any():
        raise AlignkitError(
            f"{checkpoint.label} gives NaN or inf for {ids[broken][0]!r}; "
            "check its weights, or try --dtype float32"
        )
    zero = ~vectors.any(axis=1)
    if zero.any():
        raise AlignkitError(
            f"{checkpoint.label} gives a vector of zeros for {ids[zero][0]!r}, which has no "
            "direction; check that text and the model's weights"
        )


def _truncate(vectors: np.ndarray, checkpoint: Checkpoint) -> np.ndarray:
    dim = checkpoint.truncate_dim
    if dim is not None and len(vectors) and dim > vectors.shape[1]:
        raise AlignkitError(
            f"{checkpoint.label} has vectors of {vectors.shape[1]} dimensions; "
            f"truncate-dim={dim} asks for more"
        )
    return np.ascontiguousarray(vectors[:, :dim])

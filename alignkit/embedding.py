"""Checkpoint × Texts → Embeddings: each text once, in batches of like length, kept as they come."""

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from alignkit.batches import WHOLE, Batch, Shard, plan
from alignkit.checkpoints import Checkpoint, usual_batch
from alignkit.engines import Engine, EngineName, open_engine
from alignkit.errors import AlignkitError
from alignkit.progress import SILENT, Reporter
from alignkit.room import room_for
from alignkit.store import Recipe, StoredVectors, VectorStore
from alignkit.tables import Dataset, Embeddings, Role, Texts

# A kill loses what was embedded since the last flush.
FLUSH_SECONDS = 5.0
FLUSH_TEXTS = 16_384  # 50 MB in 768 dimensions; a corpus of millions makes few files


class EmbeddingSession:
    """One checkpoint embedding as often as asked; its model is loaded at first need, or never.

    A class because the loaded model is state; leaving the `with` block frees it. `store` is the
    user's cache unless another is given. `engine` and `workers` are those of `open_engine`. With
    `only_kept` no model is run, and a text that the cache lacks is an error. `datasets` are those
    that are going to be embedded, so that a service can tell the cost of all before it is asked.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        store: VectorStore | None = None,
        engine: EngineName = "local",
        workers: int | None = None,
        only_kept: bool = False,
        datasets: Sequence[Dataset] = (),
        reporter: Reporter = SILENT,
    ) -> None:
        self.checkpoint = checkpoint
        self.store = store or VectorStore()
        self.reporter = reporter
        self.only_kept = only_kept
        self._where: tuple[EngineName, int | None] = (engine, workers)
        self._engine: Engine | None = None
        self._datasets = list(datasets)
        self._is_announced = False
        for note in checkpoint.notes:
            reporter.say(note)

    def __enter__(self) -> "EmbeddingSession":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._engine is not None:
            self._engine.close()
        self._engine = None

    def engine(self) -> Engine:
        """Load the model, or return what is loaded."""
        if self._engine is None:
            name, workers = self._where
            self._engine = open_engine(
                self.checkpoint, name, workers=workers, reporter=self.reporter
            )
        return self._engine

    def announce(self, work: "_Work", shard: Shard) -> None:
        """Tell a service of all that it will be asked for; of this work, where no more is known."""
        if self._is_announced or not self.checkpoint.is_paid_for:
            return
        self._is_announced = bool(self._datasets)
        all_due: list[tuple[Role, list[str]]] = [
            (role, _Work(self, role, texts, before).due(shard))
            for _, role, texts, before in _by_role(self._datasets)
        ]
        self.checkpoint.announce(all_due or [(work.role, work.due(shard))])

    def embed(self, texts: Texts, role: Role, *, before: Collection[str] = ()) -> Embeddings:
        """Embed `texts` in their order, rounded and truncated where the checkpoint says so.

        Vectors come from the file of a vectors checkpoint, else from the cache, else from the
        model; new ones go into the cache every few seconds, so that an interrupted run goes on
        where it was. A vector's last bits depend on the batch that it was made in; a run that goes
        on makes the batches that the interrupted one would have made. Texts that stand in `before`
        were embedded with an earlier data set, and have no place in a batch of this one.
        """
        vectors = self.checkpoint.lookup(texts, role, self.reporter)
        if vectors is None:
            vectors = _Work(self, role, texts, before).vectors()
        else:
            vectors = _rounded(vectors, texts.frame["id"], self.checkpoint)
        return Embeddings(texts, _truncate(vectors, self.checkpoint), self.checkpoint.similarity)

    def fill(self, texts: Texts, role: Role, shard: Shard, *, before: Collection[str] = ()) -> int:
        """Embed what the cache lacks of one shard of `texts`; returns how many texts that were.

        Shards of the same texts have no text in common, and their batches are those that `embed`
        makes: together they leave the same vectors, bit for bit.
        """
        if self.checkpoint.lookup(texts, role, self.reporter) is not None:
            raise AlignkitError(
                f"{self.checkpoint.label} holds vectors and no model; there is nothing to embed"
            )
        return sum(len(rows) for rows, _ in _Work(self, role, texts, before).fresh(shard))


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
    engine: EngineName = "local",
    workers: int | None = None,
    reporter: Reporter = SILENT,
) -> list[tuple[str, Role, Embeddings]]:
    """Embed all queries and passages; the model is loaded once.

    Each part has its data set's name and its role.
    """
    with EmbeddingSession(
        checkpoint, store=store, engine=engine, workers=workers, datasets=datasets,
        reporter=reporter,
    ) as session:  # fmt: skip
        return [
            (name, role, session.embed(texts, role, before=before))
            for name, role, texts, before in _by_role(datasets)
        ]


def fill_shard(
    checkpoint: Checkpoint,
    datasets: Sequence[Dataset],
    shard: Shard,
    *,
    store: VectorStore | None = None,
    engine: EngineName = "local",
    workers: int | None = None,
    reporter: Reporter = SILENT,
) -> list[tuple[Role, int]]:
    """Put one shard of all queries and passages into the cache; how many texts were embedded."""
    data = [(dataset.name, dataset.checksum) for dataset in datasets]
    with EmbeddingSession(
        checkpoint, store=store, engine=engine, workers=workers, datasets=datasets,
        reporter=reporter,
    ) as session:  # fmt: skip
        counts: list[tuple[Role, int]] = [
            (role, session.fill(texts, role, shard, before=before))
            for _, role, texts, before in _by_role(datasets)
        ]
        roles: tuple[Role, ...] = ("query", "passage")
        for role in roles:
            session.store.note_shard(checkpoint.recipe(role), data, shard.number, shard.of)
    return counts


def _by_role(datasets: Sequence[Dataset]) -> Iterator[tuple[str, Role, Texts, Collection[str]]]:
    """Give queries and passages of every data set, named, and what came before in their role."""
    seen: dict[Role, set[str]] = {"query": set(), "passage": set()}
    for dataset in datasets:
        for role, texts in dataset.sides:
            yield dataset.name, role, texts, seen[role]
            if len(datasets) > 1:
                seen[role].update(texts.frame["text"])


@dataclass
class _Work:
    """Texts of one role on their way to vectors; a class because all steps need all of it."""

    session: EmbeddingSession
    role: Role
    texts: Texts
    before: Collection[str]

    def __post_init__(self) -> None:
        groups, distinct = pd.factorize(self.texts.frame["text"])
        self.distinct = pd.Index(distinct)
        # Row of the first text that reads the same, (n,): only its vector is made.
        self.first = np.unique(groups, return_index=True)[1]
        self.repeats = np.flatnonzero(self.first[groups] != np.arange(len(groups)))
        self.originals = self.first[groups[self.repeats]]

    def vectors(self) -> np.ndarray:
        """Vectors of all texts, (n, dim), memory-mapped where they are many."""
        stored = self._read()
        places = stored.places_of(self.distinct)
        dtype = self.session.checkpoint.options.store_dtype
        rows = _Rows(len(self.texts), self.session.store, dtype)
        if stored.dim:
            stored.copy(places, rows.of(stored.dim), self.first)
        for done, vectors in self._missing(places[:, 0] < 0, WHOLE):
            rows.of(vectors.shape[1])[self.first[done]] = vectors
        found = rows.of(0)
        found[self.repeats] = found[self.originals]
        return found

    def fresh(self, shard: Shard) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows among the distinct texts and vectors of what the cache lacks of a shard."""
        return self._missing(self._read().places_of(self.distinct)[:, 0] < 0, shard)

    def due(self, shard: Shard) -> list[str]:
        """Texts that the model will be asked for, in no order."""
        missing = self._read().places_of(self.distinct)[:, 0] < 0
        return [text for batch in self._planned(missing, shard) for text in batch.texts]

    def _read(self) -> StoredVectors:
        session = self.session
        stored = session.store.read(session.checkpoint.recipe(self.role))
        for path in stored.damaged:
            session.reporter.say(
                f"{path} in the vector cache is damaged; what it held is embedded again", level=-1
            )
        return stored

    def _missing(
        self, missing: np.ndarray, shard: Shard
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Embed what is missing of a shard, and keep it."""
        checkpoint, reporter = self.session.checkpoint, self.session.reporter
        n_missing = int(missing.sum())
        reporter.say(
            f"{checkpoint.label}: {len(missing) - n_missing:,} of {len(missing):,} {self.role} "
            "texts are cached",
            level=1,
        )
        if not n_missing:
            return
        if self.session.only_kept:
            raise AlignkitError(
                f"{checkpoint.label}: {n_missing:,} of {len(missing):,} {self.role} texts are not "
                "in the cache; run `alignkit embed` with the same options first"
            )
        pending = _Pending(self.session.store, checkpoint.recipe(self.role))
        self.session.store.reserve(pending.recipe)  # a place that can't be written shows now
        self.session.engine()
        self.session.announce(self, shard)
        what = f"{checkpoint.label}: embedding {self.role} texts"
        try:
            with reporter.bar(what, n_missing // shard.of) as advance:
                batches = self._planned(missing, shard)
                for rows, made in self.session.engine().encode(batches, self.role):
                    ids = self.texts.frame["id"].iloc[self.first[rows]]
                    _check(made, ids, checkpoint)
                    vectors = _rounded(made, ids, checkpoint)
                    pending.add(self.distinct[rows].tolist(), vectors)
                    advance(len(rows))
                    yield rows, vectors
        finally:
            pending.flush()  # on Ctrl-C and on an error too: what is good stays

    def _planned(self, missing: np.ndarray, shard: Shard) -> Iterator[Batch]:
        options, engine = self.session.checkpoint.options, self.session.engine()
        own = np.flatnonzero(~self.distinct.isin(self.before)) if self.before else slice(None)
        numbers = np.arange(len(self.distinct))[own]
        batches = plan(
            self.distinct[own], missing[own], lambda texts: engine.counts(texts, self.role),
            budget=options.batch_tokens or usual_batch(options.device), shard=shard,
        )  # fmt: skip
        for batch in batches:
            yield Batch(numbers[batch.rows], batch.texts)


@dataclass
class _Rows:
    """Vectors of `n` texts, whose dimension shows with the first; a class because it waits."""

    n: int
    store: VectorStore
    dtype: str
    vectors: np.ndarray | None = None

    def of(self, dim: int) -> np.ndarray:
        """Give the whole array, made when it is first asked for."""
        if self.vectors is None:
            self.vectors = room_for(self.n, dim, self.store.folder, self.dtype)
        return self.vectors


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


def _check(vectors: np.ndarray, ids: pd.Series, checkpoint: Checkpoint) -> None:
    broken = ~np.isfinite(vectors).all(axis=1)
    if broken.any():
        raise AlignkitError(
            f"{checkpoint.label} gives NaN or inf for {ids[broken].iloc[0]!r}; "
            "check its weights, or try --dtype float32"
        )
    zero = ~vectors.any(axis=1)
    if zero.any():
        raise AlignkitError(
            f"{checkpoint.label} gives a vector of zeros for {ids[zero].iloc[0]!r}, which "
            "has no direction; check that text and the model's weights"
        )


def _rounded(vectors: np.ndarray, ids: pd.Series, checkpoint: Checkpoint) -> np.ndarray:
    """Round to what vectors are kept in."""
    dtype = np.dtype(checkpoint.options.store_dtype)
    if vectors.dtype == dtype:
        return vectors
    with np.errstate(over="ignore"):  # caught below
        rounded = vectors.astype(dtype)
    lost = ~np.isfinite(rounded).all(axis=1) | ~rounded.any(axis=1)
    if lost.any():
        raise AlignkitError(
            f"{checkpoint.label} gives a vector for {ids[lost].iloc[0]!r} whose numbers float16 "
            "cannot hold; leave --store-dtype out"
        )
    return rounded


def _truncate(vectors: np.ndarray, checkpoint: Checkpoint) -> np.ndarray:
    dim = checkpoint.truncate_dim
    if dim is not None and len(vectors) and dim > vectors.shape[1]:
        raise AlignkitError(
            f"{checkpoint.label} has vectors of {vectors.shape[1]} dimensions; "
            f"truncate-dim={dim} asks for more"
        )
    return np.ascontiguousarray(vectors[:, :dim])

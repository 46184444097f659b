"""Batches by language for the sentence-transformers Trainer: what a strategy planned, filled."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from datasets import Dataset
from sentence_transformers.base.sampler import DefaultBatchSampler

from alignkit.errors import AlignkitError
from alignkit.training.samplers import STRATEGIES, Draw, Kinds, weights

Array = np.ndarray
ID_COLUMNS = ("query_id", "query_language", "passage_language")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchStrategy:
    """How to batch; give it as `batch_sampler` of SentenceTransformerTrainingArguments.

    Attributes
    ----------
    name : a registered strategy: monolingual, cross-lingual, hybrid, same-language or one-to-k.
    alpha : the share of monolingual batches, in [0, 1], for `hybrid`.
    sampling : how languages or pairs of them are drawn: `uniform`, `proportional` to their examples
        or `temperature:T`.

    Examples
    --------
    >>> from sentence_transformers import SentenceTransformerTrainingArguments
    >>> SentenceTransformerTrainingArguments(
    ...     "runs/mine", batch_sampler=BatchStrategy("hybrid", alpha=0.5), report_to="none"
    ... ).batch_sampler
    BatchStrategy(name='hybrid', alpha=0.5, sampling='uniform')
    """

    name: str
    alpha: float = 0.5
    sampling: str = "uniform"

    def __post_init__(self) -> None:
        STRATEGIES.get(self.name)
        weights(self.sampling)
        if not 0 <= self.alpha <= 1:
            raise AlignkitError(
                f"alpha is {self.alpha:g}, but is the share of monolingual batches: give a number "
                "from 0 to 1"
            )

    def __call__(
        self,
        dataset: Dataset,
        batch_size: int,
        drop_last: bool = False,
        valid_label_columns: list[str] | None = None,
        generator: torch.Generator | None = None,
        seed: int = 0,
    ) -> "LanguageBatchSampler":
        """Make the sampler, as the Trainer asks for it."""
        return LanguageBatchSampler(
            dataset, batch_size, drop_last, valid_label_columns, generator, seed, strategy=self
        )


class LanguageBatchSampler(DefaultBatchSampler):
    """Batches of example numbers of a strategy; a class as sentence-transformers wants it.

    `dataset` has the columns `query_id` (the same for translations), `query_language`,
    `passage_language`, `query`, one or more that begin with `passage` (texts that answer the
    query) and any that begin with `negative`. `alignkit.training.pairs` makes one of a dataset, and
    `with_texts` hides its id columns from the model.

    What holds for every batch, and across the batches of one step where several processes train:

    - no query id and no query text comes twice;
    - no example shows a passage that answers another's query in any language, so that a passage is
      never a false negative;
    - with `monolingual`, one language; with `hybrid`, batches of one step are of one kind.

    An epoch has as many examples as there are queries, to within a batch a language, and none of
    them comes twice before all of its kind have come. Batches are a function of the seed, the epoch
    and the number of processes, so that a resumed run goes on with those it would have seen. A
    batch is smaller than `batch_size` only where no more examples go together; the log says so.

    Raises AlignkitError where the strategy finds no examples for it, or not enough for one step.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        drop_last: bool,
        valid_label_columns: list[str] | None = None,
        generator: torch.Generator | None = None,
        seed: int = 0,
        *,
        strategy: BatchStrategy,
    ) -> None:
        super().__init__(dataset, batch_size, drop_last, valid_label_columns, generator, seed)
        # accelerate passes set_epoch on to `.sampler` where it cuts the batches among processes.
        self.sampler = self
        self.strategy = strategy
        self.processes = _processes()
        self._examples = _read(dataset)
        self._size = batch_size * self.processes
        counts = self._examples.queries_by_language()
        self._steps = max(1, int((counts // self._size).sum()))
        self._check_size()

    def __len__(self) -> int:
        """Batches in an epoch, over all processes."""
        return self._steps * self.processes

    def __iter__(self) -> Iterator[list[int]]:
        """Give the batches of the epoch, those of one step after each other."""
        rng = np.random.default_rng([self.seed, self.epoch])
        queues = _Queues(self._examples, rng)
        for kinds in self._plan(rng):
            rows = queues.fill(kinds)
            share = len(rows) // self.processes
            if share < self.batch_size:
                _log.warning(
                    "a batch has %d examples in place of %d: no more go together", share,
                    self.batch_size,
                )  # fmt: skip
            for start in range(0, share * self.processes, max(share, 1)):
                yield rows[start : start + share]

    def _plan(self, rng: np.random.Generator) -> Array:
        draw = Draw(
            self._examples.kinds, self._steps, self._size, self.strategy.alpha,
            weights(self.strategy.sampling), rng,
        )  # fmt: skip
        return STRATEGIES.get(self.strategy.name).plan(draw.kinds, draw)

    def _check_size(self) -> None:
        """Fill a step of every sort that the first epoch plans: a language's, or mixed."""
        rng = np.random.default_rng([self.seed, 0])
        seen: set[int] = set()
        for kinds in self._plan(rng):
            sort = int(kinds[0]) if (kinds == kinds[0]).all() else -1
            if sort in seen:
                continue
            seen.add(sort)
            found = len(_Queues(self._examples, rng).fill(kinds))
            if found < self._size:
                raise AlignkitError(self._too_large(sort, found))

    def _too_large(self, sort: int, found: int) -> str:
        kinds = self._examples.kinds
        whose = "" if sort < 0 else f" in {kinds.query_languages[sort]!r}"
        across = f" × {self.processes} processes" if self.processes > 1 else ""
        distinct = self._examples.distinct_ids(sort)
        return (
            f"a batch of {self.batch_size}{across} is larger than the {found} examples{whose} that "
            f"go together, of {distinct} distinct ids; make the batch smaller"
        )


def _processes() -> int:
    ready = torch.distributed.is_available() and torch.distributed.is_initialized()
    return torch.distributed.get_world_size() if ready else 1


@dataclass(frozen=True, eq=False)
class _Examples:
    """Columns of the training data as numbers: ids and texts by code.

    `ids`, `kind` and `queries` are (rows,); `shown` (rows, columns) has the passages and negatives;
    `answers[starts[i]:starts[i + 1]]` are the passages that answer the queries of id i.
    """

    kinds: Kinds
    kind: Array
    ids: Array
    queries: Array
    shown: Array
    answers: Array
    starts: Array

    @cached_property
    def _by_kind(self) -> list[Array]:
        edges = np.cumsum(self.kinds.counts)[:-1]
        return np.split(np.argsort(self.kind, kind="stable"), edges)

    def rows_of(self, kind: int) -> Array:
        """Rows of one kind, (n,) int64."""
        return self._by_kind[kind]

    def distinct_ids(self, kind: int) -> int:
        """Count the ids of a kind, or of all with -1."""
        return len(np.unique(self.ids if kind < 0 else self.ids[self.kind == kind]))

    def queries_by_language(self) -> Array:
        """Count the queries of every language."""
        languages = pd.factorize(np.array(self.kinds.query_languages))[0][self.kind]
        return np.bincount(np.unique(np.stack([languages, self.ids]), axis=1)[0])


def _read(dataset: Dataset) -> _Examples:
    table = dataset.with_format("arrow")[:]
    names = table.column_names
    missing = [name for name in (*ID_COLUMNS, "query") if name not in names]
    passages = [name for name in names if name.startswith("passage") and name not in ID_COLUMNS]
    if missing or not passages or not len(table):
        raise AlignkitError(
            f"the training data have no {'rows' if not missing else repr(missing[0])}; "
            "alignkit.training.pairs makes them of a dataset"
        )
    negatives = [name for name in names if name.startswith("negative")]
    ids, query_language, passage_language, queries = (
        pd.factorize(table[name].to_numpy()) for name in (*ID_COLUMNS, "query")
    )
    pairs = query_language[0] * len(passage_language[1]) + passage_language[0]
    kind, pair_of_kind = pd.factorize(pairs, sort=True)
    kinds = Kinds(
        tuple(str(query_language[1][p // len(passage_language[1])]) for p in pair_of_kind),
        tuple(str(passage_language[1][p % len(passage_language[1])]) for p in pair_of_kind),
        np.bincount(kind),
    )
    columns = [table[name].to_numpy() for name in (*passages, *negatives)]
    texts = pd.factorize(np.concatenate(columns))[0].reshape(len(columns), -1).T
    answers, starts = _answers(ids[0], texts[:, : len(passages)])
    return _Examples(kinds, kind, ids[0], queries[0], np.ascontiguousarray(texts), answers, starts)


def _answers(ids: Array, passages: Array) -> tuple[Array, Array]:
    """Distinct passages of every id, one id's behind the other's, and where each id's begin."""
    n_texts = int(passages.max()) + 1
    codes = np.unique(ids[:, None].astype(np.int64) * n_texts + passages)
    starts = np.searchsorted(codes, np.arange(ids.max() + 2) * n_texts)
    return codes % n_texts, starts


@dataclass
class _Step:
    """What the examples chosen so far for a step hold; a class because it grows."""

    examples: _Examples
    rows: list[int] = field(default_factory=list[int])
    ids: set[int] = field(default_factory=set[int])
    queries: set[int] = field(default_factory=set[int])
    shown: set[int] = field(default_factory=set[int])
    answers: set[int] = field(default_factory=set[int])

    def take(self, row: int) -> bool:
        """Take an example unless it clashes with one that is in."""
        all_of = self.examples
        own_id, query = int(all_of.ids[row]), int(all_of.queries[row])
        if own_id in self.ids or query in self.queries:
            return False
        shown = all_of.shown[row].tolist()
        answers = all_of.answers[all_of.starts[own_id] : all_of.starts[own_id + 1]].tolist()
        if not (self.answers.isdisjoint(shown) and self.shown.isdisjoint(answers)):
            return False
        self.rows.append(row)
        self.ids.add(own_id)
        self.queries.add(query)
        self.shown.update(shown)
        self.answers.update(answers)
        return True


class _Queue:
    """Rows of one kind in random order, shuffled again when all have come.

    A class as it is used up. A row that clashes in one step waits for the next.
    """

    def __init__(self, rows: Array, rng: np.random.Generator) -> None:
        self._rows = rows
        self._rng = rng
        self._left: list[int] = rng.permutation(rows).tolist()
        self._waiting: list[int] = []
        self._none_fits = False

    def next_for(self, take: Callable[[int], bool]) -> bool:
        """Offer rows until one is taken; False where none is, once round."""
        if self._none_fits:
            return False
        if self._offer(take):
            return True
        waiting = set(self._waiting)
        shuffled = self._rng.permutation(self._rows).tolist()
        self._left = [row for row in shuffled if row not in waiting]
        self._none_fits = not self._offer(take)
        return not self._none_fits

    def _offer(self, take: Callable[[int], bool]) -> bool:
        while self._left:
            row = self._left.pop()
            if take(row):
                return True
            self._waiting.append(row)
        return False

    def end_step(self) -> None:
        """Put what waited first in line."""
        self._left += reversed(self._waiting)
        self._waiting = []
        self._none_fits = False


class _Queues:
    """The queue of every kind, made when first asked for."""

    def __init__(self, examples: _Examples, rng: np.random.Generator) -> None:
        self._examples = examples
        self._rng = rng
        self._queues: dict[int, _Queue] = {}

    def fill(self, kinds: Array) -> list[int]:
        """Choose a step's examples, of the kinds asked for, in that order."""
        step = _Step(self._examples)
        for kind in kinds.tolist():
            if kind not in self._queues:
                self._queues[kind] = _Queue(self._examples.rows_of(kind), self._rng)
            self._queues[kind].next_for(step.take)
        for kind in np.unique(kinds).tolist():
            self._queues[kind].end_step()
        return step.rows


def with_texts(dataset: Dataset) -> Dataset:
    """Hide the id columns of text data from the model: what is read are the texts alone."""
    texts = [name for name in dataset.column_names if name not in ID_COLUMNS]
    return dataset.with_format(columns=texts)

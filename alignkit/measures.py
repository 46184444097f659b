"""Ranks and vectors → measures: every metric of every task and setting, per query id."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from alignkit import kept
from alignkit.errors import AlignkitError
from alignkit.kernels.resampling import group_means, ratios
from alignkit.metrics import BIAS, METRICS, Needs, Setting, Variant
from alignkit.outputs import (
    Groups,
    Outputs,
    Pair,
    outputs_of_all,
    outputs_of_languages,
    outputs_of_pairs,
    outputs_of_shares,
)
from alignkit.progress import SILENT, Reporter
from alignkit.ranks import TaskRanks, codes, rank_task
from alignkit.registry import is_bundled
from alignkit.sources import (
    Fitted,
    are_equal,
    language_ranks,
    language_shares,
    parallel_vectors,
    pool_ranks,
    rankings,
)
from alignkit.tables import AVERAGE, Dataset, Embeddings, TaskName

if TYPE_CHECKING:  # numba takes a fifth of a second
    from alignkit.kernels.merging import Spread

Array = np.ndarray
Levels = tuple[Any, ...]  # best and random value, a number or one for each of the values
COSINES = ("cosine_parallel", "cosine_random", "cosine_margin")
_STAGE = "measures"  # of what is kept


@dataclass(frozen=True, eq=False)
class Design:
    """Where values lie: cells of (query language, passage language), and the averages over them.

    Many metrics of a setting share one, so that its part of the work is done once.

    Attributes
    ----------
    denominator : (ids, cells) float64: 1 where an id has a value and 0 elsewhere; for a ratio what
        it is divided by.
    outputs : the (query language, passage language) of each row of the tables; `*` is an average.
    members : (cells, outputs) bool: the cells that an output averages, all counting the same.
    """

    denominator: Array
    outputs: tuple[Pair, ...]
    members: Array

    @cached_property
    def n(self) -> Array:
        """Query ids behind each output, (outputs,)."""
        counted = (self.denominator > 0).astype(np.float32) @ self.members.astype(np.float32)
        return (counted > 0).sum(axis=0)


@dataclass(frozen=True, eq=False)
class Measured:
    """One metric in one setting, per query id: what is resampled.

    The value of a cell is the sum of `numerator` (ids, cells) over ids divided by that of the
    design's denominator.

    Attributes
    ----------
    best, random : best possible value and that of a random ranking, (outputs,); NaN if not known.
    undefined : why a value may be null.
    is_resampled : False for what has no interval, as a p value.
    runs : values of the single runs, (runs, outputs), where `numerator` is a mean over several.
    """

    task: TaskName
    setting: Setting
    metric: str
    numerator: Array
    design: Design
    best: Array
    random: Array
    undefined: str
    is_resampled: bool = True
    runs: Array | None = None

    @property
    def overall(self) -> float | None:
        """Value of the average over all languages; None where it is undefined or there is none."""
        if (AVERAGE, AVERAGE) not in self.design.outputs:
            return None
        column = self.design.outputs.index((AVERAGE, AVERAGE))
        sums = (one.sum(axis=0)[None, :] for one in (self.numerator, self.design.denominator))
        value = float(group_means(ratios(*sums), self.design.members)[0, column])
        return None if np.isnan(value) else value


@dataclass(frozen=True)
class Measures:
    """All that one checkpoint shows on one dataset."""

    dataset: str
    ids: tuple[str, ...]
    measured: list[Measured]
    ranks: list[TaskRanks]
    languages: tuple[str, ...]  # of the queries, alphabetical
    matrices: dict[str, Array]  # the cosines as (languages, languages), NaN where undefined

    @property
    def settled(self) -> int:
        """How many comparisons float64 had to settle."""
        return sum(task.cells.settled for task in self.ranks)


def measure(
    dataset: Dataset,
    queries: Embeddings,
    passages: Embeddings,
    *,
    groups: Groups | None = None,
    only: Collection[str] | None = None,
    keep: bool = False,
    device: str = "cpu",
    spread: "Spread | None" = None,
    reporter: Reporter = SILENT,
) -> Measures:
    """Compute every registered metric that the data allow.

    `queries` and `passages` embed the dataset's texts in their order; both come from one
    checkpoint. `groups` adds averages: grouping → language → label, as {"script": {"el": "Grek"}}.
    `only` names the metrics to compute, with their cutoffs; all if left out. With `keep`, ranks
    and measures of the vectors are taken from the user's cache, or put there. `device`, as after
    `--device`, may make the scores of a large pool. `spread` has passages ranked in parts,
    elsewhere. Raises AlignkitError when dimensions differ.
    """
    if queries.vectors.shape[1] != passages.vectors.shape[1]:
        raise AlignkitError(
            f"queries have {queries.vectors.shape[1]} dimensions and passages "
            f"{passages.vectors.shape[1]}; embed both with one checkpoint"
        )
    ids = tuple(sorted(dataset.queries.frame["parallel_id"].unique()))
    ranks = [
        rank_task(task, queries, passages if task.name == "answer-retrieval" else queries,
                  ids, keep=keep, device=device, spread=spread, reporter=reporter)
        for task in dataset.tasks
    ]  # fmt: skip
    fitted = [Fitted(queries, passages, np.ones(len(ids), bool))]
    is_keyed = keep and all(is_bundled(card.function) for card in METRICS.values())
    memory = _Memory(_key(dataset, queries, passages) if is_keyed else "")
    measures = measure_ranks(
        dataset.name, ids, ranks, queries, fitted, groups=groups or {}, only=only, memory=memory
    )
    memory.save()
    return measures


def _key(dataset: Dataset, queries: Embeddings, passages: Embeddings) -> str:
    frame = queries.texts.frame
    places = [codes(frame[name], tuple(sorted(frame[name].unique())))
              for name in ("parallel_id", "language")]  # fmt: skip
    answers = [task.qrels for task in dataset.tasks]
    return kept.key_of(
        queries.similarity, queries.digest, passages.digest, *places, passages.texts.language_codes,
        *(part for qrels in answers for part in (qrels.queries, qrels.passages)),
    )  # fmt: skip


class _Memory:
    """Values and levels of metrics of vectors by name, from the cache or as they are found.

    A class because what is found in a run is kept for the next one.
    """

    def __init__(self, key: str = "") -> None:
        self._key = key
        self._known = (kept.take(_STAGE, key) if key else None) or {}
        self._is_new = False

    def of(
        self, part: str, variant: Variant, source: Callable[[], Any]
    ) -> tuple[Array, Array, Array]:
        """Give a metric's value, best and random value, computed of the source if need be."""
        names = [f"{part}|{variant.name}|{which}" for which in ("value", "best", "random")]
        if not all(name in self._known for name in names):
            made = source()
            found = variant(made), *_levels(variant, made)
            self._known |= {name: np.asarray(one) for name, one in zip(names, found, strict=True)}
            self._is_new = True
        value, best, random = (self._known[name] for name in names)
        return value, best, random

    def save(self) -> None:
        """Keep what is new, if there is a place for it."""
        if self._is_new and self._key:
            kept.keep(_STAGE, self._key, self._known)


def measure_ranks(
    dataset: str,
    ids: tuple[str, ...],
    ranks: list[TaskRanks],
    queries: Embeddings | None,
    fitted: Sequence[Fitted],
    *,
    groups: Groups,
    only: Collection[str] | None = None,
    memory: _Memory | None = None,
) -> Measures:
    """Compute every metric of ranks and vectors; see `measure`.

    `queries` are taken for measures of the vectors themselves, `fitted` to score passages; without
    vectors there are the measures of ranks alone.
    """
    measured: list[Measured] = []
    matrices: dict[str, Array] = {}
    memory = memory or _Memory()
    for task in ranks:
        pools = [queries] if task.task.name == "question-alignment" else [
            fold.passages for fold in fitted
        ]  # fmt: skip
        known = [pool for pool in pools if pool is not None]
        is_collapsed = bool(known) and all(map(are_equal, known))
        found = _Measuring(task, groups, only, is_collapsed=is_collapsed)
        measured += found.own_pools()
        if task.task.name == "answer-retrieval":
            measured += found.multilingual(memory)
            measured += found.of_rankings(fitted, memory)
        elif queries is not None:
            of_vectors, matrices = found.of_vectors(queries, memory)
            measured += of_vectors
    languages = tuple(ranks[0].task.queries.languages)
    return Measures(dataset, ids, measured, ranks, languages, matrices)


@dataclass(frozen=True)
class _Place:
    """Where the values of a metric's source lie: the id and the cell of each, and the outputs."""

    ids: Array
    cells: Array
    outputs: Outputs
    n_ids: int

    def sums(self, values: Array) -> Array:
        """Sum the values that share an id and a cell, (ids, cells)."""
        n_cells = len(self.outputs.members)
        where = self.ids * n_cells + self.cells
        return _bincount(where, values, self.n_ids * n_cells).reshape(self.n_ids, n_cells)

    def means(self, above: Array, below: Array) -> Array:
        """Give the value of each output for numerators and denominators of all values."""
        totals = [
            _bincount(self.cells, part, len(self.outputs.members))[None, :]
            for part in (above, below)
        ]
        return group_means(ratios(*totals), self.outputs.members)[0]


def _bincount(places: Array, values: Array, n: int) -> Array:
    """Sum values by place; numpy's own gives whole numbers where there is nothing to sum."""
    return np.bincount(places, values, n).astype(np.float64, copy=False)


class _Scatter:
    """Collects the metrics of one setting whose values lie in the same places.

    A class because it shares one design among them, and one array among metrics that are equal
    there, such as recall@k and hit@k with one relevant passage in a pool.
    """

    def __init__(
        self,
        task: TaskName,
        setting: Setting,
        place: _Place,
        why_not: Callable[[Variant, Setting], str],
    ) -> None:
        self._task: TaskName = task
        self._setting: Setting = setting
        self._place = place
        self._why_not = why_not
        self._ones = np.ones(len(place.cells))
        self._design = self._design_of(self._ones)
        self.measured: list[Measured] = []

    def _design_of(self, below: Array) -> Design:
        outputs = self._place.outputs
        return Design(self._place.sums(below), outputs.labels, outputs.members)

    def add(self, variant: Variant, values: Array, levels: Levels, undefined: str = "") -> None:
        """Take the metric's values and levels, one a place; NaN values are left out."""
        why_not = self._why_not(variant, self._setting)
        gone = np.full(len(values), True) if why_not else np.isnan(values)
        undefined = why_not or undefined
        if gone.any():
            here = (~gone).astype(float)
            self._append(variant, np.where(gone, 0.0, values), here, levels, undefined)
        else:
            self._append(variant, values, self._ones, levels, undefined)

    def add_ratio(self, variant: Variant, above: Array, below: Array, levels: Levels) -> None:
        """Take numerators and denominators, one a place; levels are of the numerators."""
        why_not = self._why_not(variant, self._setting)
        counted = 0.0 if why_not else 1.0
        self._append(variant, counted * above, counted * below, levels, why_not)

    def _append(
        self, variant: Variant, above: Array, below: Array, levels: Levels, undefined: str
    ) -> None:
        design = self._design if below is self._ones else self._design_of(below)
        numerator = self._place.sums(above)
        for other in self.measured:
            if other.design is design and np.array_equal(other.numerator, numerator):
                numerator = other.numerator
                break
        best, random = (
            self._place.means(np.where(below > 0, np.broadcast_to(level, below.shape), 0.0), below)
            for level in levels
        )
        card = variant.card
        self.measured.append(
            Measured(
                self._task, self._setting, variant.name, numerator, design, best, random,
                undefined or card.undefined, card.is_resampled,
            )
        )  # fmt: skip


class _Measuring:
    """Measures one task; a class because every step needs its ranks, groups and choice."""

    def __init__(
        self, ranks: TaskRanks, groups: Groups, only: Collection[str] | None, *, is_collapsed: bool
    ) -> None:
        self._ranks, self._groups, self._only = ranks, groups, only
        self._is_collapsed = is_collapsed
        self._languages = tuple(ranks.task.queries.languages)
        self._asked = codes(pd.Series(ranks.languages), self._languages)[ranks.language_of_query]
        self._n = len(ranks.languages)
        self._is_parallel = len(ranks.ids) < len(ranks.task.queries)

    def _variants(self, setting: Setting, needs: Needs) -> Iterator[Variant]:
        for card in METRICS.values():
            if card.needs == needs and (self._ranks.task.name, setting) in card.settings:
                for variant in card.variants():
                    if self._only is None or variant.name in self._only:
                        yield variant

    def _scatter(self, setting: Setting, ids: Array, cells: Array, outputs: Outputs) -> _Scatter:
        place = _Place(ids, cells, outputs, len(self._ranks.ids))
        return _Scatter(self._ranks.task.name, setting, place, self._why_not)

    def _why_not(self, variant: Variant, setting: Setting) -> str:
        """Say why a metric means nothing for these data as a whole, "" if it does."""
        if self._is_collapsed:
            return "all vectors are equal, so that all scores tie"
        if self._n < 2 and (setting == "cross-lingual" or variant.card.settings == BIAS):
            return "there is one language, and this needs two"
        if not self._is_parallel and (setting == "cross-lingual" or variant.card.compares_answers):
            return "there are no parallel queries"
        return ""

    def _pairs(self) -> list[tuple[int, int]]:
        return [(a, b) for a in range(self._n) for b in range(self._n)]

    def own_pools(self) -> list[Measured]:
        """Measure in the monolingual and cross-lingual settings, which share their searches."""
        kept: dict[str, Array] = {}
        mono, cross = self._pair_scatter(same=True), self._pair_scatter(same=False)
        return [
            *self._of_ranks("monolingual", *mono, kept),
            *self._of_ranks("cross-lingual", *cross, kept),
        ]

    def _pair_scatter(self, *, same: bool) -> tuple[_Scatter, Array]:
        """Choose the searches where query and pool have the same language, or have not."""
        ranks, searches, n = self._ranks, self._ranks.own_pools, self._n
        asked = ranks.language_of_query[searches.queries]
        here = (asked == searches.pools) == same
        pairs = [(a, b) for a, b in self._pairs() if (a == b) == same]
        column = np.full(n * n, -1)
        column[[a * n + b for a, b in pairs]] = np.arange(len(pairs))
        cells = column[asked[here] * n + searches.pools[here]]
        outputs = outputs_of_pairs(pairs, ranks.languages, self._groups, by_language=not same)
        setting: Setting = "monolingual" if same else "cross-lingual"
        ids = ranks.id_of_query[searches.queries][here]
        return self._scatter(setting, ids, cells, outputs), here

    def _of_ranks(
        self, setting: Setting, scatter: _Scatter, here: Array, kept: dict[str, Array]
    ) -> list[Measured]:
        """Measure chosen searches; `kept` remembers a metric over all of them."""
        searched = self._ranks.own_pools.ranks
        for variant in self._variants(setting, "ranks"):
            if variant.name not in kept:
                kept[variant.name] = _value(variant, searched)
            levels = tuple(_chosen(level, here) for level in _levels(variant, searched))
            scatter.add(variant, kept[variant.name][here], levels, _too_deep(variant, searched))
        return scatter.measured

    def multilingual(self, memory: _Memory) -> list[Measured]:
        """Measure among all passages."""
        ranks, searches = self._ranks, self._ranks.all_pools
        ids = ranks.id_of_query[searches.queries]
        of_languages = outputs_of_languages(self._languages, self._groups)
        scatter = self._scatter("multilingual", ids, self._asked[searches.queries], of_languages)
        for variant in self._variants("multilingual", "ranks"):
            values = _value(variant, searches.ranks)
            levels = _levels(variant, searches.ranks)
            scatter.add(variant, values, levels, _too_deep(variant, searches.ranks))
        return [*scatter.measured, *self._pools(of_languages),
                *self._blocks(of_languages, memory), *self._preference(),
                *self._shares()]  # fmt: skip

    def _pools(self, outputs: Outputs) -> list[Measured]:
        """Measure what changes for a query's own answers when other languages join the pool."""
        source, rows = pool_ranks(self._ranks)
        ids, cells = self._ranks.id_of_query[rows], self._asked[rows]
        scatter = self._scatter("multilingual", ids, cells, outputs)
        for variant in self._variants("multilingual", "pools"):
            levels = _levels(variant, source)
            scatter.add(variant, _value(variant, source), levels, _too_deep(variant, source))
        return scatter.measured

    def _blocks(self, outputs: Outputs, memory: _Memory) -> list[Measured]:
        """Measure how a language's queries rank their answers in all languages."""
        n_ids, languages = len(self._ranks.ids), self._languages
        sources = {
            language: cache(
                partial(language_ranks, self._ranks, self._ranks.languages.index(language))
            )
            for language in languages
        }
        cells = np.repeat(np.arange(len(languages)), n_ids)
        ids = np.tile(np.arange(n_ids), len(languages))
        scatter = self._scatter("multilingual", ids, cells, outputs)
        for variant in self._variants("multilingual", "blocks"):
            found = [memory.of(f"blocks of {name}", variant, of) for name, of in sources.items()]
            values, *levels = (
                np.concatenate([np.broadcast_to(one, n_ids) for one in parts])
                for parts in zip(*found, strict=True)
            )
            scatter.add(variant, values, tuple(levels))
        return scatter.measured

    def _preference(self) -> list[Measured]:
        ranks, searches = self._ranks, self._ranks.all_pools
        rows = ranks.task.qrels.queries[searches.order]
        outputs = outputs_of_pairs(self._pairs(), ranks.languages, self._groups)
        cells = ranks.language_of_query[rows] * self._n + ranks.language_of_cell[searches.order]
        scatter = self._scatter("multilingual", ranks.id_of_query[rows], cells, outputs)
        for variant in self._variants("multilingual", "relevant"):
            scatter.add(variant, variant(searches.ranks), _levels(variant, searches.ranks))
        return scatter.measured

    def _shares(self) -> list[Measured]:
        ranks, n = self._ranks, self._n
        rows = ranks.all_pools.queries
        cells = (ranks.language_of_query[rows][:, None] * n + np.arange(n)).ravel()
        ids = np.repeat(ranks.id_of_query[rows], n)
        found: list[Measured] = []
        source = language_shares(ranks)
        for variant in self._variants("multilingual", "shares"):
            above, below = variant(source)
            averages = variant.card.higher_is_better is not None
            outputs = outputs_of_shares(ranks.languages, self._groups, averages=averages)
            scatter = self._scatter("multilingual", ids, cells, outputs)
            levels = tuple(np.ravel(level) for level in _levels(variant, source))
            scatter.add_ratio(variant, above.ravel(), below.ravel(), levels)
            found += scatter.measured
        return found

    def of_rankings(self, fitted: Sequence[Fitted], memory: _Memory) -> list[Measured]:
        """Compare translations' rankings of the multilingual pool."""
        source = cache(lambda: rankings(self._ranks, fitted))
        known = {
            variant: memory.of("rankings", variant, source)
            for variant in self._variants("multilingual", "rankings")
        }
        return self._cubes("multilingual", known) if known else []

    def of_vectors(
        self, queries: Embeddings, memory: _Memory
    ) -> tuple[list[Measured], dict[str, Array]]:
        """Measure the vectors of parallel queries themselves."""
        source = cache(lambda: parallel_vectors(queries, self._ranks.ids))
        known = {
            variant: memory.of("vectors", variant, source)
            for variant in self._variants("cross-lingual", "vectors")
        }
        found = self._cubes("cross-lingual", known)
        matrices = {
            variant.name: _matrix(values)
            for variant, (values, *_) in known.items()
            if variant.name in COSINES
        }
        spaces = {
            variant: memory.of("pairs", _OfPairs(variant.card, variant.name, variant.k), source)
            for variant in self._variants("cross-lingual", "space")
        }
        if spaces:
            found += self._cubes("cross-lingual", spaces)
        for variant in self._variants("multilingual", "space"):
            found.append(self._space(variant, *memory.of("space", variant, source)))
        return found, matrices

    def _cubes(
        self, setting: Setting, known: Mapping[Variant, tuple[Array, Array, Array]]
    ) -> list[Measured]:
        """Measure what gives (ids, languages, languages)."""
        n, n_ids = len(self._languages), len(self._ranks.ids)
        pairs = [(a, b) for a in range(n) for b in range(n) if a != b]
        asked, answered = np.array(pairs, int).reshape(-1, 2).T
        outputs = outputs_of_pairs(pairs, self._languages, self._groups)
        ids = np.repeat(np.arange(n_ids), len(pairs))
        scatter = self._scatter(setting, ids, np.tile(np.arange(len(pairs)), n_ids), outputs)
        for variant, (values, *limits) in known.items():
            levels = tuple(
                np.broadcast_to(level, (n_ids, n, n))[:, asked, answered].ravel()
                for level in limits
            )
            scatter.add(variant, values[:, asked, answered].ravel(), levels)
        return scatter.measured

    def _space(self, variant: Variant, values: Array, best: Array, random: Array) -> Measured:
        """Measure what gives (ids,), or (ids, languages)."""
        n_ids, n = len(values), values.size // len(values)
        whole = values.ndim == 1
        outputs = outputs_of_all() if whole else outputs_of_languages(self._languages, self._groups)
        ids, cells = np.repeat(np.arange(n_ids), n), np.tile(np.arange(n), n_ids)
        scatter = self._scatter("multilingual", ids, cells, outputs)
        levels = tuple(np.broadcast_to(level, values.shape).ravel() for level in (best, random))
        scatter.add(variant, values.ravel(), levels)
        return scatter.measured[0]


@dataclass(frozen=True)
class _OfPairs(Variant):
    """A metric of a space of languages, taken for every two of them."""

    def __call__(self, source: Any) -> Array:  # noqa: ANN401
        """Compute the metric of each pair, (ids, languages, languages)."""
        n_ids, n = source.present.shape
        found = np.full((n_ids, n, n), np.nan)
        for a in range(n):
            for b in range(a + 1, n):
                found[:, a, b] = found[:, b, a] = super().__call__(source.subset([a, b]))
        return found


def _value(variant: Variant, ranks: Any) -> Array:  # noqa: ANN401
    """Compute a metric of ranks; it says nothing where the pool is smaller than the cutoff."""
    values = variant(ranks)
    if variant.k is not None and np.any(ranks.sizes < variant.k):
        return np.where(ranks.sizes < variant.k, np.nan, values)
    return values


def _too_deep(variant: Variant, ranks: Any) -> str:  # noqa: ANN401
    if variant.k is not None and np.any(ranks.sizes < variant.k):
        return f"the pool has fewer than {variant.k} passages"
    return ""


def _levels(variant: Variant, source: Any) -> Levels:  # noqa: ANN401
    return variant.level("best", source), variant.level("random", source)


def _chosen(level: Any, here: Array) -> Any:  # noqa: ANN401
    return level if np.ndim(level) == 0 else level[here]


def _matrix(values: Array) -> Array:
    """Average over ids, (languages, languages); NaN where no id counts."""
    defined = ~np.isnan(values)
    return ratios(np.where(defined, values, 0.0).sum(axis=0), defined.sum(axis=0).astype(float))

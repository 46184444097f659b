"""Metrics: one measure a file, each with its card.

A metric is a function of one of four intermediate results, registered with `@metric`. Its
docstring is its definition: `alignkit metrics NAME`, the report and this code show the same text.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from alignkit.errors import AlignkitError
from alignkit.registry import Registry
from alignkit.tables import TaskName

Setting = Literal["monolingual", "cross-lingual", "multilingual"]
Needs = Literal["ranks", "relevant", "shares", "vectors"]
Values = Float[np.ndarray, " values"]

_ANSWERS: TaskName = "answer-retrieval"
_QUESTIONS: TaskName = "question-alignment"
RETRIEVAL: tuple[tuple[TaskName, Setting], ...] = (
    (_ANSWERS, "monolingual"),
    (_ANSWERS, "cross-lingual"),
    (_ANSWERS, "multilingual"),
)
ALIGNMENT: tuple[tuple[TaskName, Setting], ...] = ((_QUESTIONS, "cross-lingual"),)
BIAS: tuple[tuple[TaskName, Setting], ...] = ((_ANSWERS, "multilingual"),)


@dataclass(frozen=True)
class RelevantRanks:
    """Ranks of the relevant passages of a batch of searches; a search is a query in a pool.

    Attributes
    ----------
    search : which search a rank belongs to, ascending from 0, (n,).
    rank : from 1, ties counting against, ascending within a search, (n,).
    n_searches : how many searches; each has at least one relevant passage.
    relevance : graded relevance, at least 1, (n,); all 1 if left out.
    same_language : whether the passage is in the query's language, (n,); all if left out.
    """

    search: Int[np.ndarray, " n"]
    rank: Int[np.ndarray, " n"]
    n_searches: int
    relevance: Int[np.ndarray, " n"] | None = None
    same_language: Bool[np.ndarray, " n"] | None = None

    @cached_property
    def first(self) -> Int[np.ndarray, " n_searches"]:
        """Where each search begins."""
        return np.searchsorted(self.search, np.arange(self.n_searches))

    @cached_property
    def count(self) -> Int[np.ndarray, " n_searches"]:
        """Number of relevant passages of each search."""
        return np.bincount(self.search, minlength=self.n_searches)

    @cached_property
    def found(self) -> Int[np.ndarray, " n"]:
        """How many relevant passages of its search rank no worse than each, itself included."""
        # One number a cell that ascends with (search, rank), so that one search counts ties too.
        key = self.search * (self.rank.max(initial=0) + 1) + self.rank
        return np.searchsorted(key, key, side="right") - self.first[self.search]

    @cached_property
    def gain(self) -> Values:
        """Graded relevance as a number, (n,)."""
        return np.ones(len(self.rank)) if self.relevance is None else self.relevance.astype(float)

    def per_search(self, values: Float[np.ndarray, " n"] | Bool[np.ndarray, " n"]) -> Values:
        """Sum over the relevant passages of each search, (n_searches,)."""
        return np.bincount(self.search, values, self.n_searches)


@dataclass(frozen=True)
class LanguageShares:
    """What languages a query's best passages have, in the multilingual pool.

    Attributes
    ----------
    observed : share of each passage language among the k best, for each cutoff k,
        (queries, languages); rows sum to 1.
    relevant : share of each language among the query's relevant passages, (queries, languages).
    """

    observed: dict[int, Float[np.ndarray, "queries languages"]]
    relevant: Float[np.ndarray, "queries languages"]


@dataclass(frozen=True)
class ParallelVectors:
    """Unit vectors of parallel queries: `vectors` (ids, languages, dim), 0 where not `present`."""

    vectors: Float[np.ndarray, "ids languages dim"]
    present: Bool[np.ndarray, "ids languages"]

    @cached_property
    def pairs(self) -> Bool[np.ndarray, "ids languages languages"]:
        """Whether an id is present in both languages."""
        return self.present[:, :, None] & self.present[:, None, :]

    @cached_property
    def cosines(self) -> Float[np.ndarray, "ids languages languages"]:
        """Cosine of a query in language a with its translation in b; NaN where there is none."""
        cosines = self.vectors @ self.vectors.transpose(0, 2, 1)
        languages = np.arange(cosines.shape[1])
        cosines[:, languages, languages] = 1.0  # a text with itself, whatever the rounding
        return np.where(self.pairs, cosines, np.nan)

    @cached_property
    def random_cosines(self) -> Float[np.ndarray, "ids languages languages"]:
        """Mean cosine of a query in a with the other ids' queries in b; NaN where undefined.

        Only ids present in both languages count, so that every pair compares like with like.
        """
        # sums[b, a] is the sum of b's vectors over the ids that a has too.
        by_language = self.vectors.transpose(1, 0, 2)
        sums = self.present.T.astype(float) @ by_language
        with_all = (by_language @ sums.transpose(1, 2, 0)).transpose(1, 0, 2)
        others = self.pairs.sum(axis=0) - 1
        with np.errstate(divide="ignore", invalid="ignore"):  # a pair with one id: 0 / 0
            return (with_all - self.cosines) / others


@dataclass(frozen=True)
class Metric:
    """A measure that carries its own page.

    Attributes
    ----------
    needs : what the function takes. "ranks": `RelevantRanks`, gives a value a search. "relevant":
        the same, gives a value a relevant passage. "shares": `LanguageShares`, gives numerator
        and denominator, (queries, languages) each. "vectors": `ParallelVectors`, gives
        (ids, languages, languages). After it comes the cutoff k, if the metric has cutoffs.
    cutoffs : the k of `name@k`; () if there is none.
    settings : the (task, setting) pairs in which it means something.
    bounds : least and greatest possible value.
    """

    name: str
    function: Callable[..., Any]
    needs: Needs
    cutoffs: tuple[int, ...]
    settings: tuple[tuple[TaskName, Setting], ...]
    higher_is_better: bool | None
    bounds: tuple[float, float]
    source: str

    @property
    def names(self) -> list[str]:
        """Names with their cutoffs, as in the tables."""
        return [f"{self.name}@{k}" for k in self.cutoffs] or [self.name]

    @property
    def definition(self) -> str:
        """The docstring up to its examples."""
        text = inspect.getdoc(self.function)
        assert text, f"the metric {self.name} has no definition"
        return text.split("\nExamples\n")[0].strip()

    @property
    def direction(self) -> str:
        """Which way is better, in words."""
        return {True: "higher is better", False: "lower is better", None: "neither"}[
            self.higher_is_better
        ]

    def described(self) -> dict[str, Any]:
        """Give the card in plain JSON types; an infinite bound is None."""
        return {
            "definition": self.definition,
            "range": [bound if np.isfinite(bound) else None for bound in self.bounds],
            "direction": self.direction,
            "source": self.source,
        }

    def variants(self) -> list[tuple[str, Callable[..., Any]]]:
        """Name and function for each cutoff."""
        if not self.cutoffs:
            return [(self.name, self.function)]
        return [(f"{self.name}@{k}", self._at(k)) for k in self.cutoffs]

    def _at(self, k: int) -> Callable[..., Any]:
        return lambda source: self.function(source, k)


METRICS: Registry[Metric] = Registry("metric", "alignkit.metrics")


def metric(
    name: str,
    *,
    needs: Needs,
    settings: tuple[tuple[TaskName, Setting], ...],
    higher_is_better: bool | None,
    bounds: tuple[float, float],
    source: str,
    cutoffs: tuple[int, ...] = (),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as the metric `name`; see `Metric` for the fields."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        card = Metric(name, function, needs, cutoffs, settings, higher_is_better, bounds, source)
        METRICS.add(name, card)
        return function

    return decorate


def metric_of(name: str) -> Metric:
    """Find the metric behind a name from the tables, such as "recall@10".

    Raises
    ------
    AlignkitError
        When there is no such metric or it has no such cutoff.
    """
    card = METRICS.get(name.split("@")[0])
    if name not in card.names:
        raise AlignkitError(f"write the metric {name!r} as one of {', '.join(card.names)}")
    return card

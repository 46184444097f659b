"""Metrics: one measure a file, each with its card.

A metric is a function of one intermediate result, registered with `@metric`. Its docstring is its
definition: `alignkit metrics NAME`, the report and this code show the same text.

What is no mean over queries (a skewness, a ratio of means) is given as each id's share of it: the
value plus the id's influence on it, which sum to 0 (the infinitesimal jackknife; Efron 1982, ch.
6). The mean of the shares is the value, and resampling them resamples the statistic to first order.
So one code path gives every measure its interval, its paired test and its averages.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from alignkit.errors import AlignkitError
from alignkit.metrics._sources import (
    LanguageRanks,
    LanguageShares,
    ParallelVectors,
    PoolRanks,
    Rankings,
    RelevantRanks,
    Values,
)
from alignkit.registry import Registry
from alignkit.tables import TaskName

__all__ = [
    "ALIGNMENT", "BIAS", "METRICS", "RETRIEVAL", "SPACE", "LanguageRanks", "LanguageShares",
    "Metric", "Needs", "ParallelVectors", "PoolRanks", "Rankings", "RelevantRanks", "Setting",
    "Values", "Variant", "metric", "metric_of",
]  # fmt: skip

Setting = Literal["monolingual", "cross-lingual", "multilingual"]
Needs = Literal["ranks", "relevant", "pools", "shares", "blocks", "rankings", "vectors", "space"]
Level = float | Callable[..., Any] | None

_ANSWERS: TaskName = "answer-retrieval"
_QUESTIONS: TaskName = "question-alignment"
RETRIEVAL: tuple[tuple[TaskName, Setting], ...] = (
    (_ANSWERS, "monolingual"),
    (_ANSWERS, "cross-lingual"),
    (_ANSWERS, "multilingual"),
)
ALIGNMENT: tuple[tuple[TaskName, Setting], ...] = ((_QUESTIONS, "cross-lingual"),)
BIAS: tuple[tuple[TaskName, Setting], ...] = ((_ANSWERS, "multilingual"),)
SPACE: tuple[tuple[TaskName, Setting], ...] = ((_QUESTIONS, "multilingual"),)


@dataclass(frozen=True)
class Metric:
    """A measure that carries its own page.

    Attributes
    ----------
    needs : what the function takes. "ranks": `RelevantRanks`, gives a value a search. "relevant":
        the same, gives a value a relevant passage. "pools": `PoolRanks`, gives a value a search.
        "shares": `LanguageShares`, gives numerator and denominator, (queries, languages) each.
        "blocks": `LanguageRanks` of one language's queries, gives (ids,). "rankings": `Rankings`,
        gives (ids, languages, languages). "vectors": `ParallelVectors`, gives the same. "space":
        `ParallelVectors` of all languages, or of two in the cross-lingual setting, gives (ids,),
        or (ids, languages) for a value a language. After it comes the cutoff k, if the metric has
        cutoffs. NaN stands for a query that does not count.
    cutoffs : the k of `name@k`; () if there is none.
    settings : the (task, setting) pairs in which it means something.
    bounds : least and greatest possible value.
    best : best possible value: a number, or a function that takes what the metric takes and gives
        what it gives (of "shares", the numerator); None where it is not known.
    random : the same, for a random ranking of the pool (or vectors that know nothing of meaning).
    undefined : when there is no value.
    is_resampled : False for what can't be resampled, as a p value: it gets no interval.
    """

    name: str
    function: Callable[..., Any]
    needs: Needs
    cutoffs: tuple[int, ...]
    settings: tuple[tuple[TaskName, Setting], ...]
    higher_is_better: bool | None
    bounds: tuple[float, float]
    source: str
    best: Level
    random: Level
    undefined: str
    is_resampled: bool

    @property
    def compares_answers(self) -> bool:
        """Whether it compares a question's answers in several languages: it needs translations."""
        return self.settings == BIAS and self.needs in ("ranks", "blocks", "rankings")

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
            "undefined": self.undefined,
        }

    def variants(self) -> list["Variant"]:
        """Give the metric at each of its cutoffs."""
        if not self.cutoffs:
            return [Variant(self, self.name, None)]
        return [Variant(self, f"{self.name}@{k}", k) for k in self.cutoffs]


@dataclass(frozen=True)
class Variant:
    """A metric at one cutoff k, or without one."""

    card: Metric
    name: str
    k: int | None

    def __call__(self, source: Any) -> Any:  # noqa: ANN401
        """Compute the metric of what it needs."""
        return self._apply(self.card.function, source)

    def level(self, which: Literal["best", "random"], source: Any) -> Any:  # noqa: ANN401
        """Give the best possible or the random value, as a number or as the metric does; or NaN."""
        level = self.card.best if which == "best" else self.card.random
        if callable(level):
            return self._apply(level, source)
        return np.nan if level is None else level

    def _apply(self, function: Callable[..., Any], source: Any) -> Any:  # noqa: ANN401
        return function(source) if self.k is None else function(source, self.k)


METRICS: Registry[Metric] = Registry("metric", "alignkit.metrics")


def metric(
    name: str,
    *,
    needs: Needs,
    settings: tuple[tuple[TaskName, Setting], ...],
    higher_is_better: bool | None,
    bounds: tuple[float, float],
    source: str,
    best: Level,
    random: Level,
    cutoffs: tuple[int, ...] = (),
    undefined: str = "no query has a relevant passage in the pool",
    is_resampled: bool = True,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as the metric `name`; see `Metric` for the fields."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        card = Metric(
            name, function, needs, cutoffs, settings, higher_is_better, bounds, source,
            best, random, undefined, is_resampled,
        )  # fmt: skip
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
    card = METRICS.get(name if name in METRICS else name.split("@")[0])
    if name not in card.names:
        raise AlignkitError(f"write the metric {name!r} as one of {', '.join(card.names)}")
    return card

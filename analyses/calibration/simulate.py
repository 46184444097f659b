"""Corpora whose true values are known, measured by the code that measures real ones.

A question is hard or easy in all languages: its values share a normal part of weight `RHO`. What a
query of question i in language a has is a quantile of that normal number: of a Beta law for
average precision, of a log-normal one for a rank distance.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from alignkit.comparison import tabulate
from alignkit.estimates import IntervalKind, pool_runs
from alignkit.kernels.resampling import percentile_interval
from alignkit.measures import Design, Measured, Measures
from alignkit.tables import AVERAGE

Array = np.ndarray
Law = Literal["map", "rank_distance", "same_language_lift"]
RHO = 0.6  # correlation of a question's values in two languages, before the quantiles
SHARED = 0.5  # how much of what is left two checkpoints have in common
ALPHA = 0.05
LANGUAGES = 11


@dataclass(frozen=True)
class World:
    """What is simulated: so many questions in so many languages, under a law."""

    law: Law = "map"
    ids: int = 100
    languages: int = LANGUAGES

    def normals(self, rng: np.random.Generator, checkpoints: int = 1) -> Array:
        """Draw (checkpoints, ids, languages), standard normal, correlated as questions are."""
        shape = (self.ids, self.languages)
        question = rng.standard_normal((self.ids, 1))
        both = rng.standard_normal(shape)
        own = rng.standard_normal((checkpoints, *shape))
        rest = np.sqrt(SHARED) * both + np.sqrt(1 - SHARED) * own
        return np.sqrt(RHO) * question + np.sqrt(1 - RHO) * rest

    def values(self, normals: Array) -> Array:
        """Turn normal numbers into values of the law."""
        if self.law == "rank_distance":
            return 100 * np.exp(normals)
        chance = stats.norm.cdf(normals)
        if self.law == "same_language_lift":
            return np.round(10 * chance)  # of ten places, those of the own language
        return stats.beta.ppf(chance, 0.8, 0.6)

    @property
    def truth(self) -> float:
        """The mean over all questions that there could be."""
        if self.law == "rank_distance":
            return 100 * np.exp(0.5)
        return 5.0 / self._expected if self.law == "same_language_lift" else 0.8 / 1.4

    @property
    def _expected(self) -> float:
        return 10 / self.languages

    def measures(self, values: Array) -> Measures:
        """Give values the form that a checkpoint's have: languages, and their mean."""
        names = [f"l{i}" for i in range(self.languages)]
        outputs = (*((name, AVERAGE) for name in names), (AVERAGE, AVERAGE))
        members = np.hstack([np.eye(self.languages, dtype=bool), np.ones((len(names), 1), bool)])
        below = np.ones_like(values)
        if self.law == "same_language_lift":  # a ratio of two means
            below *= self._expected
        unknown = np.full(len(outputs), np.nan)
        name = "same_language_lift@10" if self.law == "same_language_lift" else self.law
        measured = Measured(
            "answer-retrieval", "multilingual", name, values, Design(below, outputs, members),
            unknown, unknown, "",
        )  # fmt: skip
        ids = tuple(map(str, range(self.ids)))
        return Measures("simulated", ids, [measured], [], tuple(names), {})


def overall(table: pd.DataFrame) -> pd.Series:
    """Take the rows of the mean over languages."""
    return table[table["query_language"] == AVERAGE].iloc[0]


def covers(world: World, kind: IntervalKind, rng: np.random.Generator) -> bool:
    """Whether the 95 % interval of one corpus holds the truth."""
    found = {"a": world.measures(world.values(world.normals(rng))[0])}
    row = overall(tabulate(found, "a", seed=int(rng.integers(2**31)), interval=kind)[0])
    return bool(row["ci_low"] <= world.truth <= row["ci_high"])


def covers_naively(world: World, rng: np.random.Generator) -> bool:
    """Do the same with a bootstrap that takes every query for another question."""
    values = world.values(world.normals(rng))[0]
    if world.law == "same_language_lift":
        values = values / world._expected
    flat = values.ravel().astype(np.float32)
    drawn = rng.integers(0, flat.size, (400, flat.size), dtype=np.int32)
    low, high = percentile_interval(flat[drawn].mean(axis=1, dtype=float)[:, None])[:, 0]
    return bool(low <= world.truth <= high)


@dataclass(frozen=True)
class Tested:
    """What the tests of one corpus said."""

    p_value: float  # of the mean over languages
    any_language: bool  # whether some language was found to differ, adjusted
    any_unadjusted: bool
    covers: bool  # whether the interval of the difference holds the truth
    mdd: float


def compare_pair(world: World, planted: float, rng: np.random.Generator) -> Tested:
    """Compare two checkpoints, the second `planted` higher; 0 is a true null."""
    values = world.values(world.normals(rng, 2))
    measures = {"a": world.measures(values[0]), "b": world.measures(values[1] + planted)}
    _, changes = tabulate(measures, "a", seed=int(rng.integers(2**31)))
    row, languages = overall(changes), changes[changes["query_language"] != AVERAGE]
    return Tested(
        row["p_value"],
        bool((languages["p_adjusted"] < ALPHA).any()),
        bool((languages["p_value"] < ALPHA).any()),
        bool(row["ci_low"] <= planted <= row["ci_high"]),
        row["mdd"],
    )


def compare_runs(world: World, n_runs: int, spread: float, rng: np.random.Generator) -> Tested:
    """Compare two strategies of several runs each, whose luck differs by `spread`; a true null."""
    strategies = {}
    question = world.normals(rng)[0]
    for label in "ab":
        runs = [0.7 * question + np.sqrt(1 - 0.49) * world.normals(rng)[0] for _ in range(n_runs)]
        luck = spread * rng.standard_normal(n_runs)
        each = [
            world.measures(world.values(run) + one) for run, one in zip(runs, luck, strict=True)
        ]
        strategies[label] = pool_runs(each)
    _, changes = tabulate(strategies, "a", seed=int(rng.integers(2**31)))
    row = overall(changes)
    return Tested(row["p_value"], False, False, bool(row["ci_low"] <= 0 <= row["ci_high"]),
                  row["mdd"])  # fmt: skip

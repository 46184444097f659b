"""Batch strategies: which languages stand together in a training batch; one strategy a file.

A strategy is a function that says of which kind every example of an epoch's batches is, registered
with `@strategy`. A kind is a pair (query language, passage language). Its docstring is its
definition:

    @strategy("monolingual")
    def plan(kinds: Kinds, draw: Draw) -> Array:
        return draw.one_for_all(kinds.same_language)

The file is all it takes: `alignkit train --strategy monolingual`, the help and the tests of what
holds for every strategy follow from the registration.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from inspect import getdoc

import numpy as np

from alignkit.errors import AlignkitError
from alignkit.registry import Registry
from alignkit.tables import AVERAGE

Array = np.ndarray
ALL_LANGUAGES = AVERAGE  # passage language of an example that shows a passage of every language


@dataclass(frozen=True)
class Kinds:
    """The kinds of example that training data have.

    `query_languages`, `passage_languages` and `counts` (how many examples) have an entry a kind; a
    kind is named by its place in them.
    """

    query_languages: tuple[str, ...]
    passage_languages: tuple[str, ...]
    counts: Array

    def _where(self, holds: Callable[[str, str], bool], needs: str) -> Array:
        pairs = zip(self.query_languages, self.passage_languages, strict=True)
        found = np.array([i for i, (a, b) in enumerate(pairs) if holds(a, b)], np.int64)
        if not len(found):
            has = ", ".join(sorted({*self.query_languages})) or "none"
            raise AlignkitError(f"{needs}; the training data have queries in: {has}")
        return found

    @cached_property
    def same_language(self) -> Array:
        """Kinds whose query and passage have one language, (n,) int64."""
        needs = "these batches need queries with answers in their own language"
        return self._where(lambda a, b: a == b, needs)

    @cached_property
    def cross_lingual(self) -> Array:
        """Kinds whose query and passage differ in language, (n,) int64."""
        needs = "cross-lingual batches need questions in two languages or more"
        return self._where(lambda a, b: a != b and b != ALL_LANGUAGES, needs)

    @cached_property
    def one_to_k(self) -> Array:
        """Kinds that show a passage of every language at once, (n,) int64."""
        needs = "one-to-k batches need examples of alignkit.training.one_to_k"
        return self._where(lambda _, b: b == ALL_LANGUAGES, needs)


@dataclass(frozen=True)
class Draw:
    """Draws kinds for the batches of an epoch: `steps` batches of `size` examples.

    `weight` gives kinds their shares from their counts: (n,) → (n,), summing to 1. `alpha` is the
    share of monolingual batches, for strategies that mix. Kinds are drawn so that in an epoch each
    comes as often as its share says, to within one: every single draw has these probabilities, and
    chance favours no language over a whole epoch.
    """

    kinds: Kinds
    steps: int
    size: int
    alpha: float
    weight: Callable[[Array], Array]
    rng: np.random.Generator

    def one_for_all(self, among: Array) -> Array:
        """Draw one kind a batch, (steps, size) int64."""
        return np.repeat(self._spread(among, self.steps)[:, None], self.size, axis=1)

    def one_for_each(self, among: Array) -> Array:
        """Draw a kind an example, (steps, size) int64."""
        return self._spread(among, self.steps * self.size).reshape(self.steps, self.size)

    def _spread(self, among: Array, n: int) -> Array:
        """Draw `n` of `among` by systematic sampling, in random order."""
        among = self.rng.permutation(among)  # else neighbours would share their luck
        edges = np.cumsum(self.weight(self.kinds.counts[among])) * n
        places = np.arange(n) + self.rng.random()
        chosen = np.searchsorted(edges, places, side="right")
        # The last edge may fall short of n by rounding.
        return self.rng.permutation(among[np.minimum(chosen, len(among) - 1)])


Plan = Callable[[Kinds, Draw], Array]


@dataclass(frozen=True)
class StrategyCard:
    """A strategy and what the rest needs to know of it.

    `plan` gives the kind of every example, (steps, size) int64. `mixes` says that `alpha` matters,
    `one_to_k` that examples show a passage of every language and the loss is one-to-K's.
    """

    name: str
    plan: Plan
    mixes: bool
    one_to_k: bool

    @property
    def definition(self) -> str:
        """What it does and where it comes from."""
        return getdoc(self.plan) or ""


STRATEGIES: Registry[StrategyCard] = Registry("batch strategy", "alignkit.training.samplers")


def strategy(name: str, *, mixes: bool = False, one_to_k: bool = False) -> Callable[[Plan], Plan]:
    """Decorate: register a plan as the strategy `name`; see `StrategyCard` for the fields."""

    def decorate(plan: Plan) -> Plan:
        STRATEGIES.add(name, StrategyCard(name, plan, mixes, one_to_k))
        return plan

    return decorate


def weights(sampling: str) -> Callable[[Array], Array]:
    """Read how kinds are drawn: `uniform`, `proportional`, or `temperature:T` with T > 0.

    The share of a kind with n examples is proportional to n^(1/T): T = 1 is proportional to size,
    a large T nearly uniform (arXiv 1907.05019 §4).

    >>> weights("temperature:2")(np.array([1, 4]))
    array([0.33333333, 0.66666667])
    """
    name, _, number = sampling.partition(":")
    if sampling in ("uniform", "proportional"):
        exponent = float(sampling == "proportional")
    elif name == "temperature" and _is_positive(number):
        exponent = 1 / float(number)
    else:
        raise AlignkitError(
            f"no sampling is called {sampling!r}; write uniform, proportional or temperature:T "
            "with T above 0"
        )

    def share(counts: Array) -> Array:
        powers = np.power(counts / counts.max(), exponent)
        return powers / powers.sum()

    return share


def _is_positive(number: str) -> bool:
    try:
        return 0 < float(number) < float("inf")
    except ValueError:
        return False

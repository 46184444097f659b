"""What metrics are functions of: ranks, languages of the best passages, vectors."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from alignkit.kernels.neighbours import Neighbours, find_neighbours

Values = Float[np.ndarray, " values"]
Counts = Int[np.ndarray, " kinds"]


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
    language : code of the passage's language, (n,); all one if left out.
    pool : number of passages that each search goes through, (n_searches,).
    unfindable : search and relevance of relevant passages that no pool holds, (2, m): they are
        missed, and count among what is to be found.
    """

    search: Int[np.ndarray, " n"]
    rank: Int[np.ndarray, " n"]
    n_searches: int
    relevance: Int[np.ndarray, " n"] | None = None
    same_language: Bool[np.ndarray, " n"] | None = None
    language: Int[np.ndarray, " n"] | None = None
    pool: Int[np.ndarray, " n_searches"] | None = None
    unfindable: Int[np.ndarray, "2 m"] | None = None

    @cached_property
    def first(self) -> Int[np.ndarray, " n_searches"]:
        """Where each search begins."""
        return np.searchsorted(self.search, np.arange(self.n_searches))

    @cached_property
    def count(self) -> Int[np.ndarray, " n_searches"]:
        """Number of relevant passages of each search that are in its pool."""
        return np.bincount(self.search, minlength=self.n_searches)

    @cached_property
    def wanted(self) -> Int[np.ndarray, " n_searches"]:
        """Number of relevant passages of each search, wherever they are: what recall divides by."""
        if self.unfindable is None:
            return self.count
        return self.count + np.bincount(self.unfindable[0], minlength=self.n_searches)

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

    @cached_property
    def foreign(self) -> Bool[np.ndarray, " n"]:
        """Whether the passage is in another language than the query, (n,)."""
        if self.same_language is None:
            return np.zeros(len(self.rank), bool)
        return ~self.same_language

    def per_search(self, values: Float[np.ndarray, " n"] | Bool[np.ndarray, " n"]) -> Values:
        """Sum over the relevant passages of each search, (n_searches,)."""
        return np.bincount(self.search, values, self.n_searches)

    @property
    def sizes(self) -> Int[np.ndarray, " n_searches"]:
        """Size of each search's pool; it must be known."""
        assert self.pool is not None, "the pool's size is not known"
        return self.pool

    def per_kind(self, function: Callable[[Counts, Counts], Values]) -> Values:
        """Apply a function of pool size and number of relevant passages, (n_searches,).

        It is called once, with every combination that occurs.
        """
        pools, relevant, kind = self._kinds
        return function(pools, relevant)[kind]

    @cached_property
    def _kinds(self) -> tuple[Counts, Counts, Int[np.ndarray, " n_searches"]]:
        width = int(self.count.max(initial=0)) + 1
        kinds, kind = np.unique(self.sizes * width + self.count, return_inverse=True)
        return kinds // width, kinds % width, kind


@dataclass(frozen=True)
class PoolRanks:
    """Ranks of the answers in the query's language, before and after other languages join.

    Both have the same searches, of the queries with an answer in their own language.

    Attributes
    ----------
    own : ranks in the pool of the query's language.
    joined : ranks in the pool of all languages without the other languages' relevant passages: a
        translation of the answer that stands above it is no interference.
    """

    own: RelevantRanks
    joined: RelevantRanks

    @property
    def sizes(self) -> Int[np.ndarray, " n_searches"]:
        """Size of the smaller of each search's pools."""
        return self.own.sizes

    def fall(self, measure: Callable[[RelevantRanks, int], Any], k: int) -> Any:  # noqa: ANN401
        """Give what a measure of ranks loses when the other languages join."""
        return measure(self.own, k) - measure(self.joined, k)


@dataclass(frozen=True)
class LanguageShares:
    """What languages a query's best passages have, in the multilingual pool.

    Attributes
    ----------
    observed : share of each passage language among the k best, for each cutoff k,
        (queries, languages); rows sum to 1.
    relevant : share of each language among the query's relevant passages, (queries, languages).
    pool : share of each language among all passages, (languages,).
    """

    observed: dict[int, Float[np.ndarray, "queries languages"]]
    relevant: Float[np.ndarray, "queries languages"]
    pool: Float[np.ndarray, " languages"] | None = None


@dataclass(frozen=True)
class LanguageRanks:
    """Ranks of one language's queries' answers, by the language of the answer.

    The best where a query has several answers in a language, NaN where it has none.

    Attributes
    ----------
    own : rank in the pool of the passage's language, (ids, languages).
    mixed : rank in the multilingual pool, (ids, languages).
    pools : number of passages of each language, (languages,).
    """

    own: Float[np.ndarray, "ids languages"]
    mixed: Float[np.ndarray, "ids languages"]
    pools: Int[np.ndarray, " languages"]


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
        return (with_all - self.cosines) / np.where(others > 0, others, np.nan)

    @cached_property
    def neighbours(self) -> Neighbours:
        """What every query's nearest queries in every other language tell."""
        return find_neighbours(self.vectors, self.present)

    def subset(self, languages: list[int]) -> "ParallelVectors":
        """Take some of the languages alone."""
        return ParallelVectors(self.vectors[:, languages], self.present[:, languages])


@dataclass(frozen=True)
class Rankings:
    """The best passages of parallel queries in the multilingual pool, and how to score them.

    Attributes
    ----------
    best : rows of the k best passages, best first, (ids, languages, k); -1 where there is none.
    score : scores of one id's queries, in all languages, against passage rows: a function of the
        id's number and of rows (m,) that returns (languages, m) float64, NaN for languages in
        which the id is not present.
    pool : number of passages.
    """

    best: Int[np.ndarray, "ids languages k"]
    score: Callable[[int, Int[np.ndarray, " m"]], Float[np.ndarray, "languages m"]]
    pool: int

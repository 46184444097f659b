"""Embeddings and ranks, arranged as metrics take them (see `alignkit.metrics`)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from alignkit.kernels.ranking import TIE, prepare
from alignkit.metrics import (
    LanguageRanks,
    LanguageShares,
    ParallelVectors,
    PoolRanks,
    Rankings,
    RelevantRanks,
)
from alignkit.ranks import TaskRanks, codes, share_cutoffs
from alignkit.tables import Embeddings

Array = np.ndarray


def are_equal(side: Embeddings) -> bool:
    """Whether all vectors have one direction: whatever is asked, all of them tie."""
    first = side.vectors[0].astype(np.float64)
    step = 1000  # a sound model is known by the first rows
    for start in range(0, len(side.vectors), step):
        rows = side.vectors[start : start + step].astype(np.float64)
        lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(first)
        if np.any(rows @ first < (1 - TIE) * lengths):
            return False
    return True


def parallel_vectors(queries: Embeddings, ids: tuple[str, ...]) -> ParallelVectors:
    """Arrange unit vectors of queries by parallel id and language (alphabetical)."""
    languages = tuple(queries.texts.languages)
    id_codes = codes(queries.texts.frame["parallel_id"], ids)
    language_codes = codes(queries.texts.frame["language"], languages)
    squares = np.einsum("ij,ij->i", queries.vectors, queries.vectors, dtype=np.float64)
    places = language_codes * len(ids) + id_codes
    unit = queries.vectors / np.sqrt(squares)[:, None]
    n_places = len(languages) * len(ids)
    if np.array_equal(places, np.arange(n_places)):
        flat = unit  # whole and in order, as published data are: no second copy
    else:
        flat = np.zeros((n_places, unit.shape[1]))
        flat[places] = unit
    present = np.zeros(len(flat), bool)
    present[places] = True
    by_language = flat.reshape(len(languages), len(ids), -1)
    return ParallelVectors(
        by_language.transpose(1, 0, 2), present.reshape(len(languages), len(ids)).T
    )


def language_shares(ranks: TaskRanks) -> LanguageShares:
    """Languages of each query's best and relevant passages in the multilingual pool."""
    assert ranks.best is not None, "answer-retrieval keeps the best passages"
    searches = ranks.all_pools
    relevant = np.zeros((len(searches.queries), len(ranks.languages)))
    of_cell = ranks.language_of_cell[searches.order]
    np.add.at(relevant, (searches.ranks.search, of_cell), 1.0)
    relevant /= relevant.sum(axis=1, keepdims=True)
    observed = {k: ranks.best.shares[searches.queries, i] for i, k in enumerate(share_cutoffs())}
    return LanguageShares(observed, relevant, ranks.pool_sizes / ranks.pool_sizes.sum())


def pool_ranks(ranks: TaskRanks) -> tuple[PoolRanks, Array]:
    """Ranks of own-language answers alone and among all languages, and whose they are.

    The query row of each search is given, (searches,).
    """
    alone, mixed = ranks.own_pools, ranks.all_pools.ranks
    own = _chosen(alone.ranks, alone.pools == ranks.language_of_query[alone.queries])
    step = mixed.rank.max(initial=0) + 1
    place = mixed.search * step + mixed.rank  # ascends
    foreign = place[mixed.foreign]
    before = np.searchsorted(foreign, place, "right")
    before -= np.searchsorted(foreign, mixed.search * step)
    native = ~mixed.foreign
    without = RelevantRanks(
        mixed.search[native],
        (mixed.rank - before)[native],
        mixed.n_searches,
        None if mixed.relevance is None else mixed.relevance[native],
        pool=mixed.sizes - mixed.per_search(mixed.foreign).astype(np.int64),
        unfindable=mixed.unfindable,
    )
    asks = without.count > 0
    return PoolRanks(own, _chosen(without, asks)), ranks.all_pools.queries[asks]


def _chosen(ranks: RelevantRanks, chosen: Array) -> RelevantRanks:
    """Take some of the searches, (n_searches,) bool, and number them anew."""
    number = np.cumsum(chosen) - 1
    cells = chosen[ranks.search]
    lost = ranks.unfindable
    if lost is not None:
        lost = lost[:, chosen[lost[0]]]
        lost = np.stack([number[lost[0]], lost[1]])
    return RelevantRanks(
        number[ranks.search][cells],
        ranks.rank[cells],
        int(chosen.sum()),
        None if ranks.relevance is None else ranks.relevance[cells],
        pool=ranks.sizes[chosen],
        unfindable=lost,
    )


def language_ranks(ranks: TaskRanks, language: int) -> LanguageRanks:
    """Ranks of the answers to one language's queries, by id and language of the answer."""
    cells = np.flatnonzero(ranks.language_of_query[ranks.task.qrels.queries] == language)
    ids = ranks.id_of_query[ranks.task.qrels.queries[cells]]
    place = ids, ranks.language_of_cell[cells]
    tables: list[Array] = []
    for found in (ranks.cells.pool, ranks.cells.overall):
        table = np.full((len(ranks.ids), len(ranks.languages)), np.inf)
        np.minimum.at(table, place, found[cells].astype(float))
        tables.append(np.where(np.isinf(table), np.nan, table))
    return LanguageRanks(tables[0], tables[1], ranks.pool_sizes)


@dataclass(frozen=True)
class Fitted:
    """Queries and passages that are scored together, and the ids that they are for, (ids,) bool.

    A checkpoint has one of them for all ids; what is cross-fitted has one a fold.
    """

    queries: Embeddings
    passages: Embeddings
    ids: Array


def rankings(ranks: TaskRanks, fitted: Sequence[Fitted]) -> Rankings:
    """Arrange the best passages of parallel queries, and how to score them."""
    assert ranks.best is not None, "answer-retrieval keeps the best passages"
    languages = tuple(ranks.task.queries.languages)
    asked = codes(pd.Series(ranks.languages), languages)[ranks.language_of_query]
    shape = (len(ranks.ids), len(languages))
    row_of = np.full(shape, -1)
    row_of[ranks.id_of_query, asked] = np.arange(len(asked))
    best = np.where(row_of[:, :, None] < 0, -1, ranks.best.columns[row_of])
    sides = [
        (
            prepare(one.queries.vectors, "query", one.queries.similarity),
            prepare(one.passages.vectors, "passage", one.queries.similarity),
        )
        for one in fitted
    ]
    chosen = np.argmax([one.ids for one in fitted], axis=0)

    def score(number: int, rows: Array) -> Array:
        asks, answers = sides[chosen[number]]
        present = row_of[number] >= 0
        own = row_of[number][present]
        found = np.full((len(languages), len(rows)), np.nan)
        products = asks.vectors[own].astype(np.float64) @ answers.vectors[rows].T.astype(np.float64)
        found[present] = (
            products * asks.scale[own][:, None] * answers.scale[rows] + answers.offset[rows]
        )
        return found

    return Rankings(best, score, len(ranks.task.passages))

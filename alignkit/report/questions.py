"""What opening a pair of languages shows: how ranks spread, and the queries that changed most."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from alignkit.figures.selection import ANSWERS, QUESTIONS, candidates_of, languages_of, where
from alignkit.report.coded import Array, Coded, coded
from alignkit.report.passages import described
from alignkit.tables import Results

# Last rank of each bar of a histogram; one more holds what is beyond.
UPPER = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
SHOWN = 3  # queries of a pair that improved most, and that worsened most
# Of all pairs together, beyond which pairs show fewer: with their lists they take .5 MB.
MOST_QUERIES = 800
_TEXTS = ["checkpoint", "task", "setting", "query_language", "passage_language", "query",
          "parallel_id", "passage"]  # fmt: skip


@dataclass(frozen=True)
class Ranks:
    """Ranks of one checkpoint, sorted by query and passage; `pair` is a cell of the matrix."""

    pair: Array
    query: Array
    passage: Array
    rank: Array


@dataclass(frozen=True)
class Shown:
    """A query that a pair shows; query and passage are ids, `candidate` indexes the candidates."""

    pair: int
    candidate: int
    query: str
    passage: str
    before: int
    after: int


def ranks_of(results: Results, dataset: str) -> Coded:
    """Ranks of a dataset's relevant passages, as codes."""
    return coded(where(results.per_query, dataset=dataset), _TEXTS, ["rank"])


def pair_questions(results: Results, dataset: str, rows: Coded) -> dict[str, Any] | None:
    """Histograms of ranks by pair, and queries that changed most with their best passages.

    With one checkpoint the queries are those with the worst ranks. `rows` are `ranks_of` the
    dataset; None if there are none.
    """
    if not len(rows):
        return None
    tasks = {rows.names["task"][code] for code in np.unique(rows["task"]).tolist()}
    answers = ANSWERS in tasks
    task = {ANSWERS if answers else QUESTIONS}
    languages = languages_of(results, dataset)
    runs = [_first_run(results, label) for label in results.checkpoints]
    pools = {"own": ("monolingual", "cross-lingual")}
    if answers:
        pools = {"all": ("multilingual",), **pools}
    ranks = {
        name: [
            _ranks(rows.where(task=task, checkpoint={run}, setting=settings), languages)
            for run in runs
        ]
        for name, settings in pools.items()
    }
    once = next(iter(pools.values()))  # names each passage of a query
    relevant = rows.where(task=task, checkpoint={runs[0]}, setting=once)
    shown = _limited(_choose(results, rows, next(iter(ranks.values())), len(languages) ** 2))
    return {
        "answers": answers, "upper": UPPER, "each": SHOWN,
        "histograms": {
            name: [_histogram(one, len(languages) ** 2) for one in of] for name, of in ranks.items()
        },
        **described(results, dataset, shown, relevant),
    }  # fmt: skip


def _first_run(results: Results, label: str) -> str:
    """Label of a checkpoint in the table of ranks: of several runs of a strategy, the first."""
    entry = next(one for one in results.provenance["checkpoints"] if one["label"] == label)
    return entry["runs"][0]["label"] if entry.get("runs") else label


def _ranks(rows: Coded, languages: list[str]) -> Ranks:
    def places(column: str) -> Array:
        known = {code: i for i, code in enumerate(languages)}
        return np.array([known.get(name, -1) for name in rows.names[column]])[rows[column]]

    pair = places("query_language") * len(languages) + places("passage_language")
    query, passage = rows["query"].astype(np.int64), rows["passage"].astype(np.int64)
    order = np.argsort(query * len(rows.names["passage"]) + passage, kind="stable")
    return Ranks(pair[order], query[order], passage[order], rows["rank"][order])


def _histogram(ranks: Ranks, size: int) -> list[int]:
    """Count ranks by pair and bar, (pairs × bars), pair by pair."""
    bars = len(UPPER) + 1
    bar = np.searchsorted(UPPER, ranks.rank)
    return np.bincount(ranks.pair * bars + bar, minlength=size * bars).tolist()


def _choose(
    results: Results, rows: Coded, ranks: list[Ranks], size: int
) -> list[tuple[int, float, Shown]]:
    """Choose queries of every pair; each with its place in its pair and how much it changed."""
    of = dict(zip(results.checkpoints, ranks, strict=True))
    before = of[results.baseline]
    found: list[tuple[int, float, Shown]] = []
    for candidate, label in enumerate(candidates_of(results) or [results.baseline]):
        after = of[label]
        assert np.array_equal(before.query, after.query)
        change = np.log2(after.rank) - np.log2(before.rank)
        # Of one checkpoint alone, the worst ranks.
        ways = [(change, SHOWN), (-change, SHOWN)] if candidates_of(results) else [
            (np.log2(after.rank), 2 * SHOWN)
        ]  # fmt: skip
        for sizes, most in ways:
            for row, place in _most(before.pair, sizes, size, most):
                query = rows.names["query"][before.query[row]]
                passage = rows.names["passage"][before.passage[row]]
                pair = int(before.pair[row])
                ranks_of = int(before.rank[row]), int(after.rank[row])
                one = Shown(pair, candidate, query, passage, *ranks_of)
                found.append((place, float(sizes[row]), one))
    return found


def _most(pair: Array, sizes: Array, n_pairs: int, most: int) -> list[tuple[int, int]]:
    """Rows with the largest positive sizes of each pair, at most `most`, with their places."""
    order = np.argsort(pair, kind="stable")
    starts = np.searchsorted(pair[order], np.arange(n_pairs + 1))
    found: list[tuple[int, int]] = []
    for i in range(n_pairs):
        own = order[starts[i] : starts[i + 1]]
        if len(own) > most:
            # Equal ones by row, so that the same run gives the same page.
            least = -np.partition(-sizes[own], most - 1)[most - 1]
            own = own[sizes[own] >= least]
        own = own[np.argsort(-sizes[own], kind="stable")][:most]
        found += [(int(row), place) for place, row in enumerate(own) if sizes[row] > 0]
    return found


def _limited(chosen: list[tuple[int, float, Shown]]) -> list[Shown]:
    """Leave out what goes beyond MOST_QUERIES, the least changed of every pair first."""
    kept: list[Shown] = []
    queries: set[tuple[str, int]] = set()
    for _, _, one in sorted(chosen, key=lambda entry: (entry[0], -entry[1], entry[2].pair)):
        known = (one.query, one.candidate)
        if known in queries or len(queries) < MOST_QUERIES:
            queries.add(known)
            kept.append(one)
    return kept

"""Texts of the queries that the page shows, and what each checkpoint found for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from alignkit.figures.selection import candidates_of, where
from alignkit.report.coded import Coded, listed
from alignkit.tables import Results

if TYPE_CHECKING:
    from alignkit.report.questions import Shown

LONGEST = 400  # characters of a text; longer ones are cut, and end in an ellipsis


@dataclass(frozen=True)
class Parallel:
    """Which query, and which passage that answers it, stands in the reader's language.

    `query` and `passage` lead from an id to that of the parallel text, `answers` are the ids of
    the passages that answer a query. A passage that answers no query has no parallel known.
    """

    query: dict[str, str]
    passage: dict[str, str]
    answers: dict[str, set[str]]

    @staticmethod
    def of(rows: Coded, reader: str, queries: set[str], passages: set[str]) -> "Parallel":
        """Read them off rows of relevant passages, for some queries and passages."""
        read = {
            name: rows.where(**{f"{name}_language": {reader}}).leads("parallel_id", name)
            for name in ("query", "passage")
        }
        asked, found = rows.where(query=queries), rows.where(passage=passages)
        of = {
            "query": asked.leads("query", "parallel_id"),
            "passage": found.leads("passage", "parallel_id"),
        }
        parallel = {
            name: {
                one: read[name][question] for one, question in own.items() if question in read[name]
            }
            for name, own in of.items()
        }
        answers: dict[str, set[str]] = {}
        for query, passage in asked.pairs("query", "passage"):
            answers.setdefault(query, set()).add(passage)
        return Parallel(parallel["query"], parallel["passage"], answers)


class Shelf:
    """Texts by number, each once; a class because it numbers them as they are asked for."""

    def __init__(self, texts: pd.DataFrame) -> None:
        self.entries: list[tuple[str, str, str | None]] = []  # id, language, text
        self._numbers: dict[str, int] = {}
        self._texts: dict[str, str] = dict(zip(*_lists(texts, "id", "text"), strict=True))

    def number(self, name: str) -> int:
        """Give the number of a text's id; its language is what stands before the colon."""
        if name not in self._numbers:
            self._numbers[name] = len(self.entries)
            language = name.partition(":")[0]
            self.entries.append((name, language, cut(self._texts.get(name))))
        return self._numbers[name]


def _lists(table: pd.DataFrame, *columns: str) -> list[list[str]]:
    return [listed(table[name]) for name in columns]


def cut(text: str | None, longest: int = LONGEST) -> str | None:
    """Shorten a long text.

    >>> cut("ab cd", 3)
    'ab …'
    """
    return text if text is None or len(text) <= longest else text[:longest].rstrip() + " …"


def described(
    results: Results, dataset: str, shown: "Sequence[Shown]", rows: Coded
) -> dict[str, Any]:
    """Give numbers to the texts of queries, of their best passages, and of the parallels of both.

    `shown` has, by pair, `[query, candidate, passage, rank before, rank after]`; `hits`, by
    checkpoint and query, the best passages and whether each answers the query. `rows` are all
    relevant passages.
    """
    texts = where(results.texts, dataset=dataset)
    shelves = {role: Shelf(where(texts, role=role)) for role in ("query", "passage")}
    answers = any(len(of) for of in (results.hits, where(texts, role="passage")))
    queries, passages = shelves["query"], shelves["passage" if answers else "query"]
    by_pair: dict[int, list[list[int]]] = {}
    for one in shown:
        numbers = [queries.number(one.query), one.candidate, passages.number(one.passage)]
        by_pair.setdefault(one.pair, []).append([*numbers, one.before, one.after])
    hits = _hits(results, dataset, shown)
    found = {name for of in hits.values() for names in of.values() for name in names}
    parallel = Parallel.of(
        rows, results.reader_language, {one.query for one in shown},
        found | {one.passage for one in shown},
    )  # fmt: skip
    numbered = {
        checkpoint: {
            queries.number(query): [
                [passages.number(passage), int(passage in parallel.answers.get(query, ()))]
                for passage in best
            ]
            for query, best in of.items()
        }
        for checkpoint, of in hits.items()
    }
    parallels = {
        "query_parallels": _parallels(queries, parallel.query),
        "passage_parallels": _parallels(passages, parallel.passage),
    }
    return {
        "shown": by_pair, "hits": numbered, **parallels,
        "queries": queries.entries, "passages": passages.entries,
        "queries_shown": len({one.query for one in shown}), "longest": LONGEST,
    }  # fmt: skip


def _parallels(shelf: Shelf, parallel: dict[str, str]) -> list[int]:
    """Find the number of each text's parallel on the same shelf, -1 where none is known."""
    known = [name for name, *_ in shelf.entries]
    return [shelf.number(parallel[name]) if name in parallel else -1 for name in known]


def _hits(
    results: Results, dataset: str, shown: "Sequence[Shown]"
) -> dict[int, dict[str, list[str]]]:
    """Best passages of the queries shown, by checkpoint, of those that are compared on them."""
    table = where(results.hits, dataset=dataset)
    candidates = candidates_of(results) or [results.baseline]
    asked: dict[str, set[str]] = {label: set() for label in results.checkpoints}
    for one in shown:
        asked[results.baseline].add(one.query)
        asked[candidates[one.candidate]].add(one.query)
    found: dict[int, dict[str, list[str]]] = {}
    everything = {one.query for one in shown}
    table = table.loc[table["query"].isin(everything).to_numpy(bool)]
    for i, label in enumerate(results.checkpoints):
        own = where(table, checkpoint=label).sort_values(["query", "position"])
        of: dict[str, list[str]] = {}
        for query, passage in zip(*_lists(own, "query", "passage"), strict=True):
            if query in asked[label]:
                of.setdefault(query, []).append(passage)
        found[i] = of
    return found

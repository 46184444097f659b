"""From parallel datasets to the training data of the sentence-transformers Trainer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import datasets
import numpy as np
import pandas as pd

from alignkit.errors import AlignkitError
from alignkit.tables import Dataset
from alignkit.training.samplers import ALL_LANGUAGES

Array = np.ndarray


def pairs(sources: Sequence[Dataset], *, negatives: int | None = None) -> datasets.Dataset:
    """Every query with every passage that answers it or a translation of it.

    Texts are held once: the table has their numbers, and a row is looked up when it is read, with
    the columns `query`, `passage` and `negative_1` … `negative_N`. Data that are questions without
    passages give every question with its translations.

    Parameters
    ----------
    sources : datasets to train on together; ids of two of them never mean the same.
    negatives : hard negatives of each pair, in the passage's language, of those that the data have;
        None is 1 where they have any, else 0. Where the query has too few, passages drawn at random
        stand in, which do not answer it.

    Raises
    ------
    AlignkitError
        If there is nothing to train on.
    """
    frames = [_pairs_of(source, place) for place, source in enumerate(sources)]
    lookup = _Lookup()
    if negatives is None:
        negatives = int(any(len(source.negatives) for source in sources))
    columns: dict[str, list[Array]] = {}
    for source, frame in zip(sources, frames, strict=True):
        queries = lookup.add("query", source.queries.frame["text"])
        passages = lookup.add("passage", _passages(source)["text"])
        parts = {
            "query_id": frame["id"].to_numpy(),
            "query_language": frame["query_language"].to_numpy(),
            "passage_language": frame["passage_language"].to_numpy(),
            "query": queries[frame["query_row"]],
            "passage": passages[frame["passage_row"]],
        }
        for k, rows in enumerate(_negative_rows(source, frame, negatives)):
            parts[f"negative_{k + 1}"] = passages[rows]
        for name, values in parts.items():
            columns.setdefault(name, []).append(values)
    return lookup.dataset(columns)


def one_to_k(sources: Sequence[Dataset]) -> datasets.Dataset:
    """Every query with a passage of each of the K languages, in columns `passage_LANGUAGE`.

    For the strategy `one-to-k`. Queries whose answer lacks a language are left out. Of several
    answers in a language, each comes in an example of its own.

    Raises
    ------
    AlignkitError
        If no query has an answer in every language.
    """
    frames = [_pairs_of(source, place) for place, source in enumerate(sources)]
    languages = sorted({code for frame in frames for code in frame["passage_language"].unique()})
    lookup = _Lookup()
    columns: dict[str, list[Array]] = {}
    for source, frame in zip(sources, frames, strict=True):
        queries = lookup.add("query", source.queries.frame["text"])
        passages = lookup.add("passage", _passages(source)["text"])
        whole = _complete(frame, languages)
        parts = {
            "query_id": whole["id"].to_numpy(),
            "query_language": whole["query_language"].to_numpy(),
            "passage_language": np.full(len(whole), ALL_LANGUAGES, object),
            "query": queries[whole["query_row"]],
        }
        for code in languages:
            parts[f"passage_{code}"] = passages[whole[code]]
        for name, values in parts.items():
            columns.setdefault(name, []).append(values)
    return lookup.dataset(columns)


def _pairs_of(source: Dataset, place: int) -> pd.DataFrame:
    """List queries with passages that belong to them.

    Columns `id, query_language, passage_language, query_row, passage_row`.
    """
    task = source.answer_retrieval() if len(source.passages) else source.question_alignment()
    queries, passages = (
        texts.frame.iloc[rows]
        for texts, rows in (
            (task.queries, task.qrels.queries), (task.passages, task.qrels.passages)
        )
    )  # fmt: skip
    return pd.DataFrame(
        {
            "id": [f"{place}/{own}" for own in queries["parallel_id"]],
            "query_language": queries["language"].to_numpy(),
            "passage_language": passages["language"].to_numpy(),
            "query_row": task.qrels.queries,
            "passage_row": task.qrels.passages,
        }
    )


def _passages(source: Dataset) -> pd.DataFrame:
    return source.passages.frame if len(source.passages) else source.queries.frame


def _complete(frame: pd.DataFrame, languages: list[str]) -> pd.DataFrame:
    """One row a query, with its passage row in every language; more where there are more answers.

    A language with fewer answers than another gives its own again.
    """
    keys = ["id", "query_language", "query_row"]
    found = frame.pivot_table(
        values="passage_row", index=keys, columns="passage_language", aggfunc=list
    )
    found = found.reindex(columns=languages).dropna().reset_index()
    rows = [
        {**row, **{code: row[code][k % len(row[code])] for code in languages}}
        for row in found.to_dict(orient="records")
        for k in range(max(len(row[code]) for code in languages))
    ]
    return pd.DataFrame(rows, columns=[*keys, *languages]).astype(
        dict.fromkeys(["query_row", *languages], np.int64)
    )


def _negative_rows(source: Dataset, frame: pd.DataFrame, n: int) -> list[Array]:
    """Passage rows of `n` negatives of every pair."""
    if not n:
        return []
    passage_row = pd.Series(np.arange(len(source.passages)), source.passages.frame["id"])
    parallel = source.queries.frame.set_index("id")["parallel_id"]
    language = source.queries.frame.set_index("id")["language"]
    judged: dict[tuple[str, str], list[int]] = {}
    for query, passage in source.negatives.itertuples(index=False):
        key = (parallel[query], language[query])
        judged.setdefault(key, []).append(int(passage_row[passage]))
    answers = frame.groupby("id")["passage_row"].agg(set)
    pools = {
        code: rows.index.to_numpy() for code, rows in source.passages.frame.groupby("language")
    }
    rng = np.random.default_rng(0)
    chosen = np.empty((n, len(frame)), np.int64)
    for i, (own_id, code) in enumerate(zip(frame["id"], frame["passage_language"], strict=True)):
        rows = judged.get((own_id.partition("/")[2], code), [])[:n]
        chosen[:, i] = rows + _others(pools[code], answers[own_id], n - len(rows), rng)
    return list(chosen)


def _others(pool: Array, answers: set[int], n: int, rng: np.random.Generator) -> list[int]:
    """Draw `n` passages that are no answers."""
    found: list[int] = []
    if n and answers.issuperset(pool.tolist()):
        raise AlignkitError("a query is answered by every passage; train without negatives")
    while len(found) < n:
        row = int(rng.choice(pool))
        if row not in answers:
            found.append(row)
    return found


class _Lookup:
    """The texts of all sources, held once; a class because sources add to it one by one."""

    def __init__(self) -> None:
        self._numbers: dict[str, dict[str, int]] = {"query": {}, "passage": {}}

    def add(self, noun: str, texts: pd.Series) -> Array:
        """Give texts their numbers, equal ones alike, (n,) int32."""
        numbers = self._numbers[noun]
        return np.array([numbers.setdefault(text, len(numbers)) for text in texts], np.int32)

    def dataset(self, columns: dict[str, list[Array]]) -> datasets.Dataset:
        """Make the table and its lookup."""
        if not columns or not sum(map(len, columns["query"])):
            raise AlignkitError(
                "there is no query with an answer to train on; see `alignkit datasets` for data "
                "that have some"
            )
        table = {name: np.concatenate(parts) for name, parts in columns.items()}
        texts = {noun: tuple(numbers) for noun, numbers in self._numbers.items()}
        shown = [name for name in table if not name.endswith(("_id", "_language"))]
        nouns = {name: "query" if name == "query" else "passage" for name in shown}
        # Ids and languages are for the sampler: a batch need not read them.
        return datasets.Dataset.from_dict(table).with_transform(_Texts(texts, nouns), shown)


@dataclass(frozen=True)
class _Texts:
    """Reads texts in place of their numbers; `nouns` gives every column that is shown its list."""

    texts: dict[str, tuple[str, ...]]
    nouns: dict[str, str]

    def __call__(self, batch: dict[str, list[Any]]) -> dict[str, list[str]]:
        return {
            name: [self.texts[noun][number] for number in batch[name]]
            for name, noun in self.nouns.items()
            if name in batch
        }

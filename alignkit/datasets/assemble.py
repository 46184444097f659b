"""From rows to a `Dataset`: the checks that every dataset passes, and its checksum."""

import hashlib
import json
from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from alignkit.errors import AlignkitError
from alignkit.tables import QREL_COLUMNS, TEXT_COLUMNS, Dataset, DatasetCard, Texts


class TextRow(NamedTuple):
    """A query or a passage; `own_id` is its id without the language."""

    language: str
    own_id: str
    text: str

    @property
    def id(self) -> str:
        """The id that is unique in the dataset."""
        return f"{self.language}:{self.own_id}"


class Answer(NamedTuple):
    """A passage answers a query of its own language; both ids are without the language.

    `relevance` is positive; 0 is for a passage that was judged not to answer.
    """

    language: str
    query_id: str
    passage_id: str
    relevance: int = 1


def assemble(
    card: DatasetCard,
    queries: Iterable[TextRow],
    passages: Iterable[TextRow],
    answers: Iterable[Answer],
    *,
    negatives: Iterable[Answer] = (),
    parallel: bool = True,
    notes: Iterable[str] = (),
) -> Dataset:
    """Check the rows and make a `Dataset`, whose rows are sorted by id.

    With `parallel`, queries with one `own_id` are translations of each other; without it, no
    query has a translation. The order of the rows given shows nowhere, so neither ranks nor
    resampling can depend on the order of a file.

    Raises
    ------
    AlignkitError
        If a text is empty, an id stands twice, an answer names an unknown query or passage, or
        there is no query.
    """
    query_texts = _texts(card, "query", queries, parallel=parallel)
    passage_texts = _texts(card, "passage", passages, parallel=None)
    if not len(query_texts):
        raise AlignkitError(f"the dataset {card.name!r} has no queries; give at least one")
    qrels = _qrels(card, answers, query_texts, passage_texts)
    judged_not = _pairs(card, negatives, query_texts, passage_texts)
    tables = [query_texts.frame, passage_texts.frame, qrels]
    return Dataset(
        card=card,
        queries=query_texts,
        passages=passage_texts,
        qrels=qrels,
        checksum=_checksum(*tables, *([judged_not] if len(judged_not) else [])),
        notes=(*notes, *_oddities(query_texts, passage_texts, qrels)),
        negatives=judged_not[QREL_COLUMNS[:2]],
    )


def _texts(
    card: DatasetCard, noun: str, rows: Iterable[TextRow], *, parallel: bool | None
) -> Texts:
    """Texts of queries, or of passages with `parallel` None."""
    seen: dict[str, TextRow] = {}
    for row in rows:
        _check_text(card, noun, row)
        earlier = seen.setdefault(row.id, row)
        if earlier is not row:
            what = "twice" if earlier == row else "with two texts"
            raise AlignkitError(
                f"{card.name}: {noun} {row.id!r} stands {what}; make every id unique within its "
                "language"
            )
    link = {None: lambda _: "", True: lambda row: row.own_id, False: lambda row: row.id}[parallel]
    frame = pd.DataFrame(
        [(row.id, row.language, link(row), row.text) for _, row in sorted(seen.items())],
        columns=TEXT_COLUMNS,
        dtype="str",
    )
    return Texts(frame)


def _check_text(card: DatasetCard, noun: str, row: TextRow) -> None:
    if not row.text.strip():
        raise AlignkitError(
            f"{card.name}: the text of {noun} {row.id!r} is empty; write one or leave it out"
        )
    try:
        f"{row.id}{row.text}".encode()
    except UnicodeEncodeError as error:  # JSON's \\ud83d without its other half
        raise AlignkitError(
            f"{card.name}: {noun} {row.id!a} has half of a surrogate pair; write the character "
            "whole"
        ) from error


def _qrels(
    card: DatasetCard, answers: Iterable[Answer], queries: Texts, passages: Texts
) -> pd.DataFrame:
    answers = list(answers)
    assert all(answer.relevance > 0 for answer in answers), "a passage judged not to answer"
    return _pairs(card, answers, queries, passages)


def _pairs(
    card: DatasetCard, answers: Iterable[Answer], queries: Texts, passages: Texts
) -> pd.DataFrame:
    """Answers with full ids, each once: QREL_COLUMNS, sorted."""
    known = {"query": set(queries.frame["id"]), "passage": set(passages.frame["id"])}
    rows: dict[tuple[str, str], int] = {}
    for answer in answers:
        ids = {
            "query": f"{answer.language}:{answer.query_id}",
            "passage": f"{answer.language}:{answer.passage_id}",
        }
        for noun, text_id in ids.items():
            if text_id not in known[noun]:
                raise AlignkitError(
                    f"{card.name}: an answer names the {noun} {text_id!r}, which is not there; add "
                    "its text or leave the answer out"
                )
        pair = (ids["query"], ids["passage"])
        if pair in rows:
            raise AlignkitError(
                f"{card.name}: the answer {pair[1]!r} to {pair[0]!r} stands twice; leave one out"
            )
        rows[pair] = answer.relevance
    frame = pd.DataFrame(sorted(rows), columns=QREL_COLUMNS[:2], dtype="str")
    return frame.assign(relevance=pd.Series([rows[pair] for pair in sorted(rows)], dtype="int64"))


def _checksum(*tables: pd.DataFrame) -> str:
    """Digest of the tables' rows in their order, as JSON: no separator can be forged."""
    digest = hashlib.sha256()
    for table in tables:
        rows = [list(table.columns), *table.to_numpy().tolist()]
        digest.update(json.dumps(rows, ensure_ascii=False).encode() + b"\n")
    return digest.hexdigest()


def _oddities(queries: Texts, passages: Texts, qrels: pd.DataFrame) -> list[str]:
    notes: list[str] = []
    repeats = len(passages) - len(set(passages.frame["text"]))
    if repeats:
        notes.append(f"passages that repeat another's text, so that scores are equal: {repeats}")
    unanswered = len(set(queries.frame["id"]) - set(qrels["query_id"]))
    if unanswered and len(passages):
        notes.append(f"queries without a relevant passage in their own language: {unanswered}")
    return notes

"""From rows to a `Dataset`: the checks that every dataset passes, and its checksum."""

from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from alignkit.datasets.streaming import checksum, collect, count_repeats
from alignkit.errors import AlignkitError
from alignkit.tables import QREL_COLUMNS, Dataset, DatasetCard, Texts

NAMED = 5  # ids that a note spells out


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

    @property
    def query(self) -> str:
        """The query's id that is unique in the dataset."""
        return f"{self.language}:{self.query_id}"

    @property
    def passage(self) -> str:
        """The passage's id that is unique in the dataset."""
        return f"{self.language}:{self.passage_id}"


def assemble(
    card: DatasetCard,
    queries: Iterable[TextRow],
    passages: Iterable[TextRow],
    answers: Iterable[Answer],
    *,
    negatives: Iterable[Answer] = (),
    parallel: bool = True,
    unfindable: bool = False,
    notes: Iterable[str] = (),
) -> Dataset:
    """Check the rows and make a `Dataset`, whose rows are sorted by id.

    With `parallel`, queries with one `own_id` are translations of each other; without it, no
    query has a translation. The order of the rows given shows nowhere, so neither ranks nor
    resampling can depend on the order of a file.

    `passages` may be a stream of millions: no row of it is kept but in the columns of the table.
    With `unfindable`, for data without parallel queries, a judgement may name a passage that is
    not there: it is counted and named in a note, and one that answers stays among the answers
    that are to be found (`Dataset.unfindable`).

    Raises
    ------
    AlignkitError
        If a text is empty, an id stands twice, an answer names an unknown query or passage, a
        passage is judged to answer a query and not to, or there is no query.
    """
    assert not (parallel and unfindable), "an answer to all translations must be there"
    query_texts = _texts(card, "query", queries, parallel=parallel)
    passage_texts = _texts(card, "passage", passages, parallel=None)
    if not len(query_texts):
        raise AlignkitError(f"the dataset {card.name!r} has no queries; give at least one")
    answers, negatives = list(answers), list(negatives)
    assert all(answer.relevance > 0 for answer in answers), "a passage judged not to answer"
    _check_judgements(card, answers, negatives)
    gone: frozenset[Answer] = frozenset()
    if unfindable:
        there = _known(passage_texts, {one.passage for one in [*answers, *negatives]})
        gone = frozenset(one for one in [*answers, *negatives] if one.passage not in there)
    qrels = _pairs(card, answers, query_texts, passage_texts, gone)
    judged_not = _pairs(card, negatives, query_texts, passage_texts, gone)
    lost = _pairs(card, [one for one in answers if one in gone], query_texts, None)
    tables = [query_texts.frame, passage_texts.frame, qrels]
    tables += [table for table in (judged_not, lost) if len(table)]
    return Dataset(
        card=card,
        queries=query_texts,
        passages=passage_texts,
        qrels=qrels,
        checksum=checksum(*tables),
        notes=(*notes, *_oddities(query_texts, passage_texts, qrels), *_lost(gone)),
        negatives=judged_not[QREL_COLUMNS[:2]],
        unfindable=lost,
    )


def _texts(
    card: DatasetCard, noun: str, rows: Iterable[TextRow], *, parallel: bool | None
) -> Texts:
    """Texts of queries, or of passages with `parallel` None."""
    link = {None: lambda _: "", True: lambda row: row.own_id, False: lambda row: row.id}[parallel]

    def checked() -> Iterable[tuple[str, str, str, str]]:
        for row in rows:
            _check_text(card, noun, row)
            yield row.id, row.language, link(row), row.text

    frame, again = collect(checked())
    if again is not None:
        one, other = again
        what = "twice" if one == other else "with two texts"
        raise AlignkitError(
            f"{card.name}: {noun} {one[0]!r} stands {what}; make every id unique within its "
            "language"
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


def _known(texts: Texts, wanted: set[str]) -> set[str]:
    """Choose the ids that are there."""
    ids = texts.frame["id"]
    return set(ids[ids.isin(list(wanted))])


def _check_judgements(card: DatasetCard, answers: list[Answer], negatives: list[Answer]) -> None:
    """Refuse a pair that was judged both ways, be its passage there or not."""
    both = {one[:3] for one in negatives} & {one[:3] for one in answers}
    if both:
        one = Answer(*min(both))
        raise AlignkitError(
            f"{card.name}: {one.passage!r} is judged to answer {one.query!r} and not to answer it; "
            "leave one judgement out"
        )


def _pairs(
    card: DatasetCard,
    answers: list[Answer],
    queries: Texts,
    passages: Texts | None,
    gone: frozenset[Answer] = frozenset(),
) -> pd.DataFrame:
    """Answers with full ids but those that are gone, each once: QREL_COLUMNS, sorted."""
    known = {"query": _known(queries, {answer.query for answer in answers})}
    if passages is not None:
        known["passage"] = _known(passages, {answer.passage for answer in answers})
    rows: dict[tuple[str, str], int] = {}
    for answer in answers:
        ids = {"query": answer.query, "passage": answer.passage}
        for noun, there in known.items():
            if ids[noun] not in there and not (noun == "passage" and answer in gone):
                raise AlignkitError(
                    f"{card.name}: an answer names the {noun} {ids[noun]!r}, which is not there; "
                    "add its text or leave the answer out"
                )
        if answer in gone:
            continue
        pair = (answer.query, answer.passage)
        if pair in rows:
            raise AlignkitError(
                f"{card.name}: the answer {pair[1]!r} to {pair[0]!r} stands twice; leave one out"
            )
        rows[pair] = answer.relevance
    frame = pd.DataFrame(sorted(rows), columns=QREL_COLUMNS[:2], dtype="str")
    return frame.assign(relevance=pd.Series([rows[pair] for pair in sorted(rows)], dtype="int64"))


def _oddities(queries: Texts, passages: Texts, qrels: pd.DataFrame) -> list[str]:
    notes: list[str] = []
    repeats = count_repeats(passages.frame["text"])
    if repeats:
        notes.append(f"passages that repeat another's text, so that scores are equal: {repeats}")
    unanswered = len(set(queries.frame["id"]) - set(qrels["query_id"]))
    if unanswered and len(passages):
        notes.append(f"queries without a relevant passage in their own language: {unanswered}")
    return notes


def _lost(gone: frozenset[Answer]) -> list[str]:
    """Count and name what was judged and is not in the corpus."""
    notes: list[str] = []
    for what, ids in (
        ("relevant passages that are not in the corpus, counted as not found",
         sorted({one.passage for one in gone if one.relevance > 0})),
        ("passages judged not relevant that are not in the corpus",
         sorted({one.passage for one in gone if one.relevance == 0})),
    ):  # fmt: skip
        if ids:
            more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
            notes.append(f"{what}: {len(ids)} ({', '.join(ids[:NAMED])}{more})")
    return notes

"""LAReQA's layout, which XQuAD-R and MLQA-R share: SQuAD's JSON with sentence boundaries.

Not a dataset itself, but how one language's file is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

from alignkit.datasets.assemble import Answer, TextRow
from alignkit.datasets.reading import read_json
from alignkit.errors import AlignkitError

BYTE_ORDER_MARK = "\ufeff"
T = TypeVar("T")


class Counts(NamedTuple):
    """Size of one language's file."""

    questions: int
    candidates: int

    def __str__(self) -> str:
        return f"{self.questions:,} questions and {self.candidates:,} candidates"


@dataclass
class LanguageRows:
    """What one file holds; a class because it is filled while the file is read."""

    queries: list[TextRow] = field(default_factory=list[TextRow])
    passages: list[TextRow] = field(default_factory=list[TextRow])
    answers: list[Answer] = field(default_factory=list[Answer])
    between_sentences: int = 0  # answers that start in no sentence
    misplaced: int = 0  # answers whose text does not stand at their offset

    @property
    def counts(self) -> Counts:
        """Size of the file."""
        return Counts(len(self.queries), len(self.passages))


class _Paragraph(NamedTuple):
    place: str  # for errors
    own_id: str  # "{article}-{paragraph}"
    context: str
    sentences: list[str]
    breaks: list[list[int]]  # start and end of each sentence in the context


def read_language(
    path: Path, language: str, *, with_context: bool, articles: Sequence[range] | None = None
) -> LanguageRows:
    """Read one language's file, or those of its articles whose place in it is in a range.

    Every sentence of every paragraph is a passage with the id `{article}-{paragraph}-{sentence}`,
    counted from 0 in the file; with `with_context` its text is the sentence, a newline and the
    whole paragraph. A query's id is the published one. Its relevant passage is the sentence in
    which an answer starts: start <= answer_start < end. An answer that starts between two
    sentences counts to the second, one behind the last to the last; XQuAD-R has neither. An answer
    may run on into the next sentence, which does not count.

    Raises
    ------
    AlignkitError
        If the file has another layout or fewer articles, or an answer starts outside its
        paragraph.
    """
    rows = LanguageRows()
    data = _get(read_json(path), "data", list, str(path))
    beyond = max((span[-1] for span in articles or ()), default=-1)
    if beyond >= len(data):
        raise AlignkitError(
            f"{path} has {len(data)} articles and no article {beyond}; they are counted from 0, so "
            f"the last is {len(data) - 1}"
        )
    for i, article in enumerate(data):
        if articles is not None and not any(i in span for span in articles):
            continue
        place = f"{path}, article {i}"
        for j, entry in enumerate(_get(article, "paragraphs", list, place)):
            paragraph = _paragraph(entry, f"{place}, paragraph {j}", f"{i}-{j}")
            rows.passages += _passages(paragraph, language, with_context=with_context)
            for question in _get(entry, "qas", list, paragraph.place):
                _add_question(rows, question, paragraph, language)
    return rows


def _paragraph(entry: object, place: str, own_id: str) -> _Paragraph:
    sentences = _get(entry, "sentences", list, place)
    breaks = _get(entry, "sentence_breaks", list, place)
    if len(sentences) != len(breaks) or not breaks:
        raise AlignkitError(
            f"{place}: {len(sentences)} sentences and {len(breaks)} sentence_breaks; make them as "
            "many, at least one"
        )
    for sentence, ends in zip(sentences, breaks, strict=True):
        if not (isinstance(sentence, str) and _is_span(ends)):
            raise AlignkitError(
                f"{place}: sentence {sentence!r} with the break {ends!r}; write a text and "
                "[start, end]"
            )
    return _Paragraph(place, own_id, _get(entry, "context", str, place), sentences, breaks)


def _is_span(ends: object) -> bool:
    return isinstance(ends, list) and len(ends) == 2 and all(isinstance(end, int) for end in ends)


def _passages(paragraph: _Paragraph, language: str, *, with_context: bool) -> list[TextRow]:
    # Some contexts begin with a byte-order mark, and the offsets count it. So it stays in
    # `paragraph` and goes only here, from what models read: it says nothing.
    context = paragraph.context.replace(BYTE_ORDER_MARK, "")
    texts = [sentence.replace(BYTE_ORDER_MARK, "") for sentence in paragraph.sentences]
    if with_context:
        texts = [f"{text}\n{context}" for text in texts]
    own_ids = [f"{paragraph.own_id}-{k}" for k in range(len(texts))]
    return [TextRow(language, *row) for row in zip(own_ids, texts, strict=True)]


def _add_question(
    rows: LanguageRows, question: object, paragraph: _Paragraph, language: str
) -> None:
    query_id = _get(question, "id", str, paragraph.place)
    place = f"{paragraph.place}, question {query_id!r}"
    text = _get(question, "question", str, place)
    rows.queries.append(TextRow(language, query_id, text.replace(BYTE_ORDER_MARK, "")))
    relevant: set[int] = set()
    for answer in _get(question, "answers", list, place):
        start = _get(answer, "answer_start", int, place)
        if not 0 <= start < len(paragraph.context):
            raise AlignkitError(
                f"{place}: answer_start {start} is outside the paragraph of "
                f"{len(paragraph.context)} characters; correct it or fetch the file again"
            )
        sentence = _sentence_at(paragraph, start)
        begin, end = paragraph.breaks[sentence]
        relevant.add(sentence)
        rows.between_sentences += not begin <= start < end
        rows.misplaced += not paragraph.context.startswith(_get(answer, "text", str, place), start)
    rows.answers += [Answer(language, query_id, f"{paragraph.own_id}-{k}") for k in relevant]


def _sentence_at(paragraph: _Paragraph, start: int) -> int:
    ends = [end for _, end in paragraph.breaks]
    return next((k for k, end in enumerate(ends) if start < end), len(ends) - 1)


def _get(entry: object, key: str, kind: type[T], place: str) -> T:
    """Take `key` of a JSON object, which must be of this kind."""
    value = entry.get(key) if isinstance(entry, dict) else None
    if not isinstance(value, kind):
        raise AlignkitError(
            f"{place}: no {key!r}, or of another type; give LAReQA's files, which add the "
            "sentences to XQuAD's and MLQA's own"
        )
    return value

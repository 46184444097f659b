"""MIRACL: questions of 18 languages, each against the Wikipedia of its language."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from alignkit.datasets import Request, dataset
from alignkit.datasets.assemble import Answer, TextRow, assemble
from alignkit.datasets.miracl_files import COMMITS, NAME, PASSAGES, Files, find_files, no_corpus
from alignkit.datasets.packed import read_lines, read_objects, text_of
from alignkit.datasets.placed import PlacedText, Source
from alignkit.errors import AlignkitError
from alignkit.tables import Dataset, DatasetCard

CARD = DatasetCard(
    name=NAME,
    title="MIRACL v1.0",
    languages=tuple(PASSAGES),
    licence="Apache 2.0; the passages are of Wikipedia, CC BY-SA",
    source=(
        "Zhang et al. 2023, TACL; huggingface.co/datasets/miracl/miracl at "
        f"{COMMITS['miracl'][:8]} and miracl-corpus at {COMMITS['miracl-corpus'][:8]}"
    ),
    description=(
        "Questions that speakers asked of the Wikipedia of their language, judged by speakers. "
        "Several languages are loaded as one pool for each and one of all. No question is a "
        "translation of another. A passage's text is its title, a blank and its text, as mDPR, "
        "MIRACL's dense baseline, reads it (BM25 has a line break there). The judged passages that "
        "do not answer are kept as hard negatives. Of the splits, test is another word for dev, "
        "on which MIRACL is reported: the judgements of its test sets are not public. A folder "
        "has the published layout, or topics and qrels flat beside each other; name the languages "
        "that are to be downloaded, since all 18 have 106 million passages."
    ),
    splits=("test", "dev", "train"),
)


def _sources(path: Path | None, request: Request) -> Iterator[Source]:
    for files in find_files(path, request):
        topics, language = files.topics, files.language
        yield Source(
            topics,
            (
                PlacedText("query", language, own_id, "", text, line)
                for line, own_id, text in _topics(topics)
            ),
        )
        for file in files.corpus:
            yield Source(
                file,
                (
                    PlacedText("passage", language, own_id, "", text, line)
                    for line, own_id, text in _passages(file)
                ),
            )


@dataset(CARD, sources=_sources)
def load(path: Path | None, request: Request) -> Dataset:
    """Read topics, qrels and corpora of the languages.

    A judged passage that the corpus lacks is counted and named in a note; a relevant one counts as
    not found, as trec_eval has it.
    """
    found = find_files(path, request)
    for files in found:
        if not files.corpus:
            raise AlignkitError(no_corpus(files, path))
    queries: list[TextRow] = []
    judged: list[Answer] = []
    for files in found:
        lines = {own_id: (line, text) for line, own_id, text in _topics(files.topics)}
        own = list(_judgements(files))
        _check_topics(files, lines, own)
        queries += [TextRow(files.language, own_id, text) for own_id, (_, text) in lines.items()]
        judged += own
    counts: dict[str, int] = {}
    return assemble(
        CARD,
        queries,
        _stream(found, counts, request),
        [one for one in judged if one.relevance],
        negatives=[one for one in judged if not one.relevance],
        parallel=False,
        unfindable=True,
        notes=_counted(counts),
    )


def _counted(counts: dict[str, int]) -> Iterator[str]:
    """Tell, once the corpora have been read, which are not as large as published."""
    for language, n in counts.items():
        if n != PASSAGES[language]:
            yield f"corpus of {language}: {n:,} passages, published were {PASSAGES[language]:,}"


def _topics(file: Path) -> Iterator[tuple[int, str, str]]:
    """Lines `id TAB question`, numbered."""
    for line, text in read_lines(file):
        own_id, tab, query = text.partition("\t")
        if not text.strip():
            continue
        if not tab:
            raise AlignkitError(f"{file}, line {line}: no tab between a topic's id and its text")
        yield line, own_id, query


def _judgements(files: Files) -> Iterator[Answer]:
    """Lines `topic Q0 passage relevance`."""
    for line, text in read_lines(files.qrels):
        if not text.strip():
            continue
        fields = text.split()
        if len(fields) != 4 or not fields[3].isdecimal():
            raise AlignkitError(
                f"{files.qrels}, line {line}: {text!r} is no judgement; write topic, Q0, passage "
                "and relevance (0 or higher), with tabs"
            )
        yield Answer(files.language, fields[0], fields[2], int(fields[3]))


def _check_topics(files: Files, lines: dict[str, tuple[int, str]], judged: list[Answer]) -> None:
    """Refuse a topic without a judgement, and a judgement without a topic."""
    named = {one.query_id for one in judged}
    for own_id, (line, _) in lines.items():
        if own_id not in named:
            raise AlignkitError(
                f"{files.topics}, line {line}: the topic {own_id!r} has no judgement in "
                f"{files.qrels}; add one there, or remove the topic"
            )
    for own_id in sorted(named - lines.keys()):
        raise AlignkitError(
            f"{files.qrels} judges the topic {own_id!r}, which is not in {files.topics}; add the "
            "topic, or remove its judgements"
        )


def _passages(file: Path) -> Iterator[tuple[int, str, str]]:
    """Line, id and text of every passage; no title, no blank."""
    for line, row in read_objects(file):
        place = f"{file}, line {line}"
        own_id, title, text = (text_of(row, name, place) for name in ("docid", "title", "text"))
        yield line, own_id, f"{title} {text}".strip()


def _stream(found: Iterable[Files], counts: dict[str, int], request: Request) -> Iterator[TextRow]:
    """Read the corpora one after the other, and count their passages."""
    for files in found:
        language, n = files.language, 0
        with request.reporter.bar(
            f"reading {CARD.name}, {language}", PASSAGES[language]
        ) as advance:
            for file in files.corpus:
                for _, own_id, text in _passages(file):
                    n += 1
                    if n % 1000 == 0:
                        advance(1000)
                    yield TextRow(language, own_id, text)
        counts[language] = n

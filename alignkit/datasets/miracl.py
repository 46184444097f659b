"""MIRACL: questions of 18 languages, each against the Wikipedia of its language."""

from collections.abc import Iterable, Iterator
from math import ceil
from pathlib import Path
from typing import NamedTuple

from alignkit.datasets import PlacedText, Request, Source, choose_languages, dataset
from alignkit.datasets.assemble import Answer, TextRow, assemble
from alignkit.datasets.download import address, keep
from alignkit.datasets.packed import known_checksums, read_lines, read_objects, text_of
from alignkit.errors import AlignkitError
from alignkit.tables import Dataset, DatasetCard

PASSAGES = {
    "ar": 2_061_414, "bn": 297_265, "de": 15_866_222, "en": 32_893_221, "es": 10_373_953,
    "fa": 2_207_172, "fi": 1_883_509, "fr": 14_636_953, "hi": 506_264, "id": 1_446_315,
    "ja": 6_953_614, "ko": 1_486_752, "ru": 9_543_918, "sw": 131_924, "te": 518_079,
    "th": 542_166, "yo": 49_043, "zh": 4_934_368,
}  # fmt: skip
IN_A_FILE = 500_000  # passages
HUB = "https://huggingface.co/datasets/miracl"
COMMITS = {
    "miracl": "5be20db9509754dadad47689368639fcec739c00",
    "miracl-corpus": "d921ec7e349ce0d28daf30b2da9da5ee698bef0d",
}
CHECKSUMS = Path(__file__).with_name("miracl_dev.sha256")  # of topics and qrels; sha256sum's format

CARD = DatasetCard(
    name="miracl",
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


class _Files(NamedTuple):
    """The files of one language."""

    language: str
    topics: Path
    qrels: Path
    corpus: list[Path]


def _sources(path: Path | None, request: Request) -> Iterator[Source]:
    for files in _find(path, request):
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
    found = _find(path, request)
    for files in found:
        if not files.corpus:
            raise AlignkitError(_no_corpus(files, path))
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


def _find(path: Path | None, request: Request) -> list[_Files]:
    split = "dev" if request.split == "test" else request.split
    if path is None:
        if request.languages is None:
            raise AlignkitError(
                f"all 18 corpora of MIRACL have {sum(PASSAGES.values()):,} passages; name the "
                "languages to download, as in --languages sw,yo"
            )
        languages = choose_languages(CARD.name, PASSAGES, request)
        folder = request.cache_folder / "datasets" / CARD.name
        for language in languages:
            _download(folder, language, split, request)
    else:
        folder = path
        present = [one for one in PASSAGES if _place(folder, "topics", one, split)]
        if not present:
            raise AlignkitError(
                f"{folder} has no {_below('topics', 'sw', split)} or that of another language; "
                f"give the folder that holds the splits of MIRACL, or another split than {split!r}"
            )
        languages = choose_languages(CARD.name, present, request)
    return [_own(folder, language, split) for language in languages]


def _below(kind: str, language: str, split: str) -> str:
    return f"miracl-v1.0-{language}/{kind}/{kind}.miracl-v1.0-{language}-{split}.tsv"


def _roots(folder: Path) -> list[Path]:
    """Where the two published folders may lie, side by side or as their repositories."""
    return [folder, folder / "miracl", folder / "miracl-corpus"]


def _place(folder: Path, kind: str, language: str, split: str) -> Path | None:
    below = _below(kind, language, split)
    for root in _roots(folder):
        for file in (root / below, root / Path(below).name):
            if file.is_file():
                return file
    return None


def _own(folder: Path, language: str, split: str) -> _Files:
    topics, qrels = (_place(folder, kind, language, split) for kind in ("topics", "qrels"))
    if topics is None or qrels is None:
        missing = _below("qrels" if topics else "topics", language, split)
        raise AlignkitError(
            f"{folder} has no {missing}; put it there from {HUB}/miracl, or choose another split"
        )
    shards: dict[int, Path] = {}
    for root in _roots(folder):
        for file in root.glob(f"miracl-corpus-v1.0-{language}/docs-*.jsonl.gz"):
            number = file.name.removeprefix("docs-").removesuffix(".jsonl.gz")
            if number.isdecimal():
                shards.setdefault(int(number), file)
    for number in range(max(shards, default=-1) + 1):
        if number not in shards:
            raise AlignkitError(
                f"{shards[max(shards)].parent} has no docs-{number}.jsonl.gz; fetch it again"
            )
    return _Files(language, topics, qrels, [shards[number] for number in sorted(shards)])


def _no_corpus(files: _Files, path: Path | None) -> str:
    name = f"miracl-corpus-v1.0-{files.language}/docs-*.jsonl.gz"
    return (
        f"{path} has topics and qrels, but no corpus of {files.language!r}: put {name} there from "
        f"{HUB}/miracl-corpus, or write 'miracl' without a path to download it; `alignkit datasets "
        "check` reads the topics alone"
    )


def _topics(file: Path) -> Iterator[tuple[int, str, str]]:
    """Lines `id TAB question`, numbered."""
    for line, text in read_lines(file):
        own_id, tab, query = text.partition("\t")
        if not text.strip():
            continue
        if not tab:
            raise AlignkitError(f"{file}, line {line}: no tab between a topic's id and its text")
        yield line, own_id, query


def _judgements(files: _Files) -> Iterator[Answer]:
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


def _check_topics(files: _Files, lines: dict[str, tuple[int, str]], judged: list[Answer]) -> None:
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


def _stream(found: Iterable[_Files], counts: dict[str, int], request: Request) -> Iterator[TextRow]:
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


def _download(folder: Path, language: str, split: str, request: Request) -> None:
    """See to it that the published files of a language lie in the cache, whole."""
    known = known_checksums(CHECKSUMS)
    n_files = ceil(PASSAGES[language] / IN_A_FILE)
    files = [("miracl", _below(kind, language, split)) for kind in ("topics", "qrels")]
    files += [
        ("miracl-corpus", f"miracl-corpus-v1.0-{language}/docs-{i}.jsonl.gz")
        for i in range(n_files)
    ]
    for repository, below in files:
        published = f"{HUB}/{repository}/resolve/{COMMITS[repository]}"
        keep(
            address(published, below, dataset=CARD.name),
            folder / below,
            sha256=known.get(Path(below).name),
            check=lambda file: sum(1 for _ in read_lines(file)),  # its end has a checksum
            offline=request.offline,
            reporter=request.reporter,
        )

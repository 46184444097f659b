"""MKQA: 10,000 questions in 26 languages, all parallel; question-alignment only."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alignkit.datasets import Request, choose_languages, dataset
from alignkit.datasets.assemble import TextRow, assemble
from alignkit.datasets.download import address, keep
from alignkit.datasets.packed import read_objects
from alignkit.datasets.placed import PlacedText, Source
from alignkit.errors import AlignkitError
from alignkit.languages import normalise
from alignkit.tables import Dataset, DatasetCard

FILE = "mkqa.jsonl.gz"
COMMIT = "651b8cc85c407270b024157aff06ee6ab8c4fc6d"
FOLDER = f"https://github.com/apple/ml-mkqa/raw/{COMMIT}/dataset"
QUESTIONS = 10_000
# The file writes zh_hk and zh_tw, which are different texts in one script: both are kept.
CODES = (
    "ar", "da", "de", "en", "es", "fi", "fr", "he", "hu", "it", "ja", "km", "ko", "ms", "nl", "no",
    "pl", "pt", "ru", "sv", "th", "tr", "vi", "zh_cn", "zh_hk", "zh_tw",
)  # fmt: skip
LANGUAGES = {normalise(code): code for code in CODES}

CARD = DatasetCard(
    name="mkqa",
    title="MKQA",
    languages=tuple(sorted(LANGUAGES)),
    licence="CC BY-SA 3.0",
    source=f"Longpre et al. 2021, arXiv 2007.15207; github.com/apple/ml-mkqa at {COMMIT[:8]}",
    description=(
        "Questions that were asked of a search engine in English, translated into 25 languages: "
        "question-alignment only, since the answers are no passages. A download is verified by its "
        "number of questions, later reads by the checksum seen then. zh is zh_cn, zh-Hant zh_tw, "
        "zh-Hant-HK zh_hk."
    ),
)


def _sources(path: Path | None, request: Request) -> Iterator[Source]:
    file = _file(path, request)
    wanted = choose_languages(CARD.name, LANGUAGES, request)
    yield Source(
        file,
        (
            PlacedText("query", language, own_id, own_id, _or_empty(texts, language), line)
            for line, own_id, texts in _rows(file)
            for language in wanted
        ),
    )


def _or_empty(texts: dict[str, Any], language: str) -> str:
    """Question in a language; "" for one that is missing or no text, which is a finding."""
    text = texts.get(LANGUAGES[language])
    return text if isinstance(text, str) else ""


@dataset(CARD, sources=_sources)
def load(path: Path | None, request: Request) -> Dataset:
    """Read `mkqa.jsonl.gz`, or its unpacked form, from a folder or as a file."""
    file = _file(path, request)
    wanted = choose_languages(CARD.name, LANGUAGES, request)
    queries: list[TextRow] = []
    for line, own_id, texts in _rows(file):
        for language in wanted:
            text = texts.get(LANGUAGES[language])
            if not isinstance(text, str):
                raise AlignkitError(
                    f"{file}, line {line}: no question in {LANGUAGES[language]!r}; fetch the file "
                    "again"
                )
            queries.append(TextRow(language, own_id, text))
    return assemble(CARD, queries, [], [])


def _rows(file: Path) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Line, id and questions by MKQA's code of every row."""
    for line, row in read_objects(file):
        texts, own_id = row.get("queries"), row.get("example_id")
        if not isinstance(texts, dict) or own_id is None:
            raise AlignkitError(
                f"{file}, line {line}: no 'queries' and 'example_id'; give MKQA's own file"
            )
        yield line, str(own_id), texts


def _file(path: Path | None, request: Request) -> Path:
    if path is None:
        file = request.cache_folder / "datasets" / CARD.name / FILE
        keep(
            address(FOLDER, FILE, dataset=CARD.name), file, sha256=None, check=_check,
            offline=request.offline, reporter=request.reporter,
        )  # fmt: skip
        return file
    if path.is_file():
        return path
    for name in (FILE, FILE.removesuffix(".gz")):
        if (path / name).is_file():
            return path / name
    raise AlignkitError(f"{path} has no {FILE}; put it there from {FOLDER}/{FILE}")


def _check(file: Path) -> None:
    n = sum(1 for _ in _rows(file))
    if n != QUESTIONS:
        raise AlignkitError(
            f"{file} is not the published file: it has {n:,} questions, published were "
            f"{QUESTIONS:,}; download it again, or check the mirror"
        )

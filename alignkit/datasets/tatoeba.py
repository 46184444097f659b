"""Tatoeba: LASER's test pairs, sentences and their English translations."""

from collections.abc import Iterator
from pathlib import Path

from alignkit.datasets import Request, choose_languages, dataset
from alignkit.datasets.assemble import TextRow, assemble
from alignkit.datasets.download import address, keep
from alignkit.datasets.packed import known_checksums, read_lines
from alignkit.datasets.placed import PlacedText, Source
from alignkit.errors import AlignkitError
from alignkit.languages import normalise
from alignkit.tables import Dataset, DatasetCard

COMMIT = "fec5c7d63daa2bea9d127e8252b10e87278586c0"
FOLDER = f"https://raw.githubusercontent.com/facebookresearch/LASER/{COMMIT}/data/tatoeba/v1"
CHECKSUMS = Path(__file__).with_name("tatoeba.sha256")
ENGLISH = "en"

# What LASER calls the languages whose published files are known by their checksums.
CODES = {
    normalise(name.rpartition(".")[2]): name.rpartition(".")[2]
    for name in known_checksums(CHECKSUMS)
    if not name.endswith(".eng")
}

CARD = DatasetCard(
    name="tatoeba",
    title="Tatoeba (LASER's test sets)",
    languages=tuple(sorted([*CODES, ENGLISH])),
    licence="CC BY 2.0 FR",
    source=(
        "Artetxe & Schwenk 2019, arXiv 1812.10464; github.com/facebookresearch/LASER at "
        f"{COMMIT[:8]}"
    ),
    description=(
        "Up to 1,000 sentences of a language, each with its translation into English; only for "
        "question-alignment. Every pair of languages is with English, and a sentence is parallel "
        "to the English one of its own pair alone: German and French ones are not translations of "
        "each other. With several languages the English pool holds the English sides of all "
        "pairs, of which some repeat; take one, as in --languages de,en, for LASER's own pools. "
        "The languages here can be downloaded; a folder of yours may hold any "
        "tatoeba.{lll}-eng.{lll} and .eng."
    ),
)


def _sources(path: Path | None, request: Request) -> Iterator[Source]:
    for code, sides in _files(path, request).items():
        for language, file in sides.items():
            yield Source(
                file,
                (
                    PlacedText("query", language, f"{code}-{line}", f"{code}-{line}", text, line)
                    for line, text in read_lines(file)
                ),
            )


@dataset(CARD, sources=_sources)
def load(path: Path | None, request: Request) -> Dataset:
    """Read the pairs: the sentence in line 7 of the German files is `de:deu-7` and `en:deu-7`."""
    queries: list[TextRow] = []
    english: list[str] = []
    for code, sides in _files(path, request).items():
        texts = {language: dict(read_lines(file)) for language, file in sides.items()}
        counts = {sides[language].name: len(lines) for language, lines in texts.items()}
        if len(set(counts.values())) > 1:
            found = " and ".join(f"{name} {n}" for name, n in counts.items())
            raise AlignkitError(
                f"the lines of a pair are translations, but {found} differ in number; fetch both "
                "files again"
            )
        for language, lines in texts.items():
            queries += [TextRow(language, f"{code}-{line}", text) for line, text in lines.items()]
        english += texts[ENGLISH].values()
    repeats = len(english) - len(set(english))
    notes = [f"English sentences that repeat one of another pair: {repeats}"] if repeats else []
    return assemble(CARD, queries, [], [], notes=notes)


def _files(path: Path | None, request: Request) -> dict[str, dict[str, Path]]:
    """Both files of each pair by LASER's code, those of the languages wanted."""
    codes = CODES if path is None else _present(path)
    languages = choose_languages(CARD.name, [*codes, ENGLISH], request)
    wanted = [language for language in languages if language != ENGLISH]
    if not wanted or ENGLISH not in languages:
        raise AlignkitError(
            "every pair of 'tatoeba' is with English; name it and another language, as in "
            "--languages de,en"
        )
    folder = request.cache_folder / "datasets" / CARD.name if path is None else path
    pairs: dict[str, dict[str, Path]] = {}
    for language in wanted:
        code = codes[language]
        names = {one: f"tatoeba.{code}-eng.{code if one == language else 'eng'}"
                 for one in (language, ENGLISH)}  # fmt: skip
        if path is None:
            for name in names.values():
                _download(folder / name, request)
        pairs[code] = {one: folder / name for one, name in names.items()}
    return pairs


def _present(folder: Path) -> dict[str, str]:
    """Languages whose two files lie in a folder, with LASER's codes."""
    codes: dict[str, str] = {}
    for file in sorted(folder.glob("tatoeba.*-eng.eng")):
        code = file.name.removeprefix("tatoeba.").removesuffix("-eng.eng")
        if not file.with_name(f"tatoeba.{code}-eng.{code}").is_file():
            raise AlignkitError(f"{folder} has {file.name}, but no tatoeba.{code}-eng.{code}")
        language = normalise(code)
        if language in codes:
            raise AlignkitError(
                f"{folder}: {codes[language]!r} and {code!r} are one language, {language!r}; "
                "remove the files of one"
            )
        codes[language] = code
    if not codes:
        raise AlignkitError(
            f"{folder} has no tatoeba.{{lll}}-eng.eng; give the folder that holds LASER's files"
        )
    return codes


def _download(file: Path, request: Request) -> None:
    keep(
        address(FOLDER, file.name, dataset=CARD.name),
        file,
        sha256=known_checksums(CHECKSUMS)[file.name],
        check=lambda _: None,  # all checksums are known
        offline=request.offline,
        reporter=request.reporter,
    )

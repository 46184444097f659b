"""Data lint: what is odd in the texts of a dataset, before a model sees them.

Files are read without judging them, so that what loading refuses is found as well, and all of it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from alignkit.datasets.placed import PlacedText, Source
from alignkit.errors import AlignkitError
from alignkit.languages import script
from alignkit.lint.lengths import Lengths
from alignkit.lint.writing import is_english, is_in_script, n_words

CHECKS = {
    "unreadable": "the file can't be read to its end",
    "language": "the language's code is unknown",
    "empty": "no text, or a text without an id",
    "half-character": "half of a surrogate pair, which is no character",
    "repeated-id": "an id stands twice",
    "repeated-text": "one text stands under two ids of a language",
    "untranslated": "one text stands in two languages",
    "english": "English words in a row of another language",
    "wrong-script": "less than a quarter of the letters are of the language's script",
    "length": "three times as long as its translations, or a third",
}


@dataclass(frozen=True)
class Place:
    """Where a text stands; `line` is 0 in a format without lines."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}" if self.line else self.file


@dataclass(frozen=True)
class Finding:
    """Something odd: which check found it in which text, and what."""

    dataset: str
    file: str
    line: int
    noun: str
    language: str
    id: str
    check: str
    detail: str


class Lint:
    """Checks the texts of one dataset as they come; a class because it remembers what it saw.

    `n_texts` counts them. What is remembered of a text are hashes and its place.
    """

    def __init__(self, dataset: str) -> None:
        self.n_texts = 0
        self._dataset = dataset
        self._ids: dict[tuple[str, str, str], Place] = {}
        self._own: dict[tuple[str, str, int], tuple[str, Place]] = {}
        self._first: dict[tuple[str, int], tuple[str, str, Place]] = {}
        self._scripts: dict[str, str | None] = {}
        self._lengths = Lengths()

    def run(self, sources: Iterable[Source]) -> Iterator[Finding]:
        """Check all texts of all files; a file that can't be read is a finding."""
        for source in sources:
            place, text = Place(str(source.file), 0), None
            try:
                for text in source.texts:
                    self.n_texts += 1
                    place = Place(str(source.file), text.line)
                    for check, detail in self._of(text, place):
                        yield self._finding(check, detail, text, place)
            except AlignkitError as error:
                yield Finding(
                    self._dataset, place.file, place.line, "", "", "", "unreadable", str(error)
                )
        for text, place, detail in self._lengths.outliers():
            yield self._finding("length", detail, text, place)

    def _finding(self, check: str, detail: str, text: PlacedText, place: Place) -> Finding:
        return Finding(
            self._dataset, place.file, place.line, text.noun, _plain(text.language),
            _plain(text.own_id), check, detail,
        )  # fmt: skip

    def _of(self, text: PlacedText, place: Place) -> Iterator[tuple[str, str]]:
        if not text.own_id or not text.text.strip():
            yield "empty", "no text" if text.own_id else "no id"
            return
        if _plain(whole := f"{text.own_id}{text.text}") != whole:
            yield "half-character", repr(text.text.strip()[:60])
        yield from self._repeats(text, place)
        yield from self._writing(text)
        if text.parallel_id:
            self._lengths.add(text, place)

    def _repeats(self, text: PlacedText, place: Place) -> Iterator[tuple[str, str]]:
        earlier = self._ids.setdefault((text.noun, text.language, text.own_id), place)
        if earlier is not place:
            yield "repeated-id", f"also in {earlier}"
        content = hash(" ".join(text.text.split()))
        own = (text.own_id, place)
        other_id, where = self._own.setdefault((text.noun, text.language, content), own)
        if other_id != text.own_id:
            yield "repeated-text", f"the text of {other_id!r} in {where}"
        mine = (text.language, text.own_id, place)
        language, other_id, where = self._first.setdefault((text.noun, content), mine)
        if _base(language) != _base(text.language) and n_words(text.text) > 1:
            yield "untranslated", f"the text of {language}:{other_id} in {where}"

    def _writing(self, text: PlacedText) -> Iterator[tuple[str, str]]:
        if text.language not in self._scripts:
            self._scripts[text.language] = _script(text.language)
        written = self._scripts[text.language]
        if written is None:
            yield "language", f"{text.language!r} is no language code"
        elif not is_in_script(text.text, written):
            yield "wrong-script", f"not {written}: {text.text.strip()[:60]!r}"
        elif written == "Latn" and text.language != "en" and is_english(text.text):
            yield "english", repr(text.text.strip()[:60])


def _plain(text: str) -> str:
    """Write half of a surrogate pair, which no file can hold, as \\ud83d."""
    return text.encode("utf-8", "backslashreplace").decode()


def _base(language: str) -> str:
    return language.partition("-")[0]


def _script(language: str) -> str | None:
    try:
        return script(language)
    except AlignkitError:
        return None

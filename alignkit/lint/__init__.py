"""Data lint: what is odd in the texts of a dataset, before a model sees them.

Files are read without judging them, so that every text that loading refuses is found, and not the
first alone. A row that holds no texts ends the reading of its file. Judgements, and whether files
fit each other, are left to loading.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from alignkit.datasets.placed import PlacedText, Source
from alignkit.errors import AlignkitError
from alignkit.languages import script
from alignkit.lint.lengths import Lengths
from alignkit.lint.remembered import Place, Remembered
from alignkit.lint.writing import is_english, is_in_script

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


class _Found(NamedTuple):
    """A finding before it is sorted; `number` is that of its text, or of the next remembered."""

    number: int
    place: Place
    check: str
    detail: str


class Lint:
    """Checks the texts of one dataset as they come; a class because it remembers what it saw.

    `n_texts` counts them.
    """

    def __init__(self, dataset: str) -> None:
        self.n_texts = 0
        self._dataset = dataset
        self._texts = Remembered()
        self._scripts: dict[str, str | None] = {}
        self._lengths = Lengths()

    def run(self, sources: Iterable[Source]) -> list[Finding]:
        """Check all texts of all files, in their order; a file that can't be read is a finding."""
        found = sorted([*self._alone(sources), *self._compared()], key=_order)
        return [self._finding(one) for one in found]

    def _alone(self, sources: Iterable[Source]) -> Iterator[_Found]:
        """Check every text by itself, and remember it for being compared."""
        for number, source in enumerate(sources):
            file = _plain(str(source.file))
            place = Place(number, file, 0)
            try:
                for text in source.texts:
                    self.n_texts += 1
                    place = Place(number, file, text.line, text.noun, text.language, text.own_id)
                    for check, detail in self._of(text):
                        yield _Found(len(self._texts), place, check, detail)
                    if text.own_id and text.text.strip():
                        self._remember(text, place)
            except AlignkitError as error:
                broken = Place(number, file, place.line)
                yield _Found(len(self._texts), broken, "unreadable", str(error))

    def _compared(self) -> Iterator[_Found]:
        for one in self._texts.repeats():
            yield _Found(*one)
        for number, detail in self._lengths.outliers():
            (place,) = self._texts.places(np.array([number]))
            yield _Found(number, place, "length", detail)

    def _finding(self, found: _Found) -> Finding:
        place = found.place
        return Finding(
            self._dataset, place.file, place.line, place.noun, _plain(place.language),
            _plain(place.own_id), found.check, _plain(found.detail),
        )  # fmt: skip

    def _remember(self, text: PlacedText, place: Place) -> None:
        if text.parallel_id:
            self._lengths.add(len(self._texts), text)
        self._texts.add(text, place)

    def _of(self, text: PlacedText) -> Iterator[tuple[str, str]]:
        if not text.own_id or not text.text.strip():
            yield "empty", "no text" if text.own_id else "no id"
            return
        if _is_broken(text.own_id) or _is_broken(text.text):
            yield "half-character", repr(text.text.strip()[:60])
        yield from self._writing(text)

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


def _is_broken(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _plain(text: str) -> str:
    """Write half of a surrogate pair, which no file can hold, as \\ud83d."""
    return text.encode("utf-8", "backslashreplace").decode()


def _order(found: _Found) -> tuple[int, int, int, int]:
    """Sort by file and line, then as the texts came, then as CHECKS has it."""
    return found.place.source, found.place.line, found.number, list(CHECKS).index(found.check)


def _script(language: str) -> str | None:
    try:
        return script(language)
    except AlignkitError:
        return None

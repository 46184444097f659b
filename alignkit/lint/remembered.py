"""Texts that are compared with others: some forty bytes of each, whatever its length."""

from array import array
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from alignkit.datasets.placed import PlacedText
from alignkit.lint.writing import n_words

_SPREAD = np.int64(0x9E3779B97F4A7C1 | 1)  # any large odd number


class Place(NamedTuple):
    """Where a text stands, and what it is there; `line` is 0 in a format without lines.

    `source` is the number of the file among those read.
    """

    source: int
    file: str
    line: int
    noun: str = ""
    language: str = ""
    own_id: str = ""

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}" if self.line else self.file


class Remembered:
    """Texts by their numbers, from 0; a class because they come one after the other.

    Ids and contents are compared by 64-bit hashes.
    """

    def __init__(self) -> None:
        self._kinds: dict[tuple[int, str, str, str], int] = {}  # source, file, noun, language
        self._kind = array("I")
        self._line = array("I")
        self._id_hash = array("q")
        self._content = array("q")  # the last bit says whether there are several words
        self._ids = bytearray()  # one after the other, in UTF-8
        self._ends = array("Q")

    def __len__(self) -> int:
        return len(self._kind)

    def add(self, text: PlacedText, place: Place) -> None:
        """Remember the next text."""
        kind = (place.source, place.file, text.noun, text.language)
        self._kind.append(self._kinds.setdefault(kind, len(self._kinds)))
        self._line.append(text.line)
        self._id_hash.append(hash((text.noun, text.language, text.own_id)))
        content = hash((text.noun, " ".join(text.text.split())))
        self._content.append(content & ~1 | (n_words(text.text) > 1))
        self._ids += text.own_id.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._ids))

    def places(self, numbers: np.ndarray) -> Iterator[Place]:
        """Tell where texts stand."""
        kinds = list(self._kinds)
        for number in numbers.tolist():
            source, file, noun, language = kinds[self._kind[number]]
            start = self._ends[number - 1] if number else 0
            own_id = self._ids[start : self._ends[number]].decode("utf-8", "surrogatepass")
            yield Place(source, file, self._line[number], noun, language, own_id)

    def repeats(self) -> Iterator[tuple[int, Place, str, str]]:
        """Find texts that repeat an earlier one, the first of its id or content.

        Gives number and place of the later one, the check and the detail of the finding.
        """
        content = np.frombuffer(self._content, np.int64)
        for number, place, first in self._pairs(np.frombuffer(self._id_hash, np.int64)):
            yield number, place, "repeated-id", f"also in {first}"
        for number, place, first in self._pairs(content + self._languages() * _SPREAD):
            if place.own_id != first.own_id:
                yield number, place, "repeated-text", f"the text of {first.own_id!r} in {first}"
        for number, place, first in self._pairs(content):
            several_words = self._content[number] & 1
            if several_words and _base(place.language) != _base(first.language):
                detail = f"the text of {first.language}:{first.own_id} in {first}"
                yield number, place, "untranslated", detail

    def _languages(self) -> np.ndarray:
        """Give every text its language as a number."""
        languages: dict[str, int] = {}
        of_kind = [languages.setdefault(kind[3], len(languages)) for kind in self._kinds]
        return np.array(of_kind, np.int64)[np.frombuffer(self._kind, np.uint32)]

    def _pairs(self, keys: np.ndarray) -> Iterator[tuple[int, Place, Place]]:
        """Find the texts whose key an earlier one has, and the first that has it."""
        order = np.argsort(keys, kind="stable")
        in_order = keys[order]
        again = np.flatnonzero(in_order[1:] == in_order[:-1]) + 1
        first = order[np.searchsorted(in_order, in_order[again])]
        later = order[again]
        yield from zip(later.tolist(), self.places(later), self.places(first), strict=True)


def _base(language: str) -> str:
    return language.partition("-")[0]

"""Texts that are much longer or shorter than their translations."""

from array import array
from collections.abc import Iterator
from statistics import median

import numpy as np

from alignkit.datasets.placed import PlacedText

FACTOR = 3.0  # longer or shorter than expected
AT_LEAST = 20  # characters away from what is expected: short texts vary by more than a factor


class Lengths:
    """Lengths of parallel texts; a class because they are judged when all have been seen."""

    def __init__(self) -> None:
        self._languages: dict[tuple[str, str], int] = {}  # with the noun
        self._language = array("I")
        self._number = array("Q")
        self._parallel = array("q")  # hash of noun and parallel id
        self._length = array("I")

    def add(self, number: int, text: PlacedText) -> None:
        """Remember a text, which others call `number`, by its length."""
        language = (text.noun, text.language)
        self._language.append(self._languages.setdefault(language, len(self._languages)))
        self._number.append(number)
        self._parallel.append(hash((text.noun, text.parallel_id)))
        self._length.append(len(text.text.strip()))

    def outliers(self) -> Iterator[tuple[int, str]]:
        """Compare each text with its translations, by what is usual for their languages.

        A text of median length in its language is expected to have translations of median length
        in theirs.
        """
        length = np.frombuffer(self._length, np.uint32)
        language = np.frombuffer(self._language, np.uint32)
        usual = np.array([np.median(length[language == i]) for i in range(len(self._languages))])
        parallel = np.frombuffer(self._parallel, np.int64)
        order = np.argsort(parallel, kind="stable")
        for group in np.split(order, np.flatnonzero(np.diff(parallel[order])) + 1):
            scaled = (length[group] / usual[language[group]]).tolist()
            for i, one in enumerate(group.tolist()):
                others = scaled[:i] + scaled[i + 1 :]
                if not others:
                    continue
                own = self._length[one]
                expected = float(usual[self._language[one]]) * median(others)
                off = max(own / expected, expected / own)
                if off > FACTOR and abs(own - expected) >= AT_LEAST:
                    detail = f"{own} characters; translations suggest {expected:.0f}"
                    yield self._number[one], detail

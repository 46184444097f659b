"""Texts that are much longer or shorter than their translations."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from alignkit.datasets.placed import PlacedText

if TYPE_CHECKING:
    from alignkit.lint import Place

FACTOR = 3.0  # longer or shorter than expected
AT_LEAST = 20  # characters away from what is expected: short texts vary by more than a factor


class Lengths:
    """Lengths of parallel texts; a class because they are judged when all have been seen."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, str], list[tuple[PlacedText, Place, int]]] = {}

    def add(self, text: PlacedText, place: "Place") -> None:
        """Remember a text by its length, its ids and its place."""
        group = self._texts.setdefault((text.noun, text.parallel_id), [])
        group.append((text._replace(text=""), place, len(text.text.strip())))

    def outliers(self) -> Iterator[tuple[PlacedText, "Place", str]]:
        """Compare each text with its translations, by what is usual for their languages.

        A text of median length in its language is expected to have translations of median length
        in theirs.
        """
        lengths: dict[tuple[str, str], list[int]] = {}
        for group in self._texts.values():
            for text, _, length in group:
                lengths.setdefault((text.noun, text.language), []).append(length)
        usual = {key: float(np.median(values)) for key, values in lengths.items()}
        for group in self._texts.values():
            scaled = [length / usual[text.noun, text.language] for text, _, length in group]
            for i, (text, place, length) in enumerate(group):
                others = scaled[:i] + scaled[i + 1 :]
                if not others:
                    continue
                expected = usual[text.noun, text.language] * float(np.median(others))
                off = max(length / expected, expected / length)
                if off > FACTOR and abs(length - expected) >= AT_LEAST:
                    yield text, place, f"{length} characters; translations suggest {expected:.0f}"

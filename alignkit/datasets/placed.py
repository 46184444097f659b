"""Texts as they stand in files, with their places, for checks that come before loading."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple


class PlacedText(NamedTuple):
    """A text as it stands in a file, read without judging it.

    `parallel_id` is the same for translations of each other, "" where there are none; `line` is 0
    in a format without lines.
    """

    noun: Literal["query", "passage"]
    language: str
    own_id: str
    parallel_id: str
    text: str
    line: int


class Source(NamedTuple):
    """A file and its texts, read as they are asked for."""

    file: Path
    texts: Iterable[PlacedText]

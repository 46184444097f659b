"""Texts as they stand in files, with their places, for checks that come before loading."""

from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from alignkit.tables import Dataset, Texts


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


def of_dataset(file: Path, loaded: Dataset) -> list[Source]:
    """Give the texts of a dataset that was loaded; they have no lines."""
    return [
        Source(file, _loaded("query", loaded.queries)),
        Source(file, _loaded("passage", loaded.passages)),
    ]


def _loaded(noun: Literal["query", "passage"], texts: Texts) -> Iterator[PlacedText]:
    for text_id, language, parallel_id, text in texts.frame.itertuples(index=False):
        own_id = text_id.removeprefix(f"{language}:")
        yield PlacedText(noun, language, own_id, parallel_id, text, 0)


def in_languages(
    sources: Iterable[Source],
    languages: Collection[str] | None,
    refuse: Callable[[set[str]], object],
) -> Iterator[Source]:
    """Leave out the texts of other languages; None means all.

    After the last source, `refuse` is given the languages that were there, to raise where those
    are not what was asked for; not if a source could not be read to its end.
    """
    there: set[str] = set()
    n_unread = 0

    def chosen(texts: Iterable[PlacedText]) -> Iterator[PlacedText]:
        nonlocal n_unread
        for text in texts:
            there.add(text.language)
            if languages is None or text.language in languages:
                yield text
        n_unread -= 1

    for file, texts in sources:
        n_unread += 1
        yield Source(file, chosen(texts))
    if not n_unread:
        refuse(there)

"""Which texts are embedded together: a plan that every process makes alike, and shares of it.

A vector's last bits depend on the batch that it was made in. So the plan depends on the texts and
the token budget alone, and it is batches that are shared out, never texts.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from alignkit.errors import AlignkitError

# Texts are sorted by length within windows, so that no process need tokenise or hold all of a
# large corpus; padding grew by less than a hundredth against sorting a million texts at once.
WINDOW = 65_536
_WINDOWS_EACH = 8  # from so many a shard takes whole windows, and tokenises no others


@dataclass(frozen=True)
class Batch:
    """Texts to embed at once; `rows` (n,) are their places among all distinct texts."""

    rows: np.ndarray
    texts: list[str]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Shard:
    """Part `number` of `of` equal ones, counted from 1; a value with a check.

    Examples
    --------
    >>> Shard.parse("3/16")
    Shard(number=3, of=16)
    """

    number: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise AlignkitError(
                f"there is no shard {self.number}/{self.of}; "
                f"they are counted from 1/{max(self.of, 1)} to {max(self.of, 1)}/{max(self.of, 1)}"
            )

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read `3/16`."""
        if not re.fullmatch(r"\d+/\d+", text):
            raise AlignkitError(f"{text!r} is no shard; write the third of 16 as 3/16")
        number, of = text.split("/")
        return cls(int(number), int(of))


WHOLE = Shard()


@runtime_checkable  # beartype checks it while the tests run
class Strings(Protocol):
    """Distinct texts that can be cut into windows: a pandas Index of strings, say."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> "Strings": ...

    def tolist(self) -> list[str]:
        """Give the texts themselves."""
        ...


def token_batches(counts: np.ndarray, budget: int) -> Iterator[np.ndarray]:
    """Rows of `counts` (n,) in batches of at most `budget` padded tokens, the longest texts first.

    Padded tokens are the number of texts times the longest of them; a text that is longer than the
    budget is a batch of its own. Beginning with the longest, a run that lacks memory fails at once.

    Examples
    --------
    >>> list(token_batches(np.array([2, 9, 3, 3]), budget=6))
    [array([1]), array([2, 3]), array([0])]
    """
    order = np.argsort(-counts, kind="stable")
    start = 0
    while start < len(order):
        n_texts = max(1, budget // max(1, int(counts[order[start]])))
        yield order[start : start + n_texts]
        start += n_texts


def plan(
    texts: Strings,
    missing: np.ndarray,
    count_tokens: Callable[[list[str]], np.ndarray],
    *,
    budget: int,
    shard: Shard = WHOLE,
) -> Iterator[Batch]:
    """Batches of the distinct `texts` that are `missing` (n,) from the cache, of one shard.

    The plan is that of all texts, cached or not, so that a run that goes on makes the batches that
    the interrupted one would have made. Where a part of a batch is cached, by another data set,
    what is left of such batches is put together anew: half empty batches would waste a GPU.
    """
    starts = range(0, len(texts), WINDOW)
    in_windows = len(starts) >= _WINDOWS_EACH * shard.of
    for window, start in enumerate(starts):
        if in_windows and window % shard.of != shard.number - 1:
            continue
        lacking = missing[start : start + WINDOW]
        if not lacking.any():
            continue
        of_window = texts[start : start + WINDOW].tolist()
        counts = count_tokens(of_window)
        batches = list(token_batches(counts, budget))
        if not in_windows:
            batches = batches[shard.number - 1 :: shard.of]
        for rows in _what_is_missing(batches, lacking, counts, budget):
            yield Batch(start + rows, [of_window[row] for row in rows])


def _what_is_missing(
    batches: list[np.ndarray], missing: np.ndarray, counts: np.ndarray, budget: int
) -> Iterator[np.ndarray]:
    left: list[np.ndarray] = []
    for rows in batches:
        lacking = rows[missing[rows]]
        if len(lacking) == len(rows):
            yield rows
        elif len(lacking):
            left.append(lacking)
    if left:
        rows = np.concatenate(left)
        yield from (rows[batch] for batch in token_batches(counts[rows], budget))

"""What the nearest neighbours among parallel texts tell: margin errors, CSLS ranks, hubs."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float, Int
from threadpoolctl import threadpool_limits

from alignkit.kernels.ranking import TIE, cpus

XSIM_K = 4  # LASER's
CSLS_K = 10  # MUSE's
_SCORES = 1 << 24  # float64 scores held at once by a thread

Vectors = Float[np.ndarray, "n dim"]
PerPair = Float[np.ndarray, "ids languages languages"]


@dataclass(frozen=True)
class Neighbours:
    """For id i, asking in language a among the texts of b; [i, a, b], NaN where undefined.

    Attributes
    ----------
    wrong : 1 if the best ratio margin among the 4 nearest is not the translation's, else 0.
    csls_rank : rank of the translation by CSLS with 10 neighbours, from 1, ties against.
    occurrence : how many texts of a have id i's text in b among their 10 nearest; texts that tie
        for the last place share it.
    """

    wrong: PerPair
    csls_rank: PerPair
    occurrence: PerPair


def find_neighbours(
    vectors: Float[np.ndarray, "ids languages dim"], present: Bool[np.ndarray, "ids languages"]
) -> Neighbours:
    """Compare unit vectors of every two languages in float64.

    Memory: at most 2**24 scores a thread, whatever the number of texts.
    """
    n_ids, n_languages = present.shape
    shape = (n_ids, n_languages, n_languages)
    found = Neighbours(*(np.full(shape, np.nan) for _ in range(3)))
    rows = [np.flatnonzero(present[:, language]) for language in range(n_languages)]
    texts = [vectors[chosen, language].astype(np.float64) for language, chosen in enumerate(rows)]

    def compare(pair: tuple[int, int]) -> None:
        a, b = pair
        here, there = _Asked(texts[a], texts[b]), _Asked(texts[b], texts[a])
        if here.is_whole:
            there.scores = np.ascontiguousarray(here.whole.T)
        for asker, answerer, asks, answers in ((a, b, here, there), (b, a, there, here)):
            place = np.full(n_ids, -1)
            place[rows[answerer]] = np.arange(len(rows[answerer]))
            own = place[rows[asker]]
            wrong, rank, occurrence = _judge(asks, answers, own)
            found.wrong[rows[asker], asker, answerer] = wrong
            found.csls_rank[rows[asker], asker, answerer] = rank
            found.occurrence[rows[answerer], asker, answerer] = occurrence

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(cpus()) as pool:
        list(pool.map(compare, combinations(range(n_languages), 2)))
    return found


class _Asked:
    """Texts that ask among others: their scores, by blocks of rows, and the largest of each.

    A class because scores that fit into memory are worked out once.
    """

    def __init__(self, askers: Vectors, answers: Float[np.ndarray, "m dim"]) -> None:
        self._askers, self._answers = askers, answers
        self.is_whole = len(askers) * len(answers) <= _SCORES
        self.scores: Float[np.ndarray, "n m"] | None = None
        self._largest: Float[np.ndarray, "n k"] | None = None

    @property
    def whole(self) -> Float[np.ndarray, "n m"]:
        """All scores at once."""
        if self.scores is None:
            self.scores = self._askers @ self._answers.T
        return self.scores

    def blocks(self) -> Iterator[tuple[slice, Float[np.ndarray, "rows m"]]]:
        """Go through the scores by blocks of rows."""
        if self.is_whole:
            yield slice(0, len(self._askers)), self.whole
            return
        step = max(1, _SCORES // len(self._answers))
        for start in range(0, len(self._askers), step):
            block = slice(start, min(start + step, len(self._askers)))
            yield block, self._askers[block] @ self._answers.T

    @property
    def largest(self) -> Float[np.ndarray, "n k"]:
        """The largest scores of each row, descending; all of them where there are fewer than 10."""
        if self._largest is None:
            from alignkit.kernels.scanning import largest_of_rows

            k = min(CSLS_K, len(self._answers))
            self._largest = np.empty((len(self._askers), k))
            for block, scores in self.blocks():
                self._largest[block] = largest_of_rows(scores, k)
        return self._largest


def _judge(
    asks: _Asked, answers: _Asked, own: Int[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"], Float[np.ndarray, " m"]]:
    from alignkit.kernels.scanning import judge_neighbours

    near, far = asks.largest, answers.largest
    n, m = len(near), len(far)
    wrong, rank = np.zeros(n), np.zeros(n)
    occurrence = np.zeros(m)
    for block, scores in asks.blocks():
        judge_neighbours(
            scores, own[block], near[block], near[block, :XSIM_K].mean(axis=1),
            far[:, :XSIM_K].mean(axis=1), near[block].mean(axis=1), far.mean(axis=1),
            XSIM_K, TIE, wrong[block], rank[block], occurrence,
        )  # fmt: skip
    undefined = own < 0
    wrong[undefined | (min(n, m) < XSIM_K)] = np.nan
    rank[undefined | (min(n, m) < CSLS_K)] = np.nan
    if m <= CSLS_K:  # all are everybody's neighbours
        occurrence[:] = np.nan
    return wrong, rank, occurrence

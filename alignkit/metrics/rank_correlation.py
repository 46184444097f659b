"""Mean rank correlation, whether a question and its translation rank passages alike."""

from functools import cache

import numpy as np
from jaxtyping import Float, Int

from alignkit.metrics import BIAS, Rankings, metric


@metric(
    "mrc",
    needs="rankings",
    cutoffs=(10,),
    settings=BIAS,
    higher_is_better=True,
    bounds=(-1.0, 1.0),
    source="arXiv 2509.06195",
    best=1.0,
    random=lambda rankings, k: _simulated(rankings.pool, k),
    undefined="no id is present in both languages",
)
def rank_correlation(rankings: Rankings, k: int) -> Float[np.ndarray, "ids languages languages"]:
    """Spearman correlation of two translations' rankings of the passages either has among its k.

    Both rank the union of their k best passages of the multilingual pool. Averaged over ids, then
    over languages. Negative for rankings that have nothing in common: what one has on top, the
    other has below. Undefined where a query scores the whole union alike.

    Examples
    --------
    Two translations whose best passage is the same, and whose second is not:

    >>> scores = np.array([[9.0, 5.0, 1.0], [9.0, 2.0, 4.0]])
    >>> best = np.array([[[0, 1], [0, 2]]])
    >>> rankings = Rankings(best, lambda _, rows: scores[:, rows], 3)
    >>> rank_correlation(rankings, 2)[0, 0, 1].round(6).item()
    0.5
    """
    n_ids, n_languages, _ = rankings.best.shape
    found = np.full((n_ids, n_languages, n_languages), np.nan)
    for i in range(n_ids):
        rows = np.unique(rankings.best[i, :, :k])
        rows = rows[rows >= 0]
        if len(rows):
            found[i] = _correlations(rankings.best[i, :, :k], rows, rankings.score(i, rows))
    return found


def _correlations(
    best: Int[np.ndarray, "languages k"],
    rows: Int[np.ndarray, " m"],
    scores: Float[np.ndarray, "languages m"],
) -> Float[np.ndarray, "languages languages"]:
    """Correlate every two languages' ranks over the union of their best."""
    n = len(best)
    chosen = np.zeros((n, len(rows) + 1), bool)
    np.put_along_axis(chosen, np.where(best < 0, len(rows), np.searchsorted(rows, best)), True, 1)
    chosen = chosen[:, :-1]
    found = np.full((n, n), np.nan)
    asked, answered = np.triu_indices(n, 1)
    present = np.isfinite(scores).all(axis=1)
    both = np.take(present, asked) & np.take(present, answered)
    asked, answered = asked[both], answered[both]
    union = chosen[asked] | chosen[answered]
    found[asked, answered] = found[answered, asked] = _pearson(
        _ranks_within(scores[asked], union), _ranks_within(scores[answered], union), union
    )
    return found


def _ranks_within(
    scores: Float[np.ndarray, "pairs m"], union: np.ndarray
) -> Float[np.ndarray, "pairs m"]:
    """Rank the passages of each pair's union; ties share their mean rank."""
    from scipy.stats import rankdata  # half a second to load

    return rankdata(np.where(union, scores, np.inf), axis=1)  # what is not in it comes last


def _pearson(
    x: Float[np.ndarray, "pairs m"], y: Float[np.ndarray, "pairs m"], union: np.ndarray
) -> Float[np.ndarray, " pairs"]:
    n = union.sum(axis=1, keepdims=True)
    centred = [
        np.where(union, z - np.where(union, z, 0.0).sum(axis=1, keepdims=True) / n, 0.0)
        for z in (x, y)
    ]
    spread = np.sqrt((centred[0] ** 2).sum(axis=1) * (centred[1] ** 2).sum(axis=1))
    product = (centred[0] * centred[1]).sum(axis=1)
    return np.divide(product, spread, out=np.full(len(product), np.nan), where=spread > 0)


@cache
def _simulated(pool: int, k: int, draws: int = 400) -> float:
    """Simulate two random rankings of the pool: no closed form is known."""
    rng = np.random.default_rng(0)
    found: list[float] = []
    for _ in range(draws if pool > 1 else 0):
        rank = rng.permutation(pool)  # of the passages in the order of the other ranking
        union = np.union1d(np.arange(min(k, pool)), np.flatnonzero(rank < k))
        place = rank[union].argsort().argsort()
        found.append(float(np.corrcoef(np.arange(len(union)), place)[0, 1]))
    return float(np.mean(found)) if found else float("nan")

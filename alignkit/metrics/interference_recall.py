"""interference_recall@k: what the other languages' passages cost in recall@k."""

from typing import Any

from alignkit.metrics import BIAS, METRICS, PoolRanks, Values, metric


def _expected(pools: PoolRanks, k: int) -> Any:  # noqa: ANN401
    """Of random rankings, only the sizes of the pools tell."""
    random: Any = METRICS.get("recall").random
    return pools.fall(random, k)


@metric(
    "interference_recall",
    needs="pools",
    cutoffs=(10, 100),
    settings=BIAS,
    higher_is_better=False,
    bounds=(0.0, 1.0),
    source="alignkit, from recall@k in two pools; the question is that of MIRACL's corpora joined",
    best=0.0,
    random=_expected,
    undefined="no query has a relevant passage in its own language",
)
def interference_recall(pools: PoolRanks, k: int) -> Values:
    """Fall of a query's recall@k when the other languages' passages join those of its own.

    recall@k among the passages of the query's language less that among the passages of all
    languages loaded; both count the relevant passages of the query's language alone, so that a
    query is paired with itself. Where data are parallel, the other languages' relevant passages
    are taken out of the joined pool: what stands above an answer then is wrong in any language.
    Never negative: more passages can't improve a rank.

    Examples
    --------
    Of two relevant passages, the second falls from rank 9 to 14:

    >>> import numpy as np
    >>> from alignkit.metrics import RelevantRanks
    >>> alone, among_all = (
    ...     RelevantRanks(np.array([0, 0]), np.array([1, r]), 1) for r in (9, 14)
    ... )
    >>> interference_recall(PoolRanks(alone, among_all), 10).tolist()
    [0.5]
    """
    return pools.fall(METRICS.get("recall").function, k)

"""interference_ndcg@k: what the other languages' passages cost in nDCG@k."""

from typing import Any

from alignkit.metrics import BIAS, METRICS, PoolRanks, Values, metric


def _expected(pools: PoolRanks, k: int) -> Any:  # noqa: ANN401
    """Of random rankings, only the sizes of the pools tell."""
    random: Any = METRICS.get("ndcg").random
    return pools.fall(random, k)


@metric(
    "interference_ndcg",
    needs="pools",
    cutoffs=(10,),
    settings=BIAS,
    higher_is_better=False,
    bounds=(0.0, 1.0),
    source="alignkit, from nDCG@k in two pools; the question is that of MIRACL's corpora joined",
    best=0.0,
    random=_expected,
    undefined="no query has a relevant passage in its own language",
)
def interference_ndcg(pools: PoolRanks, k: int) -> Values:
    """Fall of a query's nDCG@k when the other languages' passages join those of its own.

    nDCG@k among the passages of the query's language less that among the passages of all
    languages loaded; both count the relevant passages of the query's language alone, so that a
    query is paired with itself. Where data are parallel, the other languages' relevant passages
    are taken out of the joined pool: what stands above an answer then is wrong in any language.
    Never negative: more passages can't improve a rank.

    Examples
    --------
    The one relevant passage ranks 1 among its own language's, 3 among all:

    >>> import numpy as np
    >>> from alignkit.metrics import RelevantRanks
    >>> alone, among_all = (RelevantRanks(np.array([0]), np.array([r]), 1) for r in (1, 3))
    >>> interference_ndcg(PoolRanks(alone, among_all), 10).tolist()
    [0.5]
    """
    return pools.fall(METRICS.get("ndcg").function, k)

"""tlr@k: recall of the answers that are not in the query's language."""

from collections.abc import Callable

import numpy as np

from alignkit.metrics import BIAS, RelevantRanks, Values, metric


def _of_foreign(ranks: RelevantRanks, value: Callable[[Values], Values]) -> Values:
    """Evaluate a function of the number of foreign answers, NaN where there is none."""
    foreign = ranks.per_search(ranks.foreign)
    return np.where(foreign > 0, value(np.maximum(foreign, 1.0)), np.nan)


@metric(
    "tlr",
    needs="ranks",
    cutoffs=(10, 20, 100),
    settings=BIAS,
    higher_is_better=True,
    bounds=(0.0, 1.0),
    source="arXiv 2606.18801",
    best=lambda ranks, k: _of_foreign(ranks, lambda foreign: np.minimum(foreign, k) / foreign),
    random=lambda ranks, k: _of_foreign(ranks, lambda _: np.minimum(k / ranks.sizes, 1.0)),
    undefined="no query has a relevant passage in another language",
)
def target_language_recall(ranks: RelevantRanks, k: int) -> Values:
    """Recall@k of the relevant passages whose language is not the query's.

    In the multilingual pool. Undefined for a query that has none.

    Examples
    --------
    The answer in the query's language ranks 1, the two others 2 and 40:

    >>> other = np.array([True, False, False])
    >>> ranks = RelevantRanks(np.array([0, 0, 0]), np.array([1, 2, 40]), 1, same_language=other)
    >>> target_language_recall(ranks, 10).tolist()
    [0.5]
    """
    found = ranks.per_search(ranks.foreign & (ranks.rank <= k))
    return _of_foreign(ranks, lambda foreign: found / foreign)

"""tlr@k: recall of the answers that are not in the query's language."""

import numpy as np

from alignkit.metrics import BIAS, RelevantRanks, Values, metric


@metric(
    "tlr",
    needs="ranks",
    cutoffs=(10, 20, 100),
    settings=BIAS,
    higher_is_better=True,
    bounds=(0.0, 1.0),
    source="arXiv 2606.18801",
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
    foreign = (
        np.zeros(len(ranks.rank), bool) if ranks.same_language is None else ~ranks.same_language
    )
    of_all = ranks.per_search(foreign)
    found = ranks.per_search(foreign & (ranks.rank <= k))
    return np.divide(found, of_all, out=np.full_like(found, np.nan), where=of_all > 0)

"""Mean average precision cut at 20, as XTREME-R reports it."""

import numpy as np

from alignkit.kernels import chance
from alignkit.metrics import RETRIEVAL, RelevantRanks, Values, metric

CUT = 20


def _expected(ranks: RelevantRanks) -> Values:
    """Divide what is expected of the passages in the pool by all relevant ones."""
    found = ranks.per_kind(lambda n, r: chance.cut_average_precision(n, r, CUT))
    return found * np.minimum(ranks.count, CUT) / np.minimum(ranks.wanted, CUT)


@metric(
    "map@20",
    needs="ranks",
    settings=RETRIEVAL,
    higher_is_better=True,
    bounds=(0.0, 1.0),
    source="XTREME-R, arXiv 2104.07412 (LAReQA task), and its released code",
    best=lambda ranks: np.minimum(ranks.count, CUT) / np.minimum(ranks.wanted, CUT),
    random=_expected,
)
def cut_average_precision(ranks: RelevantRanks) -> Values:
    """Average precision that counts relevant passages among the 20 best, divided by min(R, 20).

    XTREME-R calls it mAP; it can't be set beside `map`, which sees the whole ranking.

    Examples
    --------
    Relevant passages at ranks 1 and 40; the second does not count:

    >>> cut_average_precision(RelevantRanks(np.array([0, 0]), np.array([1, 40]), 1)).tolist()
    [0.5]
    """
    inside = np.where(ranks.rank <= CUT, ranks.found / ranks.rank, 0.0)
    return ranks.per_search(inside) / np.minimum(ranks.wanted, CUT)

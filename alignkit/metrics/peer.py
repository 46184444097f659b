"""PEER: the probability that passages of different languages have equal expected rank."""

import numpy as np

from alignkit.metrics import BIAS, RelevantRanks, Values, metric


@metric(
    "peer",
    needs="ranks",
    cutoffs=(20, 100),
    settings=BIAS,
    higher_is_better=True,
    bounds=(0.0, 1.0),
    source="Yang et al. 2024, arXiv 2405.00978; code of peer_measure",
    best=1.0,
    random=None,
    undefined="every language has one relevant passage a query, and Kruskal-Wallis is blind to "
    "groups of one: see friedman",
)
def peer(ranks: RelevantRanks, k: int) -> Values:
    """Kruskal-Wallis p value that a query's relevant passages rank alike in every language.

    Computed on the ranks themselves for each grade of relevance, and averaged over the grades of a
    query; passages beyond k share the mean of the ranks that follow k. 1 where only one language
    has relevant passages. Refused where no language has two of them, as in data with one answer a
    language: p is then the same number whatever the ranking (.4405 with 11 languages).

    Examples
    --------
    Two German passages at ranks 1 and 2, two English ones at 9 and 10:

    >>> ranks = RelevantRanks(
    ...     np.zeros(4, int), np.array([1, 2, 9, 10]), 1, language=np.array([0, 0, 1, 1])
    ... )
    >>> peer(ranks, 20).round(3).tolist()
    [0.086]
    """
    assert ranks.language is not None, "the passages' languages are not known"
    grade = ranks.gain.astype(np.int64)
    n_grades, n_languages = (int(part.max(initial=0)) + 1 for part in (grade, ranks.language))
    block = ranks.search * n_grades + grade
    groups, of_rank = np.unique(block * n_languages + ranks.language, return_inverse=True)
    blocks, of_group = np.unique(groups // n_languages, return_inverse=True)
    of_block = of_group[of_rank]
    p_values = _kruskal(_placed(ranks.rank, of_block, k), of_rank, of_group, len(blocks))
    blind = np.bincount(of_rank)[np.argsort(of_group, kind="stable")]
    largest = np.maximum.reduceat(blind, np.flatnonzero(np.diff(np.sort(of_group), prepend=-1)))
    defined = (largest > 1) | (np.bincount(of_group) == 1)
    total = np.bincount(blocks // n_grades, np.where(defined, p_values, 0.0), ranks.n_searches)
    count = np.bincount(blocks // n_grades, defined, ranks.n_searches)
    return np.divide(total, count, out=np.full(ranks.n_searches, np.nan), where=count > 0)


def _placed(rank: np.ndarray, block: np.ndarray, k: int) -> Values:
    """Give what lies beyond k the mean of the next ranks, one for each that its block has there."""
    beyond = np.bincount(block, rank > k)[block]
    return np.where(rank > k, (2 * k + beyond + 1) / 2, rank)


def _kruskal(rank: Values, group: np.ndarray, block_of: np.ndarray, n_blocks: int) -> np.ndarray:
    """Compute the p value of each block's groups; 1 for one group, or where all ranks are equal."""
    block = block_of[group]
    n, n_of_group = np.bincount(block, minlength=n_blocks), np.bincount(group)
    mean = np.bincount(block, rank, n_blocks) / n
    away = np.bincount(group, rank) / n_of_group - mean[block_of]
    between = np.bincount(block_of, n_of_group * away**2, n_blocks)
    total = np.bincount(block, (rank - mean[block]) ** 2, n_blocks)
    h = np.divide((n - 1) * between, total, out=np.zeros(n_blocks), where=total > 0)
    freedom = np.bincount(block_of, minlength=n_blocks) - 1
    from scipy.special import chdtrc  # a fifth of a second to import

    return np.where(freedom > 0, chdtrc(np.maximum(freedom, 1), h), 1.0)

"""Semantic affinity, whether translations are nearer than other texts of a language."""

import numpy as np

from alignkit.metrics import ALIGNMENT, SPACE, ParallelVectors, Values, metric


@metric(
    "semantic_affinity",
    needs="space",
    settings=SPACE + ALIGNMENT,
    higher_is_better=True,
    bounds=(0.0, 1.0),
    source="arXiv 2601.09732 and its released code",
    best=1.0,
    random=0.5,
    undefined="fewer than two ids are present in two languages",
)
def semantic_affinity(queries: ParallelVectors) -> Values:
    """1 / (1 + V / H): V between a question's translations, H between questions of a language.

    V is the mean cosine distance of a question's translations, over pairs of languages, then over
    questions; H that of distinct questions of one language, averaged over languages. 1 if
    translations have one vector, .5 if they are as far apart as any two questions, 0 for a
    collapsed model. Under a language pair, the same with two languages.

    Examples
    --------
    Two questions, orthogonal in either language, whose translations have cosine .8:

    >>> first, second = [[1.0, 0.0], [0.8, 0.6]], [[0.0, 1.0], [-0.6, 0.8]]
    >>> vectors = np.array([first, second])
    >>> semantic_affinity(ParallelVectors(vectors, np.ones((2, 2), bool))).mean().round(6).item()
    0.833333
    """
    present = queries.present
    counts = present.sum(axis=0)
    pairs = np.triu(np.ones((present.shape[1], present.shape[1]), bool), 1)
    here = queries.pairs & pairs
    n_pairs = here.sum(axis=(1, 2))
    used = n_pairs > 0
    if min(counts, default=0) < 2 or not used.any():
        return np.full(len(present), np.nan)
    apart = np.where(here, 1.0 - queries.cosines, 0.0).sum(axis=(1, 2)) / np.maximum(n_pairs, 1)
    v = apart[used].mean()
    h_of, moves_h = _within_languages(queries, counts)
    h = h_of.mean()
    n = len(present)
    moves_v = np.where(used, (apart - v) * n / used.sum(), 0.0)
    if h <= 1e-12:
        return np.zeros(n)
    return h / (h + v) + (v * moves_h - h * moves_v) / (h + v) ** 2


def _within_languages(queries: ParallelVectors, counts: np.ndarray) -> tuple[np.ndarray, Values]:
    """Mean distance of distinct queries, (languages,), and the ids' influence on their mean."""
    n = len(queries.present)
    sums = queries.vectors.sum(axis=0)
    to_others = (np.einsum("ild,ld->il", queries.vectors, sums) - 1.0) / (counts - 1)
    distance = np.where(queries.present, 1.0 - to_others, 0.0)
    h_of = distance.sum(axis=0) / counts
    # A mean over pairs moves with both of a pair: twice the influence of a mean.
    moves = np.where(queries.present, 2.0 * (distance - h_of) * n / counts, 0.0)
    return h_of, moves.mean(axis=1)

"""Whether a linear classifier can tell the language from the vector."""

import numpy as np
from jaxtyping import Float

from alignkit.metrics import SPACE, ParallelVectors, metric

FOLDS = 5
_PENALTY = 1e-2  # for vectors of length one; it hardly shows in the accuracy


@metric(
    "language_probe_accuracy",
    needs="space",
    settings=SPACE,
    higher_is_better=False,
    bounds=(0.0, 1.0),
    source="alignkit; the probe of Libovický et al. 2020, arXiv 2004.05160, split by query id",
    best=lambda queries: 1.0 / queries.present.shape[1],
    random=lambda queries: 1.0 / queries.present.shape[1],
    undefined="fewer than two languages, or fewer than 10 ids",
)
def language_probe(queries: ParallelVectors) -> Float[np.ndarray, "ids languages"]:
    """Share of queries whose language a ridge classifier names, cross-validated in five folds.

    No translation of a question is in training and in test. 1 / L, its value by chance, is the
    best: the language is then not to be read off the vector. 1 does not say that a model is
    biased in retrieval, only that a linear direction tells the languages apart.

    Examples
    --------
    Twenty questions in two languages that lie on opposite sides:

    >>> vectors = np.stack([np.tile([1.0, 0.0], (20, 1)), np.tile([-1.0, 0.0], (20, 1))], axis=1)
    >>> language_probe(ParallelVectors(vectors, np.ones((20, 2), bool))).mean().item()
    1.0
    """
    from sklearn.linear_model import RidgeClassifier  # takes seconds to import

    n_languages = queries.present.shape[1]
    found = np.full((len(queries.present), n_languages), np.nan)
    ids, languages = np.nonzero(queries.present)
    n_ids = np.count_nonzero(queries.present.any(axis=1))
    if n_languages < 2 or n_ids < 2 * FOLDS:
        return found
    texts = queries.vectors[ids, languages]
    fold = ids % FOLDS
    for one in range(FOLDS):
        test = fold == one
        if len(np.unique(languages[~test])) < 2 or not test.any():
            continue
        probe = RidgeClassifier(alpha=_PENALTY).fit(texts[~test], languages[~test])
        found[ids[test], languages[test]] = probe.predict(texts[test]) == languages[test]
    return found

"""Whitening of the whole space."""

import numpy as np

from alignkit.repairs import Apply, Languages, Learned, Vectors, repair


@repair("whiten", source="Su et al. 2021, arXiv 2103.15316; covariance by Ledoit & Wolf 2004")
def whiten(learned: Learned, argument: int) -> Apply:
    """Give all directions the same variance, over all languages together."""
    from sklearn.covariance import LedoitWolf  # takes seconds to import

    del argument
    fitted = LedoitWolf().fit(learned.vectors)
    values, directions = np.linalg.eigh(fitted.covariance_)
    least = max(values.max(initial=0.0) * 1e-12, np.finfo(np.float64).tiny)
    # The symmetric root turns the space as little as whitening can.
    turn = directions / np.sqrt(np.maximum(values, least)) @ directions.T

    def apply(vectors: Vectors, languages: Languages) -> Vectors:
        del languages
        return (vectors - fitted.location_) @ turn

    return apply

"""Alignment: squared distance of translations."""

import numpy as np
from jaxtyping import Float

from alignkit.metrics import ALIGNMENT, ParallelVectors, metric


@metric(
    "alignment",
    needs="vectors",
    settings=ALIGNMENT,
    higher_is_better=False,
    bounds=(0.0, 4.0),
    source="Wang & Isola 2020, arXiv 2005.10242, eq. 4 with alpha = 2",
    best=0.0,
    random=lambda queries: 2.0 - 2.0 * queries.random_cosines,
    undefined="no id is present in both languages",
)
def alignment(queries: ParallelVectors) -> Float[np.ndarray, "ids languages languages"]:
    """Mean squared Euclidean distance of a query's unit vector and its translation's.

    Twice what 1 lacks of cosine_parallel; 0 for a collapsed model, so read it beside uniformity.

    Examples
    --------
    >>> german_english = np.array([[[1.0, 0.0], [0.6, 0.8]]])
    >>> both = np.array([[True, True]])
    >>> alignment(ParallelVectors(german_english, both))[0, 0, 1].round(6).item()
    0.8
    """
    return 2.0 - 2.0 * queries.cosines

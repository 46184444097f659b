"""cosine_random."""

import numpy as np
from jaxtyping import Float

from alignkit.metrics import ALIGNMENT, ParallelVectors, metric


@metric(
    "cosine_random",
    needs="vectors",
    settings=ALIGNMENT,
    higher_is_better=None,
    bounds=(-1.0, 1.0),
    source="alignkit",
    best=None,
    random=None,
    undefined="fewer than two ids are present in both languages",
)
def cosine_random(queries: ParallelVectors) -> Float[np.ndarray, "ids languages languages"]:
    """Mean cosine of a query and the queries of the other ids, over ids present in both languages.

    Every non-translation counts, none is sampled. Undefined with fewer than two ids.

    Examples
    --------
    Two ids; the German query of the first against the English one of the second:

    >>> vectors = np.array([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.6, 0.8]]])
    >>> cosine_random(ParallelVectors(vectors, np.ones((2, 2), bool)))[0, 0, 1].round(6).item()
    0.6
    """
    return queries.random_cosines

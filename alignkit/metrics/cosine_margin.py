"""cosine_margin."""

import numpy as np
from jaxtyping import Float

from alignkit.metrics import ALIGNMENT, ParallelVectors, metric


@metric(
    "cosine_margin",
    needs="vectors",
    settings=ALIGNMENT,
    higher_is_better=True,
    bounds=(-2.0, 2.0),
    source="alignkit; cosine_parallel less cosine_random",
    best=None,
    random=0.0,
    undefined="fewer than two ids are present in both languages",
)
def cosine_margin(queries: ParallelVectors) -> Float[np.ndarray, "ids languages languages"]:
    """How much closer translations are than other pairs: cosine_parallel - cosine_random.

    Zero for a collapsed model.

    Examples
    --------
    >>> vectors = np.array([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.6, 0.8]]])
    >>> cosine_margin(ParallelVectors(vectors, np.ones((2, 2), bool)))[0, 0, 1].round(6).item()
    0.4
    """
    return queries.cosines - queries.random_cosines

"""cosine_parallel."""

import numpy as np
from jaxtyping import Float

from alignkit.metrics import ALIGNMENT, ParallelVectors, metric


@metric(
    "cosine_parallel",
    needs="vectors",
    settings=ALIGNMENT,
    higher_is_better=True,
    bounds=(-1.0, 1.0),
    source="alignkit",
    best=1.0,
    random=lambda queries: queries.random_cosines,
    undefined="no id is present in both languages",
)
def cosine_parallel(queries: ParallelVectors) -> Float[np.ndarray, "ids languages languages"]:
    """Mean cosine of a query and its translation, over the ids present in both languages.

    High for a collapsed model too: read it beside cosine_random.

    Examples
    --------
    >>> german_english = np.array([[[1.0, 0.0], [0.6, 0.8]]])
    >>> cosine_parallel(ParallelVectors(german_english, np.array([[True, True]])))[0, 0, 1].item()
    0.6
    """
    return queries.cosines

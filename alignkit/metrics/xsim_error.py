"""xsim: how often another text than the translation has the best margin."""

import numpy as np
from jaxtyping import Float

from alignkit.metrics import ALIGNMENT, ParallelVectors, metric


@metric(
    "xsim_error",
    needs="vectors",
    settings=ALIGNMENT,
    higher_is_better=False,
    bounds=(0.0, 1.0),
    source="LASER (Artetxe & Schwenk 2019, arXiv 1811.01136, ratio margin) and its released xsim",
    best=0.0,
    random=lambda queries: 1.0 - 1.0 / queries.present.sum(axis=0),
    undefined="no id is present in both languages, or a language has fewer than 4 queries",
)
def xsim_error(queries: ParallelVectors) -> Float[np.ndarray, "ids languages languages"]:
    """Share of queries whose translation has not the best margin among the 4 nearest.

    The ratio margin is the cosine over the mean of both texts' cosines with their 4 nearest in the
    other language. Ties count as errors.

    Examples
    --------
    >>> four = np.eye(4)[:, None, :].repeat(2, axis=1)
    >>> xsim_error(ParallelVectors(four, np.ones((4, 2), bool)))[:, 0, 1].mean().item()
    0.0
    """
    return queries.neighbours.wrong

"""How far apart the middles of two languages lie."""

import numpy as np

from alignkit.metrics import ALIGNMENT, ParallelVectors, Values, metric


@metric(
    "centroid_distance",
    needs="space",
    settings=ALIGNMENT,
    higher_is_better=False,
    bounds=(0.0, 2.0),
    source="alignkit; the shift that centring by language (Yang et al. 2021) removes",
    best=0.0,
    random=None,
    undefined="no id is present in both languages",
)
def centroid_distance(queries: ParallelVectors) -> Values:
    """Euclidean distance of the mean unit vectors of two languages, over the ids of both.

    The questions are the same, so whatever distance there is, is the languages'. Not 0 for finite
    data, even without a bias.

    Examples
    --------
    >>> german_english = np.array([[[1.0, 0.0], [0.6, 0.8]]])
    >>> centroid_distance(ParallelVectors(german_english, np.array([[True, True]]))).round(6).item()
    0.894427
    """
    found = np.full(len(queries.present), np.nan)
    both = queries.present.all(axis=1)
    if both.any():
        apart = queries.vectors[both, 0] - queries.vectors[both, 1]
        middle = apart.mean(axis=0)
        distance = np.linalg.norm(middle)
        direction = middle / distance if distance > 0 else middle
        found[both] = apart @ direction
    return found

"""What a store of vectors has of some texts."""

from typing import NamedTuple

import numpy as np


class Found(NamedTuple):
    """Vectors in the order asked for; rows where `missing` is true are zeros."""

    vectors: np.ndarray
    missing: np.ndarray


def look_up(stored, texts):
    places = stored.places_of(texts)
    vectors = np.zeros((len(texts), stored.dim), np.float32)
    stored.copy(places, vectors, np.arange(len(texts)))
    return Found(vectors, places[:, 0] < 0)

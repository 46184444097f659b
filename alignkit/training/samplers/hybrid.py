"""The strategy `hybrid`."""

import numpy as np

from alignkit.training.samplers import Array, Draw, Kinds, strategy


@strategy("hybrid", mixes=True)
def plan(kinds: Kinds, draw: Draw) -> Array:
    """Each batch is monolingual with probability alpha, else cross-lingual.

    Batches are drawn independently of each other. arXiv 2408.10536 §3, where alpha is .5, and
    results are said to be stable from .4 to .6.
    """
    monolingual = draw.rng.random(draw.steps) < draw.alpha
    if monolingual.all():  # alpha 1 asks for nothing cross-lingual, and 0 for nothing monolingual
        return draw.one_for_all(kinds.same_language)
    mixed = draw.one_for_each(kinds.cross_lingual)
    if not monolingual.any():
        return mixed
    return np.where(monolingual[:, None], draw.one_for_all(kinds.same_language), mixed)

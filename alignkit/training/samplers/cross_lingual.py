"""The strategy `cross-lingual`."""

from alignkit.training.samplers import Array, Draw, Kinds, strategy


@strategy("cross-lingual")
def plan(kinds: Kinds, draw: Draw) -> Array:
    """X-Y: query and passage of every example differ in language; pairs of languages are mixed.

    LAReQA (arXiv 2004.05484 §4); the cross-lingual batches of arXiv 2408.10536.
    """
    return draw.one_for_each(kinds.cross_lingual)

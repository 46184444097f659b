"""The strategy `monolingual`."""

from alignkit.training.samplers import Array, Draw, Kinds, strategy


@strategy("monolingual")
def plan(kinds: Kinds, draw: Draw) -> Array:
    """X-X-mono: every batch in one language, queries and passages alike.

    All negatives of a query are in its own language, so that nothing is learned of the others.
    LAReQA (arXiv 2004.05484 §4); the monolingual batches of arXiv 2408.10536.
    """
    return draw.one_for_all(kinds.same_language)

"""The strategy `one-to-k`."""

from alignkit.training.samplers import Array, Draw, Kinds, strategy


@strategy("one-to-k", one_to_k=True)
def plan(kinds: Kinds, draw: Draw) -> Array:
    """1-to-K: a query with the passages of all K languages at once; query languages are mixed.

    For `alignkit.training.one_to_k` data and `OneToKLoss`. arXiv 2406.18254 §3.
    """
    return draw.one_for_each(kinds.one_to_k)

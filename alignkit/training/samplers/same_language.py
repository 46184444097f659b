"""The strategy `same-language`."""

from alignkit.training.samplers import Array, Draw, Kinds, strategy


@strategy("same-language")
def plan(kinds: Kinds, draw: Draw) -> Array:
    """X-X: query and passage of an example share a language, and a batch mixes the languages.

    A query can tell its passage from most others by language alone: a shortcut that teaches
    language bias. LAReQA (arXiv 2004.05484 §4).
    """
    return draw.one_for_each(kinds.same_language)

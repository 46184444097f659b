"""Repairs: what can be done to vectors afterwards to weaken a language bias, one a file.

A repair is a function of texts to learn from and of an argument, registered with `@repair`. It
returns what turns vectors (n, dim), of given languages, into repaired ones. Nobody has to train
again, so each is a question: what would it buy, and what would it cost?
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from alignkit.errors import AlignkitError
from alignkit.registry import Registry

Vectors = Float[np.ndarray, "n dim"]
Languages = Int[np.ndarray, " n"]
Apply = Callable[[Vectors, Languages], Vectors]


@dataclass(frozen=True)
class Learned:
    """Texts that a repair learns from: unit vectors, their languages, and what is parallel.

    Attributes
    ----------
    vectors : (n, dim) float64 of length one, queries and passages.
    languages : code of each text's language, (n,).
    meaning : texts with the same number are translations of each other, (n,).
    n_languages : how many languages there are; a language may have no text here.
    pivot : the language that others are turned to.
    """

    vectors: Float[np.ndarray, "n dim"]
    languages: Int[np.ndarray, " n"]
    meaning: Int[np.ndarray, " n"]
    n_languages: int
    pivot: int

    def of(self, language: int) -> Float[np.ndarray, "m dim"]:
        """Vectors of one language."""
        return self.vectors[self.languages == language]


@dataclass(frozen=True)
class RepairCard:
    """A repair, and the argument that its name may carry: `lir:2`.

    `argument` says what the argument is, "" if there is none; `source` where the idea is from.
    """

    name: str
    fit: Callable[[Learned, int], Apply]
    argument: str
    source: str

    @property
    def definition(self) -> str:
        """What the repair does: its docstring."""
        return (self.fit.__doc__ or "").strip()


REPAIRS: Registry[RepairCard] = Registry("repair", "alignkit.repairs")


def repair(
    name: str, *, source: str, argument: str = ""
) -> Callable[[Callable[[Learned, int], Apply]], Callable[[Learned, int], Apply]]:
    """Register a function as the repair `name`; see `RepairCard` for the fields."""

    def decorate(fit: Callable[[Learned, int], Apply]) -> Callable[[Learned, int], Apply]:
        REPAIRS.add(name, RepairCard(name, fit, argument, source))
        return fit

    return decorate


def parse_repair(spec: str) -> tuple[RepairCard, int]:
    """Read `name` or `name:argument`.

    Raises
    ------
    AlignkitError
        When there is no such repair, or its argument is missing, unwanted or no whole number.
    """
    name, _, text = spec.partition(":")
    card = REPAIRS.get(name)
    if bool(text) != bool(card.argument):
        how = f"{name}:N, N being {card.argument}" if card.argument else name
        raise AlignkitError(f"write the repair {spec!r} as {how}")
    if text and not (text.isdecimal() and int(text) > 0):
        raise AlignkitError(f"{text!r} in {spec!r} is no {card.argument}; write e.g. {name}:1")
    return card, int(text or 0)

"""Rows of the tables, and which cells each averages: pairs, languages, groups, all."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from alignkit.tables import AVERAGE

Array = np.ndarray
Pair = tuple[str, str]  # query language, passage language
Groups = Mapping[str, Mapping[str, str]]  # grouping → language → label, as script → el → Greek


@dataclass(frozen=True)
class Outputs:
    """Labels of rows (query language, passage language), and their cells: (cells, outputs) bool."""

    labels: tuple[Pair, ...]
    members: Array

    def and_also(self, labels: list[Pair], members: list[Array]) -> "Outputs":
        """Add rows; `members` holds an array (cells,) for each."""
        if not labels:
            return self
        more = np.column_stack([self.members, *members])
        return Outputs((*self.labels, *labels), more)


def outputs_of_pairs(
    pairs: list[tuple[int, int]],
    languages: tuple[str, ...],
    groups: Groups,
    *,
    by_language: bool = True,
) -> Outputs:
    """Rows for pairs, for the mean of each query language, of each group, and of all."""
    asked, answered = np.array(pairs, int).reshape(-1, 2).T
    own = Outputs(
        tuple((languages[a], languages[b]) for a, b in pairs), np.eye(len(pairs), dtype=bool)
    )
    chosen = [a for a in range(len(languages)) if by_language and np.any(asked == a)]
    own = own.and_also([(languages[a], AVERAGE) for a in chosen], [asked == a for a in chosen])
    own = own.and_also(*_of_groups(asked, answered, languages, groups, by_language=by_language))
    return own.and_also([(AVERAGE, AVERAGE)], [np.ones(len(pairs), bool)])


def outputs_of_languages(languages: tuple[str, ...], groups: Groups) -> Outputs:
    """Rows for each query language, for the mean of each group, and of all."""
    n = len(languages)
    own = Outputs(tuple((a, AVERAGE) for a in languages), np.eye(n, dtype=bool))
    labels: list[Pair] = []
    members: list[Array] = []
    for group in _labels(languages, groups):
        labels.append((group.label, AVERAGE))
        members.append(group.has)
    return own.and_also(labels, members).and_also([(AVERAGE, AVERAGE)], [np.ones(n, bool)])


def outputs_of_all() -> Outputs:
    """One row, for all languages at once."""
    return Outputs(((AVERAGE, AVERAGE),), np.ones((1, 1), bool))


def outputs_of_shares(languages: tuple[str, ...], groups: Groups, *, averages: bool) -> Outputs:
    """Rows for all pairs; with `averages` also means over each language with itself.

    A share has no mean over passage languages, since rows sum to 1, so it has no averages.
    """
    n = len(languages)
    own = Outputs(tuple((a, b) for a in languages for b in languages), np.eye(n * n, dtype=bool))
    if not averages:
        return own
    diagonal = np.eye(n, dtype=bool).ravel()
    asked = np.repeat(np.arange(n), n)
    own = own.and_also(
        [(a, AVERAGE) for a in languages], [diagonal & (asked == a) for a in range(n)]
    )
    for group in _labels(languages, groups):
        own = own.and_also([(group.label, AVERAGE)], [diagonal & group.has[asked]])
    return own.and_also([(AVERAGE, AVERAGE)], [diagonal])


@dataclass(frozen=True)
class _Group:
    label: str  # "script:Latn"
    grouping: str
    has: Array  # (languages,) bool


def _labels(languages: tuple[str, ...], groups: Groups) -> list[_Group]:
    found: list[_Group] = []
    for grouping, label_of in groups.items():
        own = np.array([label_of[language] for language in languages])
        found += [_Group(f"{grouping}:{label}", grouping, own == label) for label in sorted({*own})]
    return found


def _of_groups(
    asked: Array,
    answered: Array,
    languages: tuple[str, ...],
    groups: Groups,
    *,
    by_language: bool,
) -> tuple[list[Pair], list[Array]]:
    """Rows for a group that asks, and for two groups of one grouping; empty ones are left out."""
    labels: list[Pair] = []
    members: list[Array] = []
    known = _labels(languages, groups)
    for group in known:
        asks = group.has[asked]
        if by_language and asks.any():
            labels.append((group.label, AVERAGE))
            members.append(asks)
        for other in known:
            both = asks & other.has[answered]
            if other.grouping == group.grouping and both.any():
                labels.append((group.label, other.label))
                members.append(both)
    return labels, members

"""Groupings of languages: by script, by family, by whether a model was trained on them."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from alignkit import languages as names
from alignkit.errors import AlignkitError
from alignkit.outputs import Groups

GROUPINGS = ("script", "family", "seen")
SEEN, UNSEEN = "yes", "no"


def groups_of(
    groupings: Sequence[str],
    languages: Iterable[str],
    *,
    seen: Sequence[str] | None = None,
    trainings: Sequence[Path] = (),
) -> Groups:
    """Say for each grouping which group a language is in.

    Scripts are ISO 15924 codes (CLDR's likely subtags), families those of Glottolog's top level.
    What was seen is `seen`, else what the trainings of alignkit that made the checkpoints say.

    Raises
    ------
    AlignkitError
        When there is no such grouping, or nobody says which languages were seen.

    Examples
    --------
    >>> groups_of(["script"], ["el", "en"])
    {'script': {'el': 'Grek', 'en': 'Latn'}}
    """
    languages = list(languages)
    found: dict[str, dict[str, str]] = {}
    for grouping in groupings:
        if grouping not in GROUPINGS:
            raise AlignkitError(
                f"--group-by knows no {grouping!r}; name some of {', '.join(GROUPINGS)}"
            )
        if grouping == "script":
            found[grouping] = {language: names.script(language) for language in languages}
        elif grouping == "family":
            found[grouping] = {language: names.family(language) for language in languages}
        else:
            known = {names.normalise(code) for code in seen} if seen else _trained_on(trainings)
            found[grouping] = {
                language: SEEN if language in known else UNSEEN for language in languages
            }
    return found


def _trained_on(trainings: Sequence[Path]) -> set[str]:
    """Read the languages of trainings, which must be the same for all."""
    found = {path: _languages_of(path) for path in trainings}
    told = {frozenset(languages) for languages in found.values() if languages}
    if len(told) == 1:
        return set(next(iter(told)))
    why = "the checkpoints were trained on different ones" if told else "no checkpoint says it"
    raise AlignkitError(
        f"--group-by seen needs the languages that were trained on, and {why}; "
        "name them: --seen ar,de,en"
    )


def _languages_of(path: Path) -> set[str]:
    for folder in (path, path.parent):
        try:
            stored = json.loads((folder / "provenance.json").read_text("utf-8"))
            return {code for part in stored["settings"]["train"] for code in part["languages"]}
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return set()

"""The generated part of the sample: rooms of an imaginary museum × what is in them."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alignkit.datasets import Request, choose_languages, dataset
from alignkit.datasets.assemble import Answer, TextRow, assemble
from alignkit.datasets.reading import read_json
from alignkit.errors import AlignkitError
from alignkit.tables import Dataset, DatasetCard

FOLDER = Path(__file__).parent / "sample_generated"  # tables of words; the folder is no package
ONE_IN = 6  # of the combinations of a room and a relation, so many are for the test

CARD = DatasetCard(
    name="sample-generated",
    title="alignkit's sample, generated part",
    languages=("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh"),
    licence="CC0-1.0; names of countries from Unicode CLDR, Unicode-3.0",
    source="generated from tables written for alignkit, bundled with it",
    description=(
        "Questions put together from tables: 60 rooms of an imaginary museum, named after "
        "countries, × 16 things one may ask of a room, each with its answer, parallel in all "
        "languages. The test asks for combinations that training has not seen, of rooms and "
        "things that it has. Sentences from a pattern, for training a small model in seconds: what "
        "is found on them says how training works, and nothing of natural questions."
    ),
    splits=("train", "test"),
)


@dataset(CARD)
def load(path: Path | None, request: Request) -> Dataset:
    """Put the sentences together; the same in every language, and every time."""
    if path is not None:
        raise AlignkitError(
            f"the dataset {CARD.name!r} is bundled and takes no path; write {CARD.name!r}"
        )
    rooms: Any = read_json(FOLDER / "rooms.json")
    queries: list[TextRow] = []
    passages: list[TextRow] = []
    for language in choose_languages(CARD.name, CARD.languages, request):
        words: Any = read_json(FOLDER / f"{language}.json")
        for own_id, room, relation, value in _facts(rooms[language], words, request.split):
            question, statement = words["relations"][relation]
            queries.append(TextRow(language, own_id, question.format(room=room)))
            passages.append(TextRow(language, own_id, statement.format(room=room, value=value)))
    answers = [Answer(query.language, query.own_id, query.own_id) for query in queries]
    return assemble(CARD, queries, passages, answers)


def _facts(
    rooms: dict[str, str], words: dict[str, Any], split: str
) -> Iterator[tuple[str, str, str, str]]:
    """Give id, room, relation and value of every fact of a split, in the words of a language."""
    for code, room in rooms.items():
        for relation in words["relations"]:
            own_id = f"{code.lower()}-{relation}"
            # A hash: the same everywhere and always, and no pattern that a model could learn.
            number = int.from_bytes(hashlib.sha256(own_id.encode()).digest()[:8], "big")
            if (number % ONE_IN == 0) == (split == "test"):
                values = words["values"][relation]
                value = sorted(values)[number // ONE_IN % len(values)]
                yield own_id, room, relation, values[value]

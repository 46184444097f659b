"""What the page's linked maps hold: a point a query and checkpoint, and the queries' texts."""

import base64
from typing import Any

import numpy as np
import pandas as pd

from alignkit.figures.selection import languages_of, where
from alignkit.report.coded import Coded, listed
from alignkit.report.passages import cut
from alignkit.tables import Results

STEPS = 65_535  # a coordinate is one of so many
LONGEST = 160  # characters of a text that is shown at a point
MOST_TEXT = 4_000_000  # characters of all texts; a map of more points shows ids alone


def map_points(results: Results, dataset: str, ranks: Coded) -> dict[str, Any] | None:
    """Lay out maps of a dataset's queries, whose questions `ranks` name; None if the run has none.

    `maps` has the coordinates of each checkpoint as base64 of little-endian uint16, x and y in
    turn, in the order of the points of `ids`, each map filling its square. `questions` are equal
    for translations, -1 where a query has none. `texts` is null where there are none, or too many.
    """
    rows = where(results.projection, dataset=dataset)
    if not len(rows):
        return None
    labels = [label for label in results.checkpoints if label in rows["checkpoint"].unique()]
    maps = {label: where(rows, checkpoint=label).set_index("id") for label in labels}
    first = maps[labels[0]]
    ids = listed(first.index)
    place = {code: i for i, code in enumerate(languages_of(results, dataset))}
    languages = [place[code] for code in listed(first["language"])]
    return {
        "checkpoints": [results.checkpoints.index(label) for label in labels],
        "maps": [_packed(own.loc[ids, ["x", "y"]].to_numpy(np.float64)) for own in maps.values()],
        "trust": [_trust(results, dataset, label) for label in labels],
        "languages": languages,
        "questions": _questions(ranks, ids),
        "ids": [name.partition(":")[2] for name in ids],
        "texts": _texts(results, dataset, ids),
    }  # fmt: skip


def _trust(results: Results, dataset: str, label: str) -> float | None:
    found = (results.provenance.get("projection") or {}).get(dataset, {}).get(label, {})
    return found.get("trustworthiness")


def _packed(points: np.ndarray) -> str:
    """Scale both coordinates alike, so that distances keep their proportions, and centre them."""
    low, high = points.min(axis=0), points.max(axis=0)
    extent = float((high - low).max()) or 1.0
    scaled = np.round(((points - (low + high) / 2) / extent + 0.5) * STEPS).astype("<u2")
    return base64.b64encode(scaled.tobytes()).decode("ascii")


def _questions(ranks: Coded, ids: list[str]) -> list[int]:
    question = ranks.leads("query", "parallel_id")
    return pd.factorize(np.array([question.get(name) or None for name in ids], object))[0].tolist()


def _texts(results: Results, dataset: str, ids: list[str]) -> list[str | None] | None:
    texts = where(results.texts, dataset=dataset, role="query")
    if not len(texts) or texts["text"].str.len().clip(upper=LONGEST).sum() > MOST_TEXT:
        return None
    known = dict(zip(listed(texts["id"]), listed(texts["text"]), strict=True))
    return [cut(known.get(name), LONGEST) for name in ids]

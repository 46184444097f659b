"""The data behind the page's moving parts, as one compressed text inside it."""

import base64
import json
import zlib
from dataclasses import replace
from typing import Any

from alignkit.figures.selection import candidates_of, languages_of, steps_of
from alignkit.languages import is_right_to_left, name
from alignkit.report.pairs import pair_measures
from alignkit.report.points import map_points
from alignkit.report.questions import pair_questions, ranks_of
from alignkit.report.trade_off import trade_off
from alignkit.tables import Results

LEVEL = 4  # of zlib: 6 took twice the time for a page 2 % smaller


def payload(results: Results) -> str:
    """Everything that the page's scripts show, as base64 of deflated JSON."""
    text = json.dumps(page_data(results), ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode("utf-8"), LEVEL)).decode("ascii")


def page_data(results: Results) -> dict[str, Any]:
    """Gather them, plain JSON types; of a training's steps the first and the last."""
    ends = _ends(results)
    spoken = {*languages_of(results), *results.texts["language"].unique(), results.reader_language}
    return {
        "checkpoints": ends.checkpoints,
        "baseline": ends.checkpoints.index(ends.baseline),
        "candidates": [ends.checkpoints.index(label) for label in candidates_of(ends)],
        "reader": results.reader_language,
        "names": {code: [name(code), "rtl" if is_right_to_left(code) else "ltr"]
                  for code in sorted(spoken)},
        "datasets": [_dataset(results, ends, dataset) for dataset in results.datasets],
    }  # fmt: skip


def _dataset(results: Results, ends: Results, dataset: str) -> dict[str, Any]:
    ranks = ranks_of(ends, dataset)
    return {
        "name": dataset,
        "languages": languages_of(ends, dataset),
        "tradeOff": trade_off(results, dataset),
        "measures": pair_measures(ends, dataset),
        "pairs": pair_questions(ends, dataset, ranks),
        "points": map_points(ends, dataset, ranks),
    }


def _ends(results: Results) -> Results:
    if not steps_of(results):
        return results
    entries = results.provenance["checkpoints"]
    ends = [one for one in entries if one["label"] in (results.baseline, entries[-1]["label"])]
    return replace(results, provenance={**results.provenance, "checkpoints": ends})

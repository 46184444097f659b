"""Results in the layout of MTEB's own: one JSON a checkpoint and dataset.

MTEB scores one pool a language, so these are the monolingual setting's values, a subset for each
language. Language bias has no place there.
"""

import json
from typing import Any

import numpy as np
import pandas as pd

from alignkit.tables import AVERAGE

LAYOUT = "2.0.0"  # the version of MTEB whose layout this is
MAIN = "ndcg_at_10"


def mteb_result(metrics: pd.DataFrame, checkpoint: str, described: dict[str, Any]) -> str:
    """Give the file's text for a checkpoint's rows of `Results.metrics` on one dataset."""
    rows = metrics[
        (metrics["checkpoint"] == checkpoint)
        & (metrics["dataset"] == described["name"])
        & (metrics["task"] == "answer-retrieval")
        & (metrics["setting"] == "monolingual")
        & (metrics["query_language"] != AVERAGE)
        & (metrics["query_language"] == metrics["passage_language"])
    ]
    scores: list[dict[str, Any]] = []
    for code, of_language in rows.groupby("query_language", sort=True):
        values = dict(zip(of_language["metric"], of_language["value"], strict=True))
        named = {_key(name): float(v) for name, v in values.items() if not np.isnan(v)}
        scores.append({
            **named, "main_score": named.get(MAIN), "hf_subset": str(code),
            "languages": [_long(str(code))],
        })  # fmt: skip
    content = {
        "dataset_revision": described["checksum"],
        "task_name": f"alignkit-{described['name']}",
        "mteb_version": LAYOUT,
        "scores": {"test": scores},
        "evaluation_time": None,
        "kg_co2_emissions": None,
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def mteb_model(described: dict[str, Any]) -> str:
    """Give the text of `model_meta.json` for a checkpoint's description.

    Fields of MTEB's alone: its model of the file forbids others.
    """
    content = {
        "name": f"alignkit/{described['label']}",
        "revision": described.get("fingerprint"),
        "framework": ["Sentence Transformers"],
        "loader": None,
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _key(metric: str) -> str:
    return metric.replace("@", "_at_")


def _long(code: str) -> str:
    """Write a language as MTEB does, `deu-Latn`."""
    import langcodes  # a seventh of a second, for a file that few ask for

    language = langcodes.Language.get(code).maximize()
    return f"{language.to_alpha3()}-{language.script}"

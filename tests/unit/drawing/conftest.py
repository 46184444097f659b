"""Results of a run that never was: plausible, seeded, for any number of checkpoints, languages."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd
import pytest

from alignkit.tables import (
    COMPARISON_COLUMNS,
    HIT_COLUMNS,
    METRIC_COLUMNS,
    STORED_TEXT_COLUMNS,
    Results,
    SimilarityMatrix,
)

ANSWERS, QUESTIONS = "answer-retrieval", "question-alignment"
SHARES = ["recall@1", "recall@5", "recall@10", "recall@100", "hit@10", "precision@10", "map", "mrr",
          "ndcg@10"]  # fmt: skip
PROJECTED = ["checkpoint", "id", "language", "role", "x", "y", "pca_x", "pca_y", "dataset"]
ASKED = ["checkpoint", "dataset", "task", "setting", "query_language", "passage_language", "query",
         "parallel_id", "passage", "rank", "score", "average_precision"]  # fmt: skip
KEY = ["dataset", "task", "setting", "query_language", "passage_language", "metric"]


def build_results(
    checkpoints=("base", "tuned"),
    languages=("ar", "de", "en", "hi", "th"),
    *,
    datasets=("sample",),
    n_ids=40,
    seed=0,
    undefined=(),
    tasks=(ANSWERS, QUESTIONS),
    projection=True,
) -> Results:
    """Build results in which each checkpoint is a little less biased than the one before.

    `undefined` metrics are null, with a reason.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for dataset, (step, checkpoint) in product(datasets, enumerate(checkpoints)):
        for task, setting, query, pool, metric, value in _values(languages, tasks, step, rng):
            known = np.nan if metric in undefined else value
            spread = 0.05 * abs(value) + 0.004
            reason = "no parallel queries" if metric in undefined else None
            rows.append((checkpoint, dataset, task, setting, query, pool, metric, known,
                         known - spread, known + spread, n_ids, *_limits(metric, languages),
                         reason))  # fmt: skip
    metrics = pd.DataFrame(rows, columns=[*METRIC_COLUMNS, "best", "random", "reason"])
    matrices = [
        SimilarityMatrix(
            checkpoint, dataset, name, tuple(sorted(languages)), _cosines(rng, languages)
        )
        for dataset, checkpoint in product(datasets, checkpoints)
        for name in ("cosine_parallel", "cosine_random", "cosine_margin")
        if QUESTIONS in tasks
    ]
    return Results(
        metrics,
        _comparisons(metrics, checkpoints, rng),
        _per_query(checkpoints, languages, datasets, n_ids, rng)
        if ANSWERS in tasks
        else pd.DataFrame(columns=ASKED),
        matrices,
        _projection(checkpoints, languages, datasets, n_ids, rng)
        if projection
        else pd.DataFrame(columns=PROJECTED),
        _provenance(checkpoints, languages, datasets, n_ids),
        hits=_hits(checkpoints, languages, datasets, n_ids, tasks),
        texts=_texts(languages, datasets, n_ids),
    )


def _limits(metric, languages):
    """Best possible value and that of a random ranking; a language has one answer a question."""
    if metric == "rank_distance":
        return len(languages) - 1.0, 2000.0
    return (1.0, 0.02) if metric in SHARES else (np.nan, np.nan)


def _values(languages, tasks, step, rng):
    if QUESTIONS in tasks:
        yield from _alignment(languages, step, rng)
    if ANSWERS in tasks:
        yield from _retrieval(languages, step, rng)
        yield from _bias(languages, step, rng)


def _places(languages):
    pairs = [(a, b) for a, b in product(languages, languages) if a != b]
    each = [(a, "*") for a in languages]
    return {
        "monolingual": [*((a, a) for a in languages), ("*", "*")],
        "cross-lingual": [*pairs, *each, ("*", "*")],
        "multilingual": [*each, ("*", "*")],
    }


def _alignment(languages, step, rng):
    for metric in ("cosine_parallel", "cosine_random", "cosine_margin", "recall@1", "mrr"):
        for a, b in _places(languages)["cross-lingual"]:
            yield QUESTIONS, "cross-lingual", a, b, metric, rng.uniform(0.3, 0.7) + 0.03 * step


def _retrieval(languages, step, rng):
    for level, (setting, places) in enumerate(_places(languages).items()):
        for metric, (a, b) in product(SHARES, places):
            value = rng.uniform(0.55, 0.75) - 0.12 * level + 0.03 * step
            yield ANSWERS, setting, a, b, metric, value


def _bias(languages, step, rng):
    places = _places(languages)["multilingual"]
    for a, b in places:
        distance = rng.uniform(300, 900) / (1 + step)
        yield ANSWERS, "multilingual", a, b, "rank_distance", distance
        yield ANSWERS, "multilingual", a, b, "max_rank", distance + 12
        yield ANSWERS, "multilingual", a, b, "complete@20", rng.uniform(0, 0.3)
    pairs = list(product(languages, languages))
    for a, b in [*pairs, *places]:
        rank = 2.0 if a == b else rng.lognormal(4, 1)
        yield ANSWERS, "multilingual", a, b, "preference_rank", rank
        yield ANSWERS, "multilingual", a, b, "same_language_lift@10", rng.uniform(0.5, 3)
    for a, b in pairs:
        share = (0.5 if a == b else 0) + 0.5 / len(languages)
        yield ANSWERS, "multilingual", a, b, "language_share@10", share


def _cosines(rng, languages):
    values = rng.uniform(0.2, 0.9, (len(languages), len(languages)))
    return (values + values.T) / 2


def _comparisons(metrics, checkpoints, rng):
    baseline, *candidates = checkpoints
    base = metrics[metrics["checkpoint"] == baseline].set_index(KEY)
    tables = []
    for candidate in candidates:
        own = metrics[metrics["checkpoint"] == candidate].set_index(KEY)
        delta = own["value"] - base["value"]
        spread = 0.02 * own["value"].abs() + 0.003
        p_value = np.where(delta.abs() > spread, 0.001, rng.uniform(0.1, 1, len(delta)))
        tables.append(pd.DataFrame({
            "baseline": baseline, "candidate": candidate, "baseline_value": base["value"],
            "candidate_value": own["value"], "delta": delta, "ci_low": delta - spread,
            "ci_high": delta + spread, "p_value": np.where(delta.isna(), np.nan, p_value),
            "p_adjusted": np.where(delta.isna(), np.nan, np.minimum(1, 3 * p_value)),
            "n": own["n"], "effect_size": delta / spread, "mdd": 1.4 * spread,
            "reason": own["reason"],
        }).reset_index())  # fmt: skip
    columns = [*COMPARISON_COLUMNS, "effect_size", "mdd", "reason"]
    return pd.concat(tables)[columns] if tables else pd.DataFrame(columns=columns)


def _per_query(checkpoints, languages, datasets, n_ids, rng):
    rows = pd.DataFrame(
        [
            (
                checkpoint,
                dataset,
                ANSWERS,
                "multilingual",
                a,
                b,
                f"{a}:q{i}",
                f"q{i}",
                f"{b}:{i}-0-0",
            )
            for checkpoint, dataset, a, b, i in product(
                checkpoints, datasets, languages, languages, range(n_ids)
            )
        ],
        columns=ASKED[:9],
    )
    n = len(rows)
    return rows.assign(rank=rng.integers(1, 400, n), score=rng.random(n), average_precision=0.4)


def _hits(checkpoints, languages, datasets, n_ids, tasks):
    """Five passages a query: those of its language that answer it and the questions after it."""
    rows = [
        (checkpoint, dataset, f"{a}:q{i}", k + 1, f"{a}:{(i + k) % n_ids}-0-0", 0.9 - k / 10)
        for checkpoint, dataset, a, i, k in product(
            checkpoints, datasets, languages, range(n_ids), range(5)
        )
        if ANSWERS in tasks
    ]
    return pd.DataFrame(rows, columns=HIT_COLUMNS)


def _texts(languages, datasets, n_ids):
    said = {"query": ("q{i}", "Question {i} in {code}?"), "passage": ("{i}-0-0", "{code} <i>{i}")}
    rows = [
        (dataset, role, f"{code}:{name.format(i=i)}", code, text.format(i=i, code=code))
        for dataset, (role, (name, text)), code, i in product(
            datasets, said.items(), languages, range(n_ids)
        )
    ]
    return pd.DataFrame(rows, columns=STORED_TEXT_COLUMNS)


def _projection(checkpoints, languages, datasets, n_ids, rng):
    tables = []
    for step, checkpoint in enumerate(checkpoints):
        topic = rng.normal(size=(n_ids, 1, 2)) * 3
        offset = rng.normal(size=(1, len(languages), 2)) * 4 / (1 + 2 * step)
        points = (topic + offset + 0.3 * rng.normal(size=(n_ids, len(languages), 2))).reshape(-1, 2)
        codes = [code for _ in range(n_ids) for code in languages]
        table = pd.DataFrame({
            "checkpoint": checkpoint,
            "id": [f"{code}:q{i}" for i in range(n_ids) for code in languages],
            "language": codes, "role": "query",
            "x": points[:, 0], "y": points[:, 1],
            "pca_x": points[:, 1] / 9, "pca_y": points[:, 0] / 9,
        })  # fmt: skip
        tables += [table.assign(dataset=dataset) for dataset in datasets]
    return pd.concat(tables, ignore_index=True)[PROJECTED]


def _provenance(checkpoints, languages, datasets, n_ids):
    return {
        "schema": "alignkit.results/1",
        "checkpoints": [
            {"label": label, "location": f"models/{label}", "fingerprint": f"{i}abcdef0123456789"}
            for i, label in enumerate(checkpoints)
        ],
        "datasets": [
            {
                "name": name, "title": f"The {name} data", "licence": "CC-BY-SA-4.0",
                "source": "https://example.org/data", "description": "Questions and answers.",
                "languages": sorted(languages), "queries": dict.fromkeys(languages, n_ids),
                "passages": dict.fromkeys(languages, 2 * n_ids), "duplicate_passages": 3,
                "checksum": "feedbeef" * 8,
                "notes": ["3 passages stand twice"],
            }
            for name in datasets
        ],
        "baseline": checkpoints[0],
        "settings": {"candidate": "sentence", "seed": 0, "bootstrap": 1000, "split": None},
        "command": f"alignkit compare {' '.join(checkpoints)}",
        "environment": {
            "packages": {"alignkit": "0.1.0", "numpy": "2.3.0"}, "cores": 2, "gpu": None,
        },
        "projection": {
            name: {
                label: {"trustworthiness": 0.9, "trustworthiness_pca": 0.7} for label in checkpoints
            }
            for name in datasets
        },
        "metric_cards": {
            "rank_distance": {
                "definition": "Worst minus best rank among a query's relevant passages.",
                "range": [0.0, None], "direction": "lower is better",
                "source": "arXiv 2408.10536",
            },
            "map": {
                "definition": "Mean average precision.", "range": [0.0, 1.0],
                "direction": "higher is better", "source": "arXiv 2004.05484",
            },
        },
    }  # fmt: skip


@pytest.fixture(scope="session")
def make_results() -> Callable[..., Results]:
    return build_results


@pytest.fixture(scope="session")
def results() -> Results:
    return build_results()

"""A bias planted in growing strength, and which measures see it."""

import numpy as np
import pandas as pd

from alignkit.comparison import tabulate
from alignkit.measures import measure
from alignkit.metrics import BIAS, SPACE, metric_of
from alignkit.tables import Dataset, DatasetCard, Embeddings, Texts

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
LANGUAGES = ("ar", "de", "en", "th", "zh")
IDS, DIM, NOISE, SEEDS = 200, 32, 0.3, 3
SLACK = 0.02  # of the range: what noise may take back where a measure has reached its end


def parallel() -> Dataset:
    """Questions in every language, each with one answer in every language."""
    queries = [(f"{a}:{i}", a, str(i), f"{a}? {i}") for a in LANGUAGES for i in range(IDS)]
    passages = [(f"{a}:p{i}", a, "", f"{a} {i}") for a in LANGUAGES for i in range(IDS)]
    qrels = [(f"{a}:{i}", f"{a}:p{i}", 1) for a in LANGUAGES for i in range(IDS)]
    columns = ["id", "language", "parallel_id", "text"]
    return Dataset(
        DatasetCard("ladder", "simulated", (), "none", "simulated", ""),
        Texts(pd.DataFrame(queries, columns=columns)),
        Texts(pd.DataFrame(passages, columns=columns)),
        pd.DataFrame(qrels, columns=["query_id", "passage_id", "relevance"]),
        "0",
    )


def planted(dataset: Dataset, strength: float, seed: int) -> tuple[Embeddings, Embeddings]:
    """Meaning, noise, and `strength` times a direction of each language."""
    rng = np.random.default_rng(seed)
    offsets = np.linalg.qr(rng.standard_normal((DIM, DIM)))[0][: len(LANGUAGES)]
    meaning = np.tile(rng.standard_normal((IDS, DIM)) / np.sqrt(DIM), (len(LANGUAGES), 1))
    sides = []
    for part in (dataset.queries, dataset.passages):
        vectors = meaning + NOISE * rng.standard_normal(meaning.shape) / np.sqrt(DIM)
        vectors += strength * offsets[part.language_codes]
        sides.append(Embeddings(part, vectors.astype(np.float32)))
    return sides[0], sides[1]


def ladder() -> pd.DataFrame:
    """Average of every measure of bias and of the space at every strength and seed."""
    dataset = parallel()
    rows = []
    for seed in range(SEEDS):
        for strength in STRENGTHS:
            sides = planted(dataset, strength, seed)
            table, _ = tabulate({"a": measure(dataset, *sides)}, "a", n_resamples=10)
            whole = table[(table["query_language"] == "*") & (table["passage_language"] == "*")]
            rows += [
                (row.task, row.setting, row.metric, strength, seed, row.value)
                for row in whole.itertuples()
                if row.setting == "multilingual" or row.task == "question-alignment"
            ]
    return pd.DataFrame(rows, columns=["task", "setting", "metric", "strength", "seed", "value"])


def verdicts(steps: pd.DataFrame) -> pd.DataFrame:
    """Say of each measure whether it follows the bias."""
    rows = []
    for (task, setting, metric), own in steps.groupby(["task", "setting", "metric"], sort=False):
        values = own.groupby("strength")["value"].mean()
        card = metric_of(metric)
        kind = "bias" if card.settings == BIAS else "space" if card.settings == SPACE else ""
        rows.append((metric, task, setting, kind, f"{values.iloc[0]:.3g}", f"{values.iloc[-1]:.3g}",
                     _verdict(values.to_numpy())))  # fmt: skip
    table = pd.DataFrame(
        rows, columns=["measure", "task", "setting", "kind", "λ = 0", "λ = 2", "verdict"]
    )
    return table.sort_values(["verdict", "kind", "measure"], kind="stable")


def _verdict(values: np.ndarray) -> str:
    if np.isnan(values).any():
        return "blind: undefined"
    span = np.ptp(values)
    if span < 0.01 * max(np.abs(values).max(), 1e-9):
        return "blind: does not move"
    change = np.diff(values) * np.sign(values[-1] - values[0])
    return "sees it" if change.min() >= -SLACK * span else "not monotone"

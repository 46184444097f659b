"""alignkit's measures as an evaluator of the sentence-transformers Trainer."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sentence_transformers.base.evaluation import BaseEvaluator

from alignkit.kernels.resampling import group_means, ratios
from alignkit.measures import Measured, measure
from alignkit.tables import Dataset, Embeddings, Role, Texts

# name in the log → task, setting, metric
SHOWN = {
    "monolingual_map": ("answer-retrieval", "monolingual", "map"),
    "cross-lingual_map": ("answer-retrieval", "cross-lingual", "map"),
    "multilingual_map": ("answer-retrieval", "multilingual", "map"),
    "rank_distance": ("answer-retrieval", "multilingual", "rank_distance"),
    "translation_recall@1": ("question-alignment", "cross-lingual", "recall@1"),
    "cosine_margin": ("question-alignment", "cross-lingual", "cosine_margin"),
}
# What early stopping goes by, the first that the data allow; higher is better.
DECIDING = ("multilingual_map", "monolingual_map", "translation_recall@1")


class AlignmentEvaluator(BaseEvaluator):
    """Averages over languages of alignment and bias; a class as the Trainer wants it.

    Over several datasets, the mean of theirs. Nothing is cached: weights change from one call to
    the next. `prompts` are put before queries and passages.
    """

    def __init__(self, datasets: Sequence[Dataset], prompts: Mapping[Role, str]) -> None:
        super().__init__()
        self._datasets = list(datasets)
        self._prompts = dict(prompts)
        self.primary_metric = next(name for name in DECIDING if name in self._names())

    def _names(self) -> set[str]:
        tasks = {task.name for dataset in self._datasets for task in dataset.tasks}
        return {name for name, (task, *_) in SHOWN.items() if task in tasks}

    def __call__(
        self,
        model: Any,  # noqa: ANN401  a SentenceTransformer
        output_path: str | None = None,
        epoch: float = -1.0,
        steps: int = -1,
    ) -> dict[str, float]:
        """Embed and measure; the log of the training keeps what is returned."""
        del output_path, epoch, steps
        found: dict[str, list[float]] = {}
        for dataset in self._datasets:
            queries = self._embed(model, dataset.queries, "query")
            passages = self._embed(model, dataset.passages, "passage")
            only = {metric for *_, metric in SHOWN.values()}
            for measured in measure(dataset, queries, passages, only=only).measured:
                key = (measured.task, measured.setting, measured.metric)
                for name, wanted in SHOWN.items():
                    if key == wanted:
                        found.setdefault(name, []).append(_macro(measured))
        means = {name: float(np.mean(values)) for name, values in found.items()}
        return {name: value for name, value in means.items() if np.isfinite(value)}

    def _embed(self, model: Any, texts: Texts, role: Role) -> Embeddings:  # noqa: ANN401
        encode = model.encode_query if role == "query" else model.encode_document
        distinct = texts.frame["text"].unique().tolist()
        if not distinct:
            return Embeddings(texts, np.zeros((0, model.get_embedding_dimension()), np.float32))
        vectors = encode(
            distinct, prompt=self._prompts[role], batch_size=128, show_progress_bar=False
        )
        row = {text: i for i, text in enumerate(distinct)}
        chosen = np.asarray(vectors, np.float32)[[row[text] for text in texts.frame["text"]]]
        return Embeddings(texts, chosen, model.similarity_fn_name or "cosine")


def _macro(measured: Measured) -> float:
    """Mean over all languages or pairs, which every table shows under (*, *)."""
    design = measured.design
    cells = ratios(
        measured.numerator.sum(axis=0, keepdims=True), design.denominator.sum(axis=0, keepdims=True)
    )
    return float(group_means(cells, design.members[:, -1:])[0, 0])

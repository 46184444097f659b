"""Losses: InfoNCE as sentence-transformers has it, and one-to-K's, which it has not."""

from collections.abc import Iterable
from typing import Any

import torch
from sentence_transformers.sentence_transformer.losses import (
    CachedMultipleNegativesRankingLoss,
    MultipleNegativesRankingLoss,
)
from torch import Tensor, nn

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.001, 0.5  # arXiv 2406.18254, its code


def info_nce(
    model: Any,  # noqa: ANN401  sentence-transformers asks for its own, but any module will do
    temperature: float,
    *,
    mini_batch: int | None = None,
) -> nn.Module:
    """InfoNCE with in-batch negatives over cosines, arXiv 1807.03748 eq. 4.

    The passages, and hard negatives, of the whole batch stand below the fraction; where several
    processes train, those of all. With `mini_batch` texts are embedded so many at a time, so that a
    large batch fits into memory (GradCache, arXiv 2101.06983): the same loss and gradients, more
    slowly.
    """
    across = torch.distributed.is_available() and torch.distributed.is_initialized()
    options: dict[str, Any] = {"scale": 1 / temperature, "gather_across_devices": across}
    if mini_batch is None:
        return MultipleNegativesRankingLoss(model, **options)
    return CachedMultipleNegativesRankingLoss(model, mini_batch_size=mini_batch, **options)


class OneToKLoss(nn.Module):
    """Contrast every query with its passages in all K languages at once, arXiv 2406.18254 §3.

    For a batch of N queries q_i with passages p_ik and s the cosine over the temperature,

        L_q→K = -1/N Σ_i Σ_k log( exp s(q_i, p_ik) / Σ_jl exp s(q_i, p_jl) )
        L_K→q = -1/N Σ_i Σ_k log( exp s(q_i, p_ik) / Σ_j exp s(q_j, p_ik) )

    and L = (L_q→K + L_K→q) / 2K: all passages of the batch stand below the first fraction, all
    queries below the second. The temperature is learned, and kept in [.001, .5].

    Columns are the query and then K passages, as `alignkit.training.one_to_k` gives them. In-batch
    negatives are those of the process's own batch.
    """

    def __init__(self, model: nn.Module, temperature: float = 0.05) -> None:
        super().__init__()
        self.model = model
        self.temperature = nn.Parameter(torch.tensor(float(temperature)))

    def forward(
        self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor | None = None
    ) -> Tensor:
        """Loss of a batch, a scalar."""
        del labels
        columns = [self.model(features)["sentence_embedding"] for features in sentence_features]
        return self.of_vectors(columns[0], torch.stack(columns[1:], dim=1))

    def of_vectors(self, queries: Tensor, passages: Tensor) -> Tensor:
        """Loss of vectors (N, dim) and (N, K, dim) of any length, a scalar."""
        # The parameter itself: a clamp in the graph would leave it no gradient to come back by.
        self.temperature.data.clamp_(LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE)
        n, k = passages.shape[:2]
        unit_queries = nn.functional.normalize(queries, dim=-1)
        unit_passages = nn.functional.normalize(passages, dim=-1).flatten(0, 1)
        scores = unit_queries @ unit_passages.T / self.temperature
        own = torch.arange(n, device=scores.device).repeat_interleave(k)
        places = (own, torch.arange(n * k, device=scores.device))
        to_passages = -nn.functional.log_softmax(scores, dim=1)[places].sum() / n
        to_queries = -nn.functional.log_softmax(scores, dim=0)[places].sum() / n
        return (to_passages + to_queries) / (2 * k)

    def get_config_dict(self) -> dict[str, float]:
        """Say what a model card should: the temperature as it is now."""
        return {"temperature": float(self.temperature.detach())}

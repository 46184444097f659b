"""The losses against plain numpy, and their gradients against finite differences."""

import numpy as np
import pytest
import torch

from alignkit.training import OneToKLoss
from alignkit.training.losses import info_nce


class Vectors(torch.nn.Module):
    """A model that returns what it is given, so that losses see the test's own vectors."""

    def forward(self, features):
        return {"sentence_embedding": features["vectors"]}


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def info_nce_of(queries, passages, negatives, temperature):
    scores = unit(queries) @ unit(np.concatenate([passages, negatives])).T / temperature
    terms = [scores[i, i] - np.log(np.exp(scores[i]).sum()) for i in range(len(queries))]
    return -np.mean(terms)


def one_to_k_of(queries, passages, temperature):
    n, k = passages.shape[:2]
    q, p = unit(queries), unit(passages)
    total = 0.0
    for i in range(n):
        for m in range(k):
            own = np.exp(q[i] @ p[i, m] / temperature)
            to_all_passages = sum(
                np.exp(q[i] @ p[j, x] / temperature) for j in range(n) for x in range(k)
            )
            to_all_queries = sum(np.exp(q[j] @ p[i, m] / temperature) for j in range(n))
            total -= np.log(own / to_all_passages) / n + np.log(own / to_all_queries) / n
    return total / (2 * k)


def features(*columns):
    return [{"vectors": column} for column in columns]


@pytest.mark.parametrize("temperature", [0.02, 0.05, 1.0])
def test_info_nce_is_its_definition(temperature):
    rng = np.random.default_rng(0)
    queries, passages, negatives = rng.standard_normal((3, 7, 5))
    loss = info_nce(Vectors(), temperature)
    found = loss(features(*map(torch.tensor, (queries, passages, negatives))), torch.tensor([]))
    expected = info_nce_of(queries, passages, negatives, temperature)
    assert float(found.detach()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("temperature", [0.02, 0.05, 0.5])
@pytest.mark.parametrize("k", [1, 2, 4])
def test_one_to_k_is_its_definition(temperature, k):
    rng = np.random.default_rng(k)
    queries, passages = rng.standard_normal((6, 5)), rng.standard_normal((6, k, 5))
    loss = OneToKLoss(Vectors(), temperature).double()
    columns = [torch.tensor(queries), *(torch.tensor(passages[:, m]) for m in range(k))]
    expected = one_to_k_of(queries, passages, temperature)
    assert float(loss(features(*columns)).detach()) == pytest.approx(expected, rel=1e-5)


def test_one_to_k_with_one_language_is_symmetric_info_nce():
    rng = np.random.default_rng(1)
    queries, passages = rng.standard_normal((2, 6, 5))
    none = np.zeros((0, 5))
    both = info_nce_of(queries, passages, none, 0.1) + info_nce_of(passages, queries, none, 0.1)
    assert one_to_k_of(queries, passages[:, None], 0.1) == pytest.approx(both / 2)


def test_gradients_are_those_of_finite_differences():
    generator = torch.Generator().manual_seed(0)
    shape = {"dtype": torch.float64, "generator": generator}
    queries = torch.randn(4, 3, **shape).requires_grad_()
    passages = torch.randn(4, 2, 3, **shape).requires_grad_()
    one_to_k = OneToKLoss(Vectors(), 0.2).double()
    assert torch.autograd.gradcheck(one_to_k.of_vectors, (queries, passages))
    plain = info_nce(Vectors(), 0.2)

    def info(q, p):
        return plain(features(q, p[:, 0], p[:, 1]), torch.tensor([]))

    assert torch.autograd.gradcheck(info, (queries, passages))


def test_the_temperature_is_learned_and_stays_in_its_range():
    rng = np.random.default_rng(2)
    columns = [torch.tensor(rng.standard_normal((5, 4)), dtype=torch.float32) for _ in range(3)]
    loss = OneToKLoss(Vectors(), 0.05)
    loss(features(*columns)).backward()
    slope = float(loss.temperature.grad)

    def at(temperature):
        moved = OneToKLoss(Vectors(), temperature).double()
        return float(moved(features(*(column.double() for column in columns))).detach())

    assert slope == pytest.approx((at(0.05 + 1e-6) - at(0.05 - 1e-6)) / 2e-6, rel=1e-3)
    for outside, edge in ((7.0, 0.5), (-1.0, 0.001)):
        loss = OneToKLoss(Vectors(), outside)
        loss(features(*columns))
        assert float(loss.temperature.detach()) == pytest.approx(edge)

"""UMAP of a graph of exact neighbours: the same picture for a seed, whatever the threads.

McInnes, Healy & Melville (2018), arXiv 1802.03426, with the choices of umap-learn, against which
the tests hold it. umap-learn itself compiles for half a minute in every process, and its
approximate neighbours move with noise.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int
from numba import njit
from scipy.optimize import curve_fit
from scipy.sparse import csr_array

Points = Float[np.ndarray, "n 2"]

NEGATIVES = 5  # points that push, for each neighbour that pulls
_EXTENT = np.float32(10)  # of the start, as umap-learn scales it


def umap(
    rows: Int[np.ndarray, "n k"],
    distances: Float[np.ndarray, "n k"],
    start: Points,
    *,
    min_dist: float,
    seed: int,
) -> Float[np.ndarray, "n 2"]:
    """Lay points out near their neighbours.

    Parameters
    ----------
    rows, distances : the k nearest of every point, itself the first at distance 0.
    start : coordinates to begin with, at any scale.
    min_dist : how near to each other points come, where the picture is some ten units wide.
    """
    graph = neighbour_graph(rows, distances)
    epochs = 500 if len(rows) <= 10_000 else 200
    # An edge of the largest weight pulls in every epoch, one of half its weight in every other.
    rate = (graph.data / graph.data.max()).astype(np.float32)
    rate[rate < 1 / epochs] = 0
    low, wide = start.min(axis=0), np.ptp(start, axis=0)
    points = ((start - low) / np.where(wide > 0, wide, 1) * _EXTENT).astype(np.float32)
    a, b = (np.float32(one) for one in curve(min_dist))
    _move(points, graph.indptr, graph.indices, rate, a, b, epochs, seed)
    return points.astype(np.float64)


def curve(min_dist: float) -> tuple[float, float]:
    """Fit a and b of 1 / (1 + a d^2b) to 1 up to min_dist, then exp(min_dist - d)."""
    d = np.linspace(0, 3, 300)
    wanted = np.where(d < min_dist, 1.0, np.exp(min_dist - d))
    (a, b), _ = curve_fit(lambda d, a, b: 1 / (1 + a * d ** (2 * b)), d, wanted)
    return float(a), float(b)


def neighbour_graph(rows: Int[np.ndarray, "n k"], distances: Float[np.ndarray, "n k"]) -> csr_array:
    """Weights of the fuzzy union of all points' neighbourhoods, (n, n), symmetric, in (0, 1]."""
    n, k = rows.shape
    weights = _membership(distances.astype(np.float64))
    weights[rows == np.arange(n)[:, None]] = 0
    directed = csr_array((weights.ravel(), rows.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
    directed.eliminate_zeros()
    other = csr_array(directed.T)
    union = csr_array(directed + other - directed * other)
    union.sort_indices()
    return union


def _membership(distances: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    """exp(-(d - rho) / sigma), rho the nearest distance above 0; a row's sum is log2 of k.

    The point itself, whose weight is dropped, does not count in the sum.
    """
    n, k = distances.shape
    known = np.where(distances > 0, distances, np.inf)
    rho = known.min(axis=1, keepdims=True)
    away = np.maximum(distances - np.where(np.isfinite(rho), rho, 0), 0)
    low, high, sigma = np.zeros((n, 1)), np.full((n, 1), np.inf), np.ones((n, 1))
    for _ in range(64):
        total = np.exp(-away[:, 1:] / sigma).sum(axis=1, keepdims=True)
        high = np.where(total > np.log2(k), sigma, high)
        low = np.where(total > np.log2(k), low, sigma)
        sigma = np.where(np.isinf(high), 2 * sigma, (low + high) / 2)
    mean = distances.mean(axis=1, keepdims=True)
    least = 1e-3 * np.where(np.isfinite(rho), mean, distances.mean())
    return np.exp(-away / np.maximum(sigma, np.maximum(least, 1e-12)))


@no_type_check
@njit(nogil=True, cache=True, fastmath=True)
def _move(points, starts, others, rate, a, b, epochs, seed) -> None:
    """Move points in place, one after the other.

    That each sees where the last one went matters: moved all at once, by threads, they ended in
    maps whose trustworthiness was lower by .02.
    """
    n = np.uint64(points.shape[0])
    # Among 32-bit numbers, so that nothing is worked out in 64 bits.
    one, two, four, soft = np.float32(1), np.float32(2), np.float32(4), np.float32(1e-3)
    state = np.uint64(seed)
    for epoch in range(1, epochs):
        alpha = np.float32(1 - epoch / epochs)
        now, before = np.float32(epoch), np.float32(epoch - 1)
        for j in range(points.shape[0]):
            x, y = points[j, 0], points[j, 1]
            for edge in range(starts[j], starts[j + 1]):
                if np.floor(now * rate[edge]) <= np.floor(before * rate[edge]):
                    continue
                k = others[edge]
                dx, dy = x - points[k, 0], y - points[k, 1]
                d2 = dx * dx + dy * dy
                if d2 > 0:
                    power = d2**b
                    pull = -two * a * b * power / (d2 * (a * power + one))
                    dx = alpha * min(four, max(-four, pull * dx))
                    dy = alpha * min(four, max(-four, pull * dy))
                    x, y = x + dx, y + dy
                    points[k, 0] -= dx
                    points[k, 1] -= dy
                for _ in range(NEGATIVES):
                    # Steele, Lea & Flood (2014): SplitMix
                    state += np.uint64(0x9E3779B97F4A7C15)
                    z = state
                    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
                    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
                    drawn = (z ^ (z >> np.uint64(31))) >> np.uint64(32)
                    k = np.int64((drawn * n) >> np.uint64(32))
                    dx, dy = x - points[k, 0], y - points[k, 1]
                    d2 = dx * dx + dy * dy
                    if k != j and d2 > 0:
                        push = two * b / ((soft + d2) * (a * d2**b + one))
                        x += alpha * min(four, max(-four, push * dx))
                        y += alpha * min(four, max(-four, push * dy))
            points[j, 0], points[j, 1] = x, y

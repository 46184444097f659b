"""Maps of points in two dimensions: neighbours, principal axes, alignment, trustworthiness."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import no_type_check

import numpy as np
import scipy.linalg
from jaxtyping import Float, Int
from numba import njit
from scipy.spatial import KDTree
from threadpoolctl import threadpool_limits

from alignkit.kernels.ranking import cpus

ROWS_AT_ONCE = 256  # 13 MB of float32 scores against 13,090 points


def unit_vectors(vectors: Float[np.ndarray, "n dim"]) -> Float[np.ndarray, "n dim"]:
    """Scale every row to length 1, as a float32 copy; a row of zeros stays what it is."""
    vectors = np.array(vectors, np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=vectors, where=lengths > 0)


def nearest_by_cosine(
    units: Float[np.ndarray, "n dim"], k: int
) -> tuple[Int[np.ndarray, "n k"], Float[np.ndarray, "n k"]]:
    """Rows and cosine distances of the k nearest, each point its own first at distance 0.

    Exact, where umap's own search is approximate, needs seconds to compile and moves with noise.
    """
    n = len(units)
    rows = np.empty((n, k), np.int32)
    distances = np.empty((n, k), np.float32)

    def find(block: np.ndarray, scores: np.ndarray) -> None:
        scores[np.arange(len(scores)), block] = np.inf
        near, near_scores = _largest(scores, k)
        order = np.argsort(-near_scores, axis=1, kind="stable")
        rows[block] = np.take_along_axis(near, order, axis=1)
        distances[block] = 1 - np.take_along_axis(near_scores, order, axis=1)

    _for_blocks(units, find)
    distances[:, 0] = 0
    return rows, np.maximum(distances, 0)


def principal_axes(units: Float[np.ndarray, "n dim"]) -> Float[np.ndarray, "n 2"]:
    """Coordinates on the two axes of largest variance; an axis points to the longer tail."""
    dim = units.shape[1]
    if dim < 2:
        return np.hstack([units - units.mean(axis=0), np.zeros((len(units), 2 - dim))])
    mean = units.mean(axis=0, dtype=np.float64)
    covariance = np.zeros((dim, dim))
    for start in range(0, len(units), 4096):
        centred = units[start : start + 4096] - mean
        covariance += centred.T @ centred
    _, axes = scipy.linalg.eigh(covariance, subset_by_index=[dim - 2, dim - 1])
    points = units @ axes[:, ::-1] - mean @ axes[:, ::-1]
    # The sign of an eigenvector is the library's whim; this one outlasts a turn of the vectors.
    return points * np.where((points**3).sum(axis=0) < 0, -1.0, 1.0)


def align(
    points: Float[np.ndarray, "n 2"], reference: Float[np.ndarray, "n 2"]
) -> Float[np.ndarray, "n 2"]:
    """Centre the points and turn or mirror them onto the centred reference, without scaling.

    Orthogonal Procrustes: distances between points stay what they were.
    """
    centred = points - points.mean(axis=0)
    rotation, _ = scipy.linalg.orthogonal_procrustes(centred, reference - reference.mean(axis=0))
    return centred @ rotation


def trustworthiness(
    units: Float[np.ndarray, "n dim"], maps: list[Float[np.ndarray, "n 2"]], k: int
) -> list[float]:
    """How far the k neighbours in each map are neighbours by cosine: 0…1, 1 is best.

    Venna & Kaski (2001), as `sklearn.manifold.trustworthiness(metric="cosine")`, which needs
    several n × n matrices; here n × ROWS_AT_ONCE, and one product serves all maps. k must be
    below n / 2. Equal cosines count against the map.
    """
    n = len(units)
    assert 0 < k < n / 2
    neighbours = np.stack([_neighbours_in(points, k) for points in maps], axis=1)  # (n, maps, k)
    excess = np.zeros((n, len(maps)))

    def judge(block: np.ndarray, scores: np.ndarray) -> None:
        scores[np.arange(len(scores)), block] = -np.inf
        wanted = neighbours[block].reshape(len(block), -1)
        thresholds = np.take_along_axis(scores, wanted, axis=1)
        ranks = _count_at_least(scores, thresholds).reshape(neighbours[block].shape)
        excess[block] = np.maximum(ranks - k, 0).sum(axis=2)

    _for_blocks(units, judge)
    share = excess.sum(axis=0) * 2 / (n * k * (2 * n - 3 * k - 1))
    return [float(value) for value in 1 - share]


def _for_blocks(
    units: Float[np.ndarray, "n dim"],
    work: Callable[[np.ndarray, Float[np.ndarray, "rows n"]], None],
) -> None:
    """Call `work`, in threads, with row numbers and their cosines with all points."""

    def one(start: int) -> None:
        block = np.arange(start, min(start + ROWS_AT_ONCE, len(units)))
        work(block, units[block] @ units.T)

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(cpus()) as pool:
        list(pool.map(one, range(0, len(units), ROWS_AT_ONCE)))


def _neighbours_in(points: Float[np.ndarray, "n 2"], k: int) -> Int[np.ndarray, "n k"]:
    _, found = KDTree(points).query(points, k=k + 1)
    found = np.asarray(found)
    own = found == np.arange(len(points))[:, None]
    # Among points on one spot the point itself may be missing: then the last one goes.
    own[~own.any(axis=1), -1] = True
    return found[~own].reshape(len(points), k)


@njit(nogil=True, cache=True, fastmath={"reassoc", "nsz"})
@no_type_check  # the wrapper that checks shapes in tests is nothing numba could compile
def _count_at_least(scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    # Counts in float32 fill whole vector registers and are exact up to 2**24.
    counts = np.zeros(thresholds.shape, np.float32)
    for row in range(scores.shape[0]):
        for column in range(thresholds.shape[1]):
            threshold = thresholds[row, column]
            count = np.float32(0)
            for other in range(scores.shape[1]):
                count += np.float32(scores[row, other] >= threshold)
            counts[row, column] = count
    return counts


@njit(nogil=True, cache=True)
@no_type_check
def _largest(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns and values of the k largest of each row, in no order; the first of equals stay."""
    n, m = scores.shape
    columns, values = np.empty((n, k), np.int32), np.empty((n, k), np.float32)
    for row in range(n):
        for j in range(k):
            columns[row, j], values[row, j] = j, scores[row, j]
        lowest = np.argmin(values[row])
        for j in range(k, m):
            if scores[row, j] > values[row, lowest]:
                columns[row, lowest], values[row, lowest] = j, scores[row, j]
                lowest = np.argmin(values[row])
    return columns, values

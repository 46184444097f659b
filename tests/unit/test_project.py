import numpy as np
import pandas as pd
import pytest

from alignkit.errors import AlignkitError
from alignkit.kernels.layout import (
    align,
    nearest_by_cosine,
    principal_axes,
    trustworthiness,
    unit_vectors,
)
from alignkit.projection import project
from alignkit.tables import Embeddings, Texts


def embedded(vectors: np.ndarray) -> Embeddings:
    n = len(vectors)
    frame = pd.DataFrame(
        {
            "id": [f"{'en' if i % 2 else 'de'}:{i // 2}" for i in range(n)],
            "language": ["en" if i % 2 else "de" for i in range(n)],
            "parallel_id": [str(i // 2) for i in range(n)],
            "text": "?",
        }
    )
    return Embeddings(Texts(frame), vectors.astype(np.float32))


def clusters(seed: int, n: int = 60, dim: int = 8) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(3, dim))[rng.integers(3, size=n)] + 0.2 * rng.normal(size=(n, dim))


def test_procrustes_undoes_a_rotation_a_mirror_and_a_shift():
    points = np.random.default_rng(0).normal(size=(30, 2)) * [3, 1]
    angle = 0.7
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])

    moved = points @ turn @ np.diag([1.0, -1.0]) + [5, -2]

    assert np.allclose(align(moved, points), points - points.mean(axis=0))


def test_procrustes_does_not_scale():
    points = np.random.default_rng(0).normal(size=(30, 2))
    assert np.allclose(align(2 * points, points), 2 * (points - points.mean(axis=0)))


def test_nearest_by_cosine_of_four_directions():
    units = unit_vectors(np.array([[1, 0], [2, 0.2], [0, 1], [0.3, 3.0]]))

    rows, distances = nearest_by_cosine(units, 2)

    assert rows.tolist() == [[0, 1], [1, 0], [2, 3], [3, 2]]
    assert distances[:, 0].tolist() == [0, 0, 0, 0]
    assert np.allclose(distances[0, 1], 1 - 2 / np.sqrt(4.04), atol=1e-6)


@pytest.mark.oracle
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_trustworthiness_is_that_of_sklearn(seed):
    from sklearn.manifold import trustworthiness as oracle

    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(700, 12))
    maps = [vectors[:, :2] + 0.3 * rng.normal(size=(700, 2)), rng.normal(size=(700, 2))]

    found = trustworthiness(unit_vectors(vectors), maps, 15)

    expected = [oracle(vectors, points, n_neighbors=15, metric="cosine") for points in maps]
    assert found == pytest.approx(expected, abs=1e-6)


def test_a_map_that_keeps_the_angles_is_fully_trusted():
    angles = np.linspace(0, 2, 41) ** 1.3
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    assert trustworthiness(unit_vectors(circle), [circle], 5) == [1.0]


def test_points_on_one_spot_are_not_their_own_neighbours():
    units = unit_vectors(clusters(0))
    assert 0 <= trustworthiness(units, [np.zeros((60, 2))], 5)[0] < 1


@pytest.mark.oracle
def test_principal_axes_are_those_of_sklearn_up_to_sign():
    from sklearn.decomposition import PCA

    units = unit_vectors(clusters(3))
    expected = PCA(2).fit_transform(units)
    assert np.allclose(np.abs(principal_axes(units)), np.abs(expected), atol=1e-5)


def test_mirrored_and_turned_vectors_give_the_same_aligned_maps():
    vectors = clusters(1)
    mirrored = vectors * [
        1,
        -1,
        1,
        -1,
        -1,
        1,
        1,
        -1,
    ]  # exact in float32, so that UMAP sees no noise
    turn, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(8, 8)))

    frame, info = project(
        {"a": embedded(vectors), "mirrored": embedded(mirrored), "turned": embedded(vectors @ turn)}
    )

    a, same, turned = (rows for _, rows in frame.groupby("checkpoint"))
    assert np.allclose(a[["x", "y"]], same[["x", "y"]], atol=1e-4)
    assert np.allclose(a[["pca_x", "pca_y"]], same[["pca_x", "pca_y"]], atol=1e-5)
    assert np.allclose(a[["pca_x", "pca_y"]], turned[["pca_x", "pca_y"]], atol=1e-5)
    assert info["a"]["trustworthiness"] == pytest.approx(info["mirrored"]["trustworthiness"])


def test_a_seed_gives_the_same_map_again_in_the_stated_columns():
    embeddings = {"a": embedded(clusters(1)), "b": embedded(clusters(2))}

    first, info = project(embeddings, seed=3)
    second, _ = project(embeddings, seed=3)

    assert first.equals(second)
    assert list(first) == ["checkpoint", "id", "language", "role", "x", "y", "pca_x", "pca_y"]
    assert {str(first[name].dtype) for name in ("x", "y", "pca_x", "pca_y")} == {"float32"}
    assert first["id"].tolist() == 2 * embeddings["a"].texts.frame["id"].tolist()
    assert 0.8 < info["b"]["trustworthiness"] <= 1
    assert abs(first.groupby("checkpoint")[["x", "y"]].mean()).max(axis=None) < 1e-5


def test_equal_vectors_have_a_reason_in_place_of_a_map():
    collapsed = np.ones((60, 8)) * np.linspace(1, 2, 60)[:, None]

    frame, info = project({"flat": embedded(collapsed), "b": embedded(clusters(2))})

    assert info["flat"] == {"reason": "all vectors are equal"}
    assert frame["checkpoint"].unique().tolist() == ["b"]


def test_sixteen_texts_are_too_few():
    frame, info = project({"a": embedded(clusters(1, n=16))})

    assert info == {"a": {"reason": "16 texts are too few for a map of 15 neighbours"}}
    assert len(frame) == 0
    assert "pca_y" in frame


def test_seventeen_texts_are_enough():
    frame, info = project({"a": embedded(clusters(1, n=17))})
    assert len(frame) == 17
    assert info["a"]["n_neighbors"] == 8


def test_checkpoints_that_embed_other_texts_are_refused():
    with pytest.raises(AlignkitError, match="the texts of 'b' are not those of 'a'; embed the"):
        project({"a": embedded(clusters(1)), "b": embedded(clusters(1, n=58))})

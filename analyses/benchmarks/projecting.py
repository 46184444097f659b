"""UMAP of all questions, against umap-learn with the same seed."""

import numpy as np
from measures import made_vectors
from timing import Row, alternate, faster

from alignkit.kernels.layout import trustworthiness
from alignkit.projection import N_NEIGHBORS, project
from alignkit.tables import Dataset


def projecting(dataset: Dataset, repetitions: int) -> list[Row]:
    """Lay out the questions of one checkpoint."""
    from umap import UMAP

    queries, _ = made_vectors(np.random.default_rng(0), dataset, 0.4)
    units = queries.vectors / np.linalg.norm(queries.vectors, axis=1, keepdims=True)
    maps: dict[str, np.ndarray] = {}

    def ours() -> None:
        frame, _ = project({"a": queries}, seed=0)
        points = frame[["x", "y"]].to_numpy()
        assert "ours" not in maps or np.array_equal(maps["ours"], points)  # the same every time
        maps["ours"] = points

    def theirs() -> None:
        mapper = UMAP(
            n_neighbors=N_NEIGHBORS, min_dist=0.1, metric="cosine", random_state=0, n_jobs=1
        )
        maps["theirs"] = np.asarray(mapper.fit_transform(units))

    seconds = alternate({"alignkit": ours, "umap-learn": theirs}, repetitions)
    trust = trustworthiness(units, [maps["ours"], maps["theirs"]], N_NEIGHBORS)
    note = f"trustworthiness {trust[0]:.4f}, theirs {trust[1]:.4f}"
    return [faster("UMAP of the questions, seeded", "umap-learn, seeded", "≥ 4",
                   seconds["alignkit"], seconds["umap-learn"], note)]  # fmt: skip

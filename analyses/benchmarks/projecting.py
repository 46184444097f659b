"""UMAP of all questions, against umap-learn with the same seed.

Run as a script, `python projecting.py alignkit|umap-learn VECTORS OUT`, it lays vectors out once:
whoever runs a command waits for imports and compilation too.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from timing import Row

    from alignkit.tables import Dataset

MIN_DIST = 0.1


def by_alignkit(units: np.ndarray) -> np.ndarray:
    """Find neighbours and lay the points out."""
    from alignkit.kernels.layout import nearest_by_cosine, principal_axes
    from alignkit.kernels.umap import umap
    from alignkit.projection import N_NEIGHBORS

    near = nearest_by_cosine(units, N_NEIGHBORS)
    return umap(*near, principal_axes(units), min_dist=MIN_DIST, seed=0)


def by_umap_learn(units: np.ndarray) -> np.ndarray:
    """Do the same by umap-learn."""
    from umap import UMAP

    mapper = UMAP(n_neighbors=15, min_dist=MIN_DIST, metric="cosine", random_state=0, n_jobs=1)
    return np.asarray(mapper.fit_transform(units))


WAYS = {"alignkit": by_alignkit, "umap-learn": by_umap_learn}


def projecting(dataset: "Dataset", repetitions: int) -> list["Row"]:
    """Lay out the questions of one checkpoint."""
    from measures import made_vectors
    from timing import alternate, faster

    from alignkit.kernels.layout import trustworthiness, unit_vectors
    from alignkit.projection import N_NEIGHBORS

    queries, _ = made_vectors(np.random.default_rng(0), dataset, 0.4)
    units = unit_vectors(queries.vectors)
    maps: dict[str, np.ndarray] = {}

    def keep(way: str, points: np.ndarray) -> None:
        if way == "alignkit":  # the same bits every time
            np.testing.assert_array_equal(maps.setdefault(way, points), points)
        maps[way] = points

    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder) / "units.npy", Path(folder) / "out.npy"
        np.save(file, units)

        def process(way: str) -> None:
            subprocess.run([sys.executable, "-W", "ignore", __file__, way, file, out], check=True)
            keep(way, np.load(out))

        whole = alternate({way: lambda way=way: process(way) for way in WAYS}, repetitions)
    warm = alternate(
        {way: lambda way=way: keep(way, WAYS[way](units)) for way in WAYS}, repetitions
    )
    trust = trustworthiness(units, [maps[way] for way in WAYS], N_NEIGHBORS)
    note = f"trustworthiness {trust[0]:.4f}, theirs {trust[1]:.4f}"
    return [
        faster("UMAP of the questions, seeded, a process", "umap-learn, seeded", "≥ 4",
               whole["alignkit"], whole["umap-learn"], note),
        faster("UMAP of the questions, seeded, all compiled", "umap-learn, seeded", "",
               warm["alignkit"], warm["umap-learn"], note),
    ]  # fmt: skip


if __name__ == "__main__":
    way, source, target = sys.argv[1:]
    np.save(target, WAYS[way](np.load(source)))

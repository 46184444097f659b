"""Language information removal."""

import numpy as np

from alignkit.repairs import Apply, Languages, Learned, Vectors, repair


@repair("lir", argument="the number of directions", source="Yang et al. 2021, arXiv 2109.04727")
def lir(learned: Learned, argument: int) -> Apply:
    """Remove each language's first singular vectors, which hold what its texts have in common."""
    bases: list[np.ndarray] = []
    for language in range(learned.n_languages):
        own = learned.of(language)
        # Eigenvectors of the Gram matrix of dimensions: the singular vectors, in one small step.
        _, directions = np.linalg.eigh(own.T @ own)
        n = min(argument, directions.shape[1] - 1) if len(own) else 0
        bases.append(directions[:, directions.shape[1] - n :])

    def apply(vectors: Vectors, languages: Languages) -> Vectors:
        repaired = vectors.copy()
        for language, basis in enumerate(bases):
            own = languages == language
            repaired[own] -= (repaired[own] @ basis) @ basis.T
        return repaired

    return apply

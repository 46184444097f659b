"""Turning every language onto a pivot."""

import numpy as np
from scipy.linalg import orthogonal_procrustes

from alignkit.repairs import Apply, Languages, Learned, Vectors, repair


@repair("procrustes", source="Schönemann 1966; Conneau et al. 2018, arXiv 1710.04087, eq. 2")
def procrustes(learned: Learned, argument: int) -> Apply:
    """Rotate each language onto English, or the first language, by its parallel texts."""
    del argument
    dim = learned.vectors.shape[1]
    turns = np.tile(np.eye(dim), (learned.n_languages, 1, 1))
    for language in range(learned.n_languages):
        here, there = _parallel(learned, language)
        if len(here):
            turns[language], _ = orthogonal_procrustes(here, there)

    def apply(vectors: Vectors, languages: Languages) -> Vectors:
        turned = np.empty_like(vectors)
        for language, turn in enumerate(turns):
            own = languages == language
            turned[own] = vectors[own] @ turn
        return turned

    return apply


def _parallel(learned: Learned, language: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of a language beside those of their translations in the pivot."""
    row_of: dict[int, int] = {}
    for row in np.flatnonzero(learned.languages == learned.pivot).tolist():
        row_of.setdefault(int(learned.meaning[row]), row)
    here = [
        row
        for row in np.flatnonzero(learned.languages == language).tolist()
        if int(learned.meaning[row]) in row_of
    ]
    there = [row_of[int(learned.meaning[row])] for row in here]
    return learned.vectors[here], learned.vectors[there]

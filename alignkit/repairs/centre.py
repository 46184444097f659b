"""Centring by language."""

import numpy as np

from alignkit.repairs import Apply, Languages, Learned, Vectors, repair


@repair("centre", source="Libovický et al. 2020, arXiv 2004.05160; Yang et al. 2021")
def centre(learned: Learned, argument: int) -> Apply:
    """Subtract each language's mean vector."""
    del argument
    means = np.zeros((learned.n_languages, learned.vectors.shape[1]))
    for language in range(learned.n_languages):
        own = learned.of(language)
        if len(own):
            means[language] = own.mean(axis=0)

    def apply(vectors: Vectors, languages: Languages) -> Vectors:
        return vectors - means[languages]

    return apply

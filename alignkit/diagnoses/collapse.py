"""Vectors that are no numbers, or all alike."""

from collections.abc import Iterator

import numpy as np

from alignkit.diagnoses import Finding, Patient, diagnosis

# Mean cosine of questions that have nothing to do with each other. Raw encoders that were never
# trained for retrieval lie above the lower one; above the higher one ranks hang on roundings.
CROWDED, COLLAPSED = 0.9, 0.999
FLAT = 0.1  # share of dimensions that are the same for all texts


@diagnosis("collapse")
def collapse(patient: Patient) -> Iterator[Finding]:
    """Report NaN, zeros, the mean cosine of unrelated questions of a language, flat dimensions."""
    vectors = patient.vectors.astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1)
    broken = ~np.isfinite(lengths)
    if broken.any():
        yield _found(
            "fault",
            f"{broken.mean():.0%} of its vectors have NaN or inf",
            "try --dtype float32; if that does not help, its weights are broken",
        )
        return
    if (lengths == 0).any():
        yield _found(
            "fault",
            f"{(lengths == 0).mean():.0%} of its vectors are all zeros",
            "its weights are broken, or its tokenizer is another model's",
        )
        return
    cosines = mean_cosines(vectors / lengths[:, None], patient.questions.language_codes)
    if np.isfinite(cosines).any():  # else no language has two questions
        languages = patient.questions.languages
        worst, mean = int(np.nanargmax(cosines)), float(np.nanmean(cosines))
        what = (
            f"questions that have nothing to do with each other have a mean cosine of {mean:.3f} "
            f"({languages[worst]}: {cosines[worst]:.3f})"
        )
        if mean > COLLAPSED:
            yield _found(
                "fault",
                f"its vectors have collapsed: {what}",
                "train again with a lower learning rate, or with negatives",
            )
        elif mean > CROWDED:
            yield _found(
                "warning",
                f"its vectors crowd together: {what}",
                "fine-tune it for retrieval; see what --what-if whiten would buy",
            )
    flat = float(np.mean(np.ptp(vectors, axis=0) == 0)) if len(vectors) > 1 else 0.0
    if flat > FLAT:
        yield _found(
            "warning",
            f"{flat:.0%} of its dimensions are the same for all texts",
            "see whether its last layer is trained; --truncate-dim may cost nothing",
        )


def mean_cosines(unit: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Mean cosine of different rows of a language, (languages,); NaN for one row alone."""
    found: list[float] = []
    for code in range(int(codes.max(initial=-1)) + 1):
        rows = unit[codes == code]
        n = len(rows)
        # The sum over all pairs of different rows, from the length of the sum of the rows.
        pairs = float((rows.sum(axis=0) ** 2).sum() - n)
        found.append(pairs / (n * (n - 1)) if n > 1 else np.nan)
    return np.array(found)


def _found(level: str, what: str, mend: str) -> Finding:
    assert level in ("fault", "warning")
    return Finding(level, "collapse", what, mend)

"""Weights that no file holds, and weights that the model has no place for."""

from collections.abc import Iterator, Sequence

from alignkit.checkpoints._sentence_encoder import SentenceEncoder
from alignkit.diagnoses import Finding, Patient, diagnosis

_SAVE = "save the whole model, e.g. by SentenceTransformer.save_pretrained"


@diagnosis("weights")
def weights(patient: Patient) -> Iterator[Finding]:
    """Report missing weights, a fault where vectors depend on them, and unexpected ones."""
    encoder = patient.encoder
    if not isinstance(encoder, SentenceEncoder):
        return
    random = encoder.random_weights
    if random and all("pooler" in name for name in random):
        yield _fault(
            f"its pooler is random: {_named(random)} missing, and vectors come from it",
            "pool the tokens instead (a Pooling module, or --pooling for a plain model)",
        )
    elif random:
        yield _fault(
            f"{_named(random)} missing, and vectors depend on them: they are random", _SAVE
        )
    idle = sorted(encoder.weights.missing - set(random))
    if idle:
        yield Finding(
            "note", "weights", f"{_named(idle)} missing; no vector depends on them", "nothing to do"
        )
    extra = sorted(encoder.weights.unexpected)
    if extra:
        mend = "nothing, if they are a head that only training needs"
        level = "warning" if random else "note"
        yield Finding(level, "weights", f"{_named(extra)} in its files fit nowhere in it", mend)


def _fault(what: str, mend: str) -> Finding:
    return Finding("fault", "weights", what, mend)


def _named(names: Sequence[str]) -> str:
    listed = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return f"{len(names)} weights ({listed})"

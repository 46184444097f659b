"""An adapter that changes nothing."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from alignkit.checkpoints.adapter import AdapterCheckpoint
from alignkit.diagnoses import Finding, Patient, diagnosis, embed_plainly

N_TEXTS = 8
# Of the largest value; adding nothing leaves vectors as they were to a few float32 roundings.
SAME = 1e-5


@diagnosis("adapter")
def adapter(patient: Patient) -> Iterator[Finding]:
    """Report an adapter whose vectors are those of its base, and say whether it adds zeros."""
    checkpoint = patient.checkpoint
    if not isinstance(checkpoint, AdapterCheckpoint):
        return
    zero = checkpoint.adds_nothing()
    if not zero and not _same_as_base(patient, checkpoint):
        return
    why = "all that it adds is zero" if zero else "it changes no vector"
    yield Finding(
        "fault",
        "adapter",
        f"{why}: it is its base, {checkpoint.base.location}",
        "save it again after training, and see that its weights are trained and saved",
    )


def _same_as_base(patient: Patient, checkpoint: AdapterCheckpoint) -> bool:
    texts = list(patient.questions.frame["text"])[:N_TEXTS]
    prompted = replace(
        checkpoint.base,
        options=replace(checkpoint.base.options, query_prompt=checkpoint.prompt("query")),
    )
    base = embed_plainly(prompted.load_as_it_is(), texts, checkpoint)
    own = patient.vectors[:N_TEXTS]
    same_shape = own.shape == base.shape
    return same_shape and bool(np.abs(own - base).max() <= SAME * np.abs(base).max())

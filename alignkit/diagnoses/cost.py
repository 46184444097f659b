"""What it would cost to embed all of the data by an endpoint."""

from collections.abc import Iterator

from alignkit.checkpoints.endpoint import EndpointCheckpoint, estimate_tokens
from alignkit.diagnoses import Finding, Patient, diagnosis


@diagnosis("cost")
def cost(patient: Patient) -> Iterator[Finding]:
    """Estimate tokens and price of every distinct text of the data, prompts included."""
    checkpoint = patient.checkpoint
    if not isinstance(checkpoint, EndpointCheckpoint):
        return
    prompted: set[str] = set()
    for dataset in patient.datasets:
        for role, texts in dataset.sides:
            prompted.update(checkpoint.prompt(role) + text for text in texts.frame["text"])
    n_tokens = int(estimate_tokens(list(prompted)).sum())
    price = checkpoint.terms.cost(n_tokens)
    priced = "" if price is None else f", about {price:.3g}"
    mend = "give price= (of a million tokens) to see what that costs" if price is None else (
        "limit it by max-cost="
    )  # fmt: skip
    what = f"all of the data are {len(prompted):,} texts of about {n_tokens:,} tokens{priced}"
    yield Finding("note", "cost", what, mend)

"""What moved besides the model: the environment, as a stored probe shows, and settings."""

from dataclasses import replace
from typing import Any

import numpy as np

from alignkit.checkpoints import (
    LEAST_COSINE,
    Checkpoint,
    EncodeOptions,
    least_cosine,
    load_checkpoint,
)
from alignkit.errors import AlignkitError
from alignkit.gate.baseline import Baseline
from alignkit.tables import Dataset

# Under these cosines with its stored vector a probe has moved: rounding in batches of other sizes
# takes less.
_MOVED = {"float32": 0.9999}
# Vectors were made elsewhere, once and for all; a service may change, may cost, and is never asked
# for what is kept.
_NOT_TRIED = ("vectors", "endpoint")


def environment_moved(
    baseline: Baseline, candidate: Checkpoint, dataset: Dataset, encode: EncodeOptions
) -> str | None:
    """Embed the probe again by the baseline's checkpoint, as it was run then.

    None where it gives the vectors that it gave, or cannot be tried: it must be at hand unchanged.
    """
    known = baseline.about["checkpoint"]
    if known["kind"] in _NOT_TRIED:
        return None
    try:
        fresh = _fresh(_opened(known, candidate, encode), dataset, baseline.arrays["probe_rows"])
    except AlignkitError:
        return None
    probe = baseline.arrays["probe"]
    if fresh.shape != probe.shape:
        return "The probe has other dimensions now: the environment changed, not the model."
    cosine = least_cosine(fresh, probe)
    if cosine >= _MOVED.get(known["dtype"], LEAST_COSINE):
        return None
    return (
        f"The baseline's own checkpoint, unchanged, embeds {len(probe)} stored texts otherwise now "
        f"(least cosine {cosine:.4f}): the environment changed, not the model."
    )


def settings_differ(baseline: dict[str, Any], candidate: dict[str, Any]) -> list[str]:
    """Say, in a line at most, which settings two checkpoints' descriptions have otherwise.

    These are the ones that a fingerprint does not hold.
    """
    before, now = _settings(baseline), _settings(candidate)
    changed = [
        f"{name} is {now[name]} and was {before[name]}"
        for name in before
        if name in now and before[name] != now[name]
    ]
    if not changed:
        return []
    same = baseline["fingerprint"] == candidate["fingerprint"]
    whose = "the candidate is the baseline's model, run otherwise" if same else "settings differ"
    return [f"{whose}: {'; '.join(changed)}"]


def _settings(described: dict[str, Any]) -> dict[str, str]:
    """Print what a description says of them, by the options that set them."""
    found = {f"{role}-prompt": repr(prompt) for role, prompt in _prompts(described).items()}
    if "truncate_dim" in described:
        found["truncate-dim"] = str(described["truncate_dim"] or "all")
    if "store_dtype" in described:
        found["store-dtype"] = described["store_dtype"]
    return found


def _prompts(described: dict[str, Any]) -> dict[str, str]:
    return described.get("prompts") or {}


def _opened(known: dict[str, Any], candidate: Checkpoint, encode: EncodeOptions) -> Checkpoint:
    """Open the baseline's checkpoint: the candidate where that is the same, else where it was.

    Raises AlignkitError where it is not there, or another.
    """
    as_it_was: dict[str, Any] = {
        f"{role}_prompt": prompt for role, prompt in _prompts(known).items()
    } | {"truncate_dim": known.get("truncate_dim")}
    if candidate.fingerprint == known["fingerprint"]:
        return replace(candidate, options=replace(candidate.options, **as_it_was))
    options = replace(encode, offline=True, dtype=known["dtype"], **as_it_was)
    opened = load_checkpoint(known["location"], options)
    if opened.fingerprint != known["fingerprint"]:
        raise AlignkitError(f"{known['location']} is no longer what the baseline was made of")
    return opened


def _fresh(checkpoint: Checkpoint, dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    texts = [str(text) for text in dataset.queries.frame["text"].iloc[rows]]
    encoder = checkpoint.load()
    vectors = encoder.launch(encoder.prepare(texts, "query"))()
    return vectors[:, : checkpoint.truncate_dim]

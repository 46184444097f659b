"""What `alignkit check` does: measure a candidate, compare it with a baseline, judge by rules."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from alignkit.checkpoints import (
    LEAST_COSINE,
    Checkpoint,
    EncodeOptions,
    least_cosine,
    load_checkpoint,
)
from alignkit.embedding import EmbeddingSession
from alignkit.errors import AlignkitError
from alignkit.gate.baseline import SUFFIX, Baseline, baseline_of, read_baseline, unpack
from alignkit.gate.rules import Rules
from alignkit.gate.verdict import Verdict, judge, unused
from alignkit.measures import Measures, measure
from alignkit.progress import SILENT, Reporter
from alignkit.run_folder import read_results
from alignkit.tables import Dataset, Embeddings

# Under these cosines with its stored vector a probe has moved: rounding in batches of other sizes
# takes less.
_MOVED = {"float32": 0.9999}


@dataclass(frozen=True)
class _Measured:
    """A checkpoint on the dataset."""

    checkpoint: Checkpoint
    queries: Embeddings
    measures: Measures


def check(
    candidate: str,
    baseline: str,
    dataset: Dataset,
    rules: Rules,
    *,
    encode: EncodeOptions | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
    reporter: Reporter = SILENT,
) -> Verdict:
    """Judge a checkpoint against a stored baseline, a run, or another checkpoint.

    Parameters
    ----------
    candidate : `[label=]LOCATION[,key=value…]`, as everywhere.
    baseline : a file of `--write-baseline`; the folder of a run, with `label=` before it where it
        has several checkpoints and the run's own baseline is not meant; or a checkpoint.

    Raises
    ------
    AlignkitError
        When the baseline is of other data, damaged or of another schema, or a rule does not apply.
    """
    encode = encode or EncodeOptions()
    stored = _stored(baseline)
    if stored is not None:
        stored.must_fit(dataset)
        before = stored.measures(dataset, rules.metrics)
        name, environment = stored.label, None
    else:
        measured = _measure(baseline, dataset, rules.metrics, encode, reporter)
        before, name, environment = measured.measures, measured.checkpoint.label, None
    own = _measure(candidate, dataset, rules.metrics, encode, reporter)
    if stored is not None:
        environment = _moved(stored, own, dataset, encode)
    findings = judge(rules, before, own.measures, n_resamples=n_resamples, seed=seed)
    label = own.checkpoint.label
    if label == name:
        label, name = f"{label} (candidate)", f"{name} (baseline)"
    notes = unused(rules.acknowledged, findings)
    return Verdict(name, label, dataset.name, tuple(findings), rules, environment, tuple(notes))


def measured_baseline(
    checkpoint: str, dataset: Dataset, *, encode: EncodeOptions | None = None,
    reporter: Reporter = SILENT,
) -> Baseline:  # fmt: skip
    """Measure a checkpoint for `--write-baseline`."""
    own = _measure(checkpoint, dataset, {"map"}, encode or EncodeOptions(), reporter)
    described = own.checkpoint.describe()
    return baseline_of(own.checkpoint.label, described, dataset, own.measures.ranks, own.queries)


def _measure(
    spec: str, dataset: Dataset, only: set[str], encode: EncodeOptions, reporter: Reporter
) -> _Measured:
    checkpoint = load_checkpoint(spec, encode)
    with EmbeddingSession(checkpoint, datasets=[dataset], reporter=reporter) as session:
        queries = session.embed(dataset.queries, "query")
        passages = session.embed(dataset.passages, "passage")
    found = measure(dataset, queries, passages, only=only, keep=True, reporter=reporter)
    return _Measured(checkpoint, queries, found)


def _stored(spec: str) -> Baseline | None:
    """Read a baseline from its file or a run; None for what must be a checkpoint."""
    path, label = Path(spec).expanduser(), None
    if not path.exists() and "=" in spec:
        label, _, rest = spec.partition("=")
        path = Path(rest).expanduser()
    if path.is_file() and path.name.endswith((SUFFIX, ".zip")):
        return read_baseline(path)
    if (path / "results.json").is_file():
        return _of_run(path, label)
    return None


def _of_run(folder: Path, label: str | None) -> Baseline:
    results = read_results(folder)
    wanted = label or results.baseline
    stored = [unpack(content, f"{folder}/{name}")
              for name, content in sorted(results.files.items())
              if name.startswith("baselines/")]  # fmt: skip
    fits = [one for one in stored if one.label == wanted]
    if not fits:
        there = ", ".join(dict.fromkeys(one.label for one in stored)) or "none"
        raise AlignkitError(
            f"the run {folder} keeps no ranks of {wanted!r} (it keeps those of: {there}); "
            "run the comparison again, or give the checkpoint as --baseline"
        )
    if len(fits) > 1:
        raise AlignkitError(
            f"the run {folder} has {len(fits)} datasets; give one of the files in "
            f"{folder}/baselines as --baseline"
        )
    return fits[0]


def _moved(
    baseline: Baseline, own: _Measured, dataset: Dataset, encode: EncodeOptions
) -> str | None:
    """Embed the probe again by the baseline's checkpoint, where it is at hand unchanged."""
    known = baseline.about["checkpoint"]
    if known["kind"] == "vectors":  # made elsewhere, once and for all
        return None
    checkpoint: Checkpoint | None = own.checkpoint
    if known["fingerprint"] != checkpoint.fingerprint:
        checkpoint = _reopened(known, encode)
    if checkpoint is None:
        return None
    fresh = _fresh(checkpoint, dataset, baseline.arrays["probe_rows"])
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


def _reopened(known: dict[str, Any], encode: EncodeOptions) -> Checkpoint | None:
    """Open the baseline's checkpoint where it was, if it is there and the same."""
    if known["kind"] == "endpoint":  # nothing is asked of a service that the user did not name
        return None
    try:
        own = replace(encode, offline=True, truncate_dim=known.get("truncate_dim"))
        opened = load_checkpoint(known["location"], own)
    except AlignkitError:
        return None
    return opened if opened.fingerprint == known["fingerprint"] else None


def _fresh(checkpoint: Checkpoint, dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    texts = [str(text) for text in dataset.queries.frame["text"].iloc[rows]]
    encoder = checkpoint.load()
    vectors = encoder.launch(encoder.prepare(texts, "query"))()
    dim = checkpoint.truncate_dim
    return vectors[:, :dim]

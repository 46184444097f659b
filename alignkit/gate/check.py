"""What `alignkit check` does: measure a candidate, compare it with a baseline, judge by rules."""

from dataclasses import dataclass
from pathlib import Path

from alignkit.checkpoints import Checkpoint, EncodeOptions, load_checkpoint
from alignkit.embedding import EmbeddingSession
from alignkit.errors import AlignkitError
from alignkit.gate.baseline import SUFFIX, Baseline, baseline_of, read_baseline, unpack
from alignkit.gate.probe import environment_moved, settings_differ
from alignkit.gate.rules import Rules
from alignkit.gate.verdict import Verdict, judge, unused
from alignkit.measures import Measures, measure
from alignkit.progress import SILENT, Reporter
from alignkit.run_folder import read_results
from alignkit.tables import Dataset, Embeddings


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
        before, name = stored.measures(dataset, rules.metrics), stored.label
        known = stored.about["checkpoint"]
    else:
        measured = _measure(baseline, dataset, rules.metrics, encode, reporter)
        before, name = measured.measures, measured.checkpoint.label
        known = measured.checkpoint.describe()
    own = _measure(candidate, dataset, rules.metrics, encode, reporter)
    environment = stored and environment_moved(stored, own.checkpoint, dataset, encode)
    findings = judge(rules, before, own.measures, n_resamples=n_resamples, seed=seed)
    label = own.checkpoint.label
    if label == name:
        label, name = f"{label} (candidate)", f"{name} (baseline)"
    notes = [
        *settings_differ(known, own.checkpoint.describe()), *unused(rules.acknowledged, findings)
    ]  # fmt: skip
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

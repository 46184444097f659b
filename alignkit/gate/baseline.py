"""What the gate keeps of a checkpoint: exact ranks, a probe of vectors, and what they are of.

A file of less than a megabyte for XQuAD-R. Ranks give every measure of retrieval and of rank bias;
measures of the vectors themselves need the checkpoint.
"""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alignkit.errors import AlignkitError
from alignkit.kernels.ranking import Best, CellRanks
from alignkit.measures import Measures, measure_ranks
from alignkit.metrics import METRICS, metric_of
from alignkit.ranks import TaskRanks, ranks_of, share_cutoffs
from alignkit.tables import Dataset, Embeddings
from alignkit.whole_file import write_whole

SCHEMA = "alignkit.baseline/1"
# What ranks mean; another meaning makes other numbers.
PROTOCOL = "exact ranks, ties against the relevant passage, passages of all languages in one pool"
SUFFIX = ".alignkit.zip"
N_PROBES = 64
_FROM_RANKS = {"ranks", "relevant", "pools", "shares", "blocks"}
_ABOUT = "about.json"


@dataclass(frozen=True)
class Baseline:
    """A checkpoint on a dataset, as stored.

    Attributes
    ----------
    about : schema, protocol, label, the checkpoint's own description, dataset; plain JSON types.
    arrays : `{task}.pool`, `{task}.overall`, the ranks of the task's cells, (cells,);
        `{task}.shares` (queries, cutoffs, languages) float32; `probe` (64, dim) float16, vectors of
        the queries in the rows `probe_rows` (64,).
    """

    about: dict[str, Any]
    arrays: dict[str, np.ndarray]

    @property
    def label(self) -> str:
        """The checkpoint's label."""
        return str(self.about["label"])

    def must_fit(self, dataset: Dataset) -> None:
        """Raise AlignkitError unless it was made on this very data, measured in this very way."""
        own = self.about["dataset"]
        if own["name"] != dataset.name:
            raise AlignkitError(
                f"the baseline {self.label!r} was measured on {own['name']}, and --data is "
                f"{dataset.name}; give --data {own['name']}"
            )
        if own["checksum"] != dataset.checksum:
            here = dataset.queries.languages
            what = (
                f"its languages are {', '.join(own['languages'])}, here they are {', '.join(here)}"
                if own["languages"] != here
                else "texts or relevance judgements differ"
            )
            raise AlignkitError(
                f"the baseline {self.label!r} was measured on other data of {dataset.name}: "
                f"{what}; choose the same data, or write the baseline anew with --write-baseline"
            )
        if self.about["protocol"] != PROTOCOL:
            raise AlignkitError(
                f"the baseline {self.label!r} was measured in another way "
                f"({self.about['protocol']}; now {PROTOCOL}); write it anew with --write-baseline"
            )

    def measures(self, dataset: Dataset, only: set[str]) -> Measures:
        """Measure the stored ranks.

        Raises AlignkitError for a metric of vectors, which a baseline does not keep.
        """
        for name in sorted(only):
            if metric_of(name).needs not in _FROM_RANKS:
                raise AlignkitError(
                    f"a stored baseline keeps ranks, and {name} is a measure of the vectors; give "
                    "the checkpoint itself as --baseline"
                )
        ids = tuple(sorted(dataset.queries.frame["parallel_id"].unique()))
        ranks: list[TaskRanks] = []
        for task in dataset.tasks:
            pool = self.arrays[f"{task.name}.pool"].astype(np.int64)
            overall = self.arrays.get(f"{task.name}.overall", pool).astype(np.int64)
            shares = self.arrays.get(f"{task.name}.shares")
            nothing = np.empty((len(task.queries), 0))
            best = None
            if shares is not None:
                best = Best(nothing.astype(np.int64), nothing, shares.astype(np.float64))
            cells = CellRanks(pool, overall, np.full(len(pool), np.nan), 0)
            ranks.append(ranks_of(task, ids, cells, best))
        return measure_ranks(dataset.name, ids, ranks, None, (), groups={}, only=only)


def baseline_of(
    label: str, checkpoint: dict[str, Any], dataset: Dataset, ranks: list[TaskRanks],
    queries: Embeddings,
) -> Baseline:  # fmt: skip
    """Take from a checkpoint on a dataset what the gate needs; `checkpoint` describes it."""
    arrays: dict[str, np.ndarray] = {}
    for one in ranks:
        name, cells = one.task.name, one.cells
        arrays[f"{name}.pool"] = _small(cells.pool)
        if not np.array_equal(cells.overall, cells.pool):  # they are, of question-alignment
            arrays[f"{name}.overall"] = _small(cells.overall)
        if one.best is not None:
            arrays[f"{name}.shares"] = one.best.shares.astype(np.float32)
    rows = np.unique(np.linspace(0, len(queries.vectors) - 1, N_PROBES).astype(np.int64))
    probe = queries.vectors[rows].astype(np.float32)
    lengths = np.linalg.norm(probe, axis=1, keepdims=True)
    arrays["probe_rows"] = rows
    arrays["probe"] = (probe / np.maximum(lengths, 1e-30)).astype(np.float16)
    about = {
        "schema": SCHEMA,
        "protocol": PROTOCOL,
        "label": label,
        "checkpoint": checkpoint,
        "dataset": {
            "name": dataset.name, "checksum": dataset.checksum,
            "languages": dataset.queries.languages, "queries": len(dataset.queries),
            "passages": len(dataset.passages),
        },
        "cutoffs": list(share_cutoffs()),
    }  # fmt: skip
    return Baseline(about, arrays)


def _small(ranks: np.ndarray) -> np.ndarray:
    return ranks.astype(np.uint16 if ranks.max(initial=0) < 2**16 else np.uint32)


def pack(baseline: Baseline) -> bytes:
    """Make a file of it, the same bytes every time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        text = json.dumps(baseline.about, ensure_ascii=False, sort_keys=True, indent=1)
        _add(archive, _ABOUT, text.encode())
        for name, values in sorted(baseline.arrays.items()):
            content = io.BytesIO()
            np.save(content, values, allow_pickle=False)
            _add(archive, f"{name}.npy", content.getvalue())
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def unpack(content: bytes, where: str) -> Baseline:
    """Read what `pack` made; raises AlignkitError if it is damaged or of another schema."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            about: Any = json.loads(archive.read(_ABOUT))
            arrays = {
                name.removesuffix(".npy"): np.load(io.BytesIO(archive.read(name)))
                for name in archive.namelist()
                if name.endswith(".npy")
            }
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, OSError) as error:
        raise AlignkitError(
            f"{where} is no whole baseline ({error}); write it anew with --write-baseline"
        ) from error
    schema = about.get("schema") if isinstance(about, dict) else None
    if schema != SCHEMA:
        raise AlignkitError(
            f"{where} has the schema {schema!r}, this alignkit reads {SCHEMA!r}; "
            "write it anew with --write-baseline"
        )
    if about["cutoffs"] != list(share_cutoffs()):
        raise AlignkitError(
            f"{where} keeps the languages of the best {about['cutoffs']} passages, this alignkit "
            f"asks for {list(share_cutoffs())}; write it anew with --write-baseline"
        )
    return Baseline(about, arrays)


def read_baseline(path: Path) -> Baseline:
    """Read a baseline's file."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise AlignkitError(f"cannot read the baseline {path}: {error.strerror}") from error
    return unpack(content, str(path))


def write_baseline(baseline: Baseline, dataset: Dataset, path: Path) -> Path:
    """Write the file, and beside it a summary whose lines a diff can show; returns its path."""
    summary = path.with_name(path.name.removesuffix(SUFFIX) + ".summary.md")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for target, content in ((path, pack(baseline)), (summary, _summary(baseline, dataset))):
            write_whole(target, content)
    except OSError as error:
        raise AlignkitError(f"cannot write the baseline {path}: {error.strerror}") from error
    return summary


def _summary(baseline: Baseline, dataset: Dataset) -> bytes:
    names = {name for card in METRICS.values() if card.needs in _FROM_RANKS for name in card.names}
    checkpoint, of = baseline.about["checkpoint"], baseline.about["dataset"]
    lines = [
        f"# Baseline {baseline.label}", "",
        f"- checkpoint: {checkpoint['fingerprint']}",
        f"- dataset: {of['name']}, {of['queries']:,} queries, {of['passages']:,} passages, "
        f"{' '.join(of['languages'])}",
        f"- data: {of['checksum']}",
        f"- protocol: {baseline.about['protocol']}", "",
        "| task | setting | measure | value |", "| --- | --- | --- | --- |",
    ]  # fmt: skip
    for one in baseline.measures(dataset, names).measured:
        value = one.overall
        printed = "null" if value is None else f"{value:.6g}"
        lines.append(f"| {one.task} | {one.setting} | {one.metric} | {printed} |")
    return ("\n".join(lines) + "\n").encode()

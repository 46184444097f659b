"""What `compare` and `analyze` do, read top to bottom."""

import re
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import union_categoricals

from alignkit.checkpoints import Checkpoint, EncodeOptions, load_runs
from alignkit.comparison import tabulate
from alignkit.datasets import load_dataset
from alignkit.embedding import EmbeddingSession
from alignkit.engines import EngineName, spread_of
from alignkit.errors import AlignkitError
from alignkit.estimates import IntervalKind, pool_runs
from alignkit.exchange.mteb import mteb_model, mteb_result
from alignkit.exchange.trec import trec_qrels, trec_run
from alignkit.figures import check_formats
from alignkit.gate.baseline import SUFFIX, baseline_of, pack
from alignkit.groupings import groups_of
from alignkit.languages import display_order
from alignkit.measures import Measures, measure
from alignkit.metrics import METRICS
from alignkit.outputs import Groups
from alignkit.progress import SILENT, Reporter
from alignkit.provenance import environment
from alignkit.published import published_rows
from alignkit.ranks import ranks_table
from alignkit.run_folder import new_folder, read_results, write_results
from alignkit.tables import Dataset, Embeddings, Results, SimilarityMatrix
from alignkit.variants import Variants, tabulate_variants

PROJECTION_COLUMNS = ["checkpoint", "id", "language", "role", "x", "y", "pca_x", "pca_y", "dataset"]


@dataclass(frozen=True)
class RunSettings:
    """How to measure; the defaults are those of the command line.

    `bootstrap` is the number of resamples; `umap` asks for the projection; `languages` None means
    all of each dataset. `interval` is "percentile" or "bca"; `group_by` names groupings of
    languages, for which `seen` may name those trained on; `variants` are repairs and compressions
    to measure as well; `published` names papers whose figures are to stand beside these. `engine`
    says where to embed and rank, with how many `workers`.
    """

    encode: EncodeOptions = field(default_factory=EncodeOptions)
    languages: tuple[str, ...] | None = None
    candidate: str = "sentence"
    split: str = "test"
    bootstrap: int = 1000
    interval: IntervalKind = "percentile"
    group_by: tuple[str, ...] = ()
    seen: tuple[str, ...] | None = None
    variants: Variants = field(default_factory=Variants)
    published: tuple[str, ...] = ()
    seed: int = 0
    engine: EngineName = "local"
    workers: int | None = None
    umap: bool = True
    trec: bool = False
    mteb: bool = False


def compare(
    checkpoints: Sequence[str],
    *,
    data: Sequence[str] = ("sample",),
    baseline: str | None = None,
    settings: RunSettings | None = None,
    out: Path | str | None = None,
    force: bool = False,
    formats: Sequence[str] = ("pdf", "png", "svg"),
    reporter: Reporter = SILENT,
) -> Results:
    """Measure checkpoints on datasets and compare each with the baseline.

    Parameters
    ----------
    checkpoints : locations as on the command line: `[label=]LOCATION[@REVISION][,key=value…]`, or
        `label=LOCATION,LOCATION,…` for several runs of one strategy. With one there is nothing to
        compare and `Results.comparisons` is empty.
    data : `NAME[:PATH]` of each dataset.
    baseline : label of the checkpoint to compare with; the first if left out.
    out : folder to write the whole run to; nothing is written if left out.
    force : replace `out` if it is an earlier run.
    formats : file formats of the figures.

    Raises
    ------
    AlignkitError
        When an input is wrong. `out` is then as it was before.
    """
    settings = settings or RunSettings()
    opened = _open_strategies(checkpoints, settings.encode)
    reference = _baseline(opened, baseline)
    if out is None:
        return _run(opened, reference, data, settings, reporter)
    check_formats(formats)
    with new_folder(Path(out), force=force) as folder:
        results = _run(opened, reference, data, settings, reporter)
        write_run(results, folder, formats=formats, reporter=reporter)
    return results


def redraw(
    folder: Path, *, formats: Sequence[str] = ("pdf", "png", "svg"), reporter: Reporter = SILENT
) -> None:
    """Draw figures, tables and report of a stored run again; the run is replaced as a whole."""
    results = read_results(folder)
    with new_folder(folder, force=True) as draft:
        write_run(results, draft, formats=formats, reporter=reporter)


def default_out(specs: Sequence[str], data: Sequence[str], options: EncodeOptions) -> Path:
    """Where a run goes if nobody says: reports/<labels>-<dataset>."""
    labels = [opened.label for opened in _open_strategies(specs, options)]
    names = [
        re.sub(
            r"[^A-Za-z0-9.-]+",
            "-",
            Path(spec.split(":")[-1]).stem if spec.startswith("files:") else spec.split(":")[0],
        )
        for spec in data
    ]
    return Path("reports") / "-".join([*labels, *names])


def write_run(
    results: Results, folder: Path, *, formats: Sequence[str], reporter: Reporter = SILENT
) -> None:
    """Write results, figures, tables and the report into an existing empty folder."""
    from alignkit.report import write_report  # matplotlib is needed from here on only

    write_results(results, folder)
    write_report(results, folder, formats=tuple(formats), reporter=reporter)


@dataclass(frozen=True)
class _Strategy:
    """What one label stands for: a checkpoint, or several runs of one strategy."""

    label: str
    runs: list[Checkpoint]

    def describe(self) -> dict[str, Any]:
        """Say what a run records of it; of several runs, each under `runs`."""
        described = [one.describe() for one in self.runs]
        if len(described) == 1:
            return described[0]
        notes = [note for one in described for note in one["notes"]]
        return {"label": self.label, "kind": f"{len(described)} runs", "runs": described,
                "notes": notes}  # fmt: skip


def _open_strategies(specs: Sequence[str], options: EncodeOptions) -> list[_Strategy]:
    opened = [_Strategy(*load_runs(spec, options)) for spec in specs]
    labels = [one.label for one in opened]
    for label in labels:
        if labels.count(label) > 1:
            raise AlignkitError(
                f"{labels.count(label)} checkpoints are labelled {label!r}; "
                "give each its own label: new-label=LOCATION"
            )
    return opened


def _baseline(checkpoints: list[_Strategy], label: str | None) -> str:
    labels = [checkpoint.label for checkpoint in checkpoints]
    if label is None:
        return labels[0]
    if label not in labels:
        raise AlignkitError(f"no checkpoint is labelled {label!r}; there are: {', '.join(labels)}")
    return label


def _run(
    checkpoints: list[_Strategy],
    baseline: str,
    data: Sequence[str],
    settings: RunSettings,
    reporter: Reporter,
) -> Results:
    published = published_rows(settings.published)
    datasets = _load_datasets(data, settings, reporter)
    groups = _groups(datasets, checkpoints, settings)
    parts = [
        _run_dataset(dataset, checkpoints, baseline, groups, settings, reporter)
        for dataset in datasets
    ]
    provenance = {
        "baseline": baseline,
        "checkpoints": [one.describe() for one in checkpoints],
        "datasets": [part.described for part in parts],
        "projection": {part.described["name"]: part.projection_info for part in parts},
        "settings": _described_settings(settings),
        "command": shlex.join(["alignkit", *sys.argv[1:]]),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "environment": environment(),
        "metric_cards": {card.name: card.described() for card in METRICS.values()},
    }
    return Results(
        pd.concat([part.metrics for part in parts], ignore_index=True),
        pd.concat([part.comparisons for part in parts], ignore_index=True),
        _concat_categories([part.per_query for part in parts]),
        [matrix for part in parts for matrix in part.matrices],
        pd.concat([part.projection for part in parts], ignore_index=True),
        provenance,
        pd.concat([part.variants for part in parts], ignore_index=True),
        published[published["dataset"].isin([dataset.name for dataset in datasets])],
        {name: content for part in parts for name, content in part.files.items()},
    )


def _groups(datasets: list[Dataset], checkpoints: list[_Strategy], settings: RunSettings) -> Groups:
    spoken = {*(code for dataset in datasets for code in dataset.queries.languages),
              *(code for dataset in datasets for code in dataset.passages.languages)}  # fmt: skip
    folders = [run.path for strategy in checkpoints for run in strategy.runs]
    return groups_of(settings.group_by, sorted(spoken), seen=settings.seen, trainings=folders)


def _load_datasets(data: Sequence[str], settings: RunSettings, reporter: Reporter) -> list[Dataset]:
    datasets = [
        load_dataset(
            spec, languages=settings.languages, candidate=settings.candidate, split=settings.split,
            offline=settings.encode.offline, reporter=reporter,
        )
        for spec in data
    ]  # fmt: skip
    names = [dataset.name for dataset in datasets]
    for name in names:
        if names.count(name) > 1:
            raise AlignkitError(f"the dataset {name!r} is given twice; give each --data once")
    return datasets


@dataclass(frozen=True)
class _Part:
    """What one dataset contributes to the results."""

    described: dict[str, Any]
    metrics: pd.DataFrame
    comparisons: pd.DataFrame
    per_query: pd.DataFrame
    matrices: list[SimilarityMatrix]
    projection: pd.DataFrame
    projection_info: dict[str, Any]
    variants: pd.DataFrame
    files: dict[str, bytes]


def _run_dataset(
    dataset: Dataset,
    checkpoints: list[_Strategy],
    baseline: str,
    groups: Groups,
    settings: RunSettings,
    reporter: Reporter,
) -> _Part:
    measures: dict[str, Measures] = {}
    embedded: dict[str, list[tuple[Embeddings, Embeddings]]] = {}
    ranks: dict[str, pd.DataFrame] = {}
    settled: dict[str, int] = {}
    for strategy in checkpoints:
        label, of_runs = strategy.label, []
        embedded[label] = []
        for run in strategy.runs:
            reporter.say(f"{run.label} on {dataset.name}")
            with EmbeddingSession(
                run, engine=settings.engine, workers=settings.workers, reporter=reporter
            ) as session:
                sides = (
                    session.embed(dataset.queries, "query"),
                    session.embed(dataset.passages, "passage"),
                )
            embedded[label].append(sides)
            of_runs.append(
                measure(
                    dataset, *sides, groups=groups, keep=True, spread=spread_of(settings.engine),
                    reporter=reporter,
                )
            )  # fmt: skip
            ranks[run.label] = ranks_table(of_runs[-1].ranks)
        measures[label] = of_runs[0] if len(of_runs) == 1 else pool_runs(of_runs)
        settled[label] = sum(one.settled for one in of_runs)
    metrics, comparisons = tabulate(
        measures, baseline, n_resamples=settings.bootstrap, seed=settings.seed,
        interval=settings.interval,
    )  # fmt: skip
    variants = tabulate_variants(
        dataset, embedded, measures, settings.variants, groups=groups,
        n_resamples=settings.bootstrap, seed=settings.seed, interval=settings.interval,
        reporter=reporter,
    )  # fmt: skip
    matrices = [
        matrix for label, one in measures.items() for matrix in similarity_matrices(one, label)
    ]
    queries = {label: sides[0][0] for label, sides in embedded.items()}  # of runs, the first
    projection, info = _project(dataset, queries, baseline, settings, reporter)
    described = {**_described_dataset(dataset), "settled_in_float64": settled}
    files = _baselines(dataset, checkpoints, measures, queries)
    if settings.trec:
        files |= _trec(dataset, embedded)
    if settings.mteb:
        files |= _mteb(dataset, checkpoints, metrics)
    return _Part(
        described, metrics, comparisons, _label_rows(ranks, dataset.name), matrices,
        projection, info, variants, files,
    )  # fmt: skip


def _baselines(
    dataset: Dataset,
    checkpoints: list[_Strategy],
    measures: dict[str, Measures],
    queries: dict[str, Embeddings],
) -> dict[str, bytes]:
    """Make the files that `check` compares with, of single checkpoints."""
    single = {one.label: one.runs[0] for one in checkpoints if len(one.runs) == 1}
    return {
        f"baselines/{dataset.name}-{label}{SUFFIX}": pack(
            baseline_of(label, run.describe(), dataset, measures[label].ranks, queries[label])
        )
        for label, run in single.items()
    }


def _trec(
    dataset: Dataset, embedded: dict[str, list[tuple[Embeddings, Embeddings]]]
) -> dict[str, bytes]:
    """Write runs and judgements for TREC's tools; of several runs, the first."""
    task = dataset.answer_retrieval()
    files = {f"trec/{dataset.name}.qrels": trec_qrels(task).encode()}
    for label, (sides, *_) in embedded.items():
        files[f"trec/{dataset.name}-{label}.run"] = trec_run(label, task, *sides).encode()
    return files


def _mteb(
    dataset: Dataset, checkpoints: list[_Strategy], metrics: pd.DataFrame
) -> dict[str, bytes]:
    """Write results as MTEB does, a folder a checkpoint."""
    files: dict[str, bytes] = {}
    for one in checkpoints:
        place = f"mteb/{one.label}"
        result = mteb_result(metrics, one.label, _described_dataset(dataset))
        files[f"{place}/alignkit-{dataset.name}.json"] = result.encode()
        files[f"{place}/model_meta.json"] = mteb_model(one.describe()).encode()
    return files


def similarity_matrices(measures: Measures, label: str) -> list[SimilarityMatrix]:
    """Matrices of mean cosines, languages in the order in which figures show them."""
    matrices: list[SimilarityMatrix] = []
    for name, values in measures.matrices.items():
        shown = display_order(measures.languages)
        order = [measures.languages.index(language) for language in shown]
        ordered = values[order][:, order]
        matrices.append(SimilarityMatrix(label, measures.dataset, name, tuple(shown), ordered))
    return matrices


def _label_rows(tables: dict[str, pd.DataFrame], dataset: str) -> pd.DataFrame:
    labels = pd.Index(list(tables))
    table = pd.concat(list(tables.values()), ignore_index=True)  # same categories: one dataset
    counts = [len(one) for one in tables.values()]
    codes = [position for position, n in enumerate(counts) for _ in range(n)]
    table.insert(0, "checkpoint", pd.Categorical.from_codes(codes, labels))
    table.insert(1, "dataset", pd.Categorical.from_codes([0] * len(table), pd.Index([dataset])))
    return table


def _concat_categories(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Stack tables whose categorical columns may have different categories."""
    if len(tables) == 1:
        return tables[0]
    columns: dict[str, Any] = {}
    for name in tables[0].columns:
        parts = [table[name] for table in tables]
        categorical = isinstance(parts[0].dtype, pd.CategoricalDtype)
        columns[name] = (
            union_categoricals(parts) if categorical else pd.concat(parts, ignore_index=True)
        )
    return pd.DataFrame(columns)


def _project(
    dataset: Dataset,
    queries: dict[str, Embeddings],
    baseline: str,
    settings: RunSettings,
    reporter: Reporter,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    if not settings.umap:
        return pd.DataFrame(columns=PROJECTION_COLUMNS), {}
    from alignkit.projection import project

    baseline_first = {baseline: queries[baseline], **queries}
    frame, info = project(baseline_first, seed=settings.seed, reporter=reporter)
    return frame.assign(dataset=dataset.name)[PROJECTION_COLUMNS], info


def _described_dataset(dataset: Dataset) -> dict[str, Any]:
    queries, passages = dataset.queries.frame, dataset.passages.frame
    return {
        "name": dataset.name,
        "title": dataset.card.title,
        "licence": dataset.card.licence,
        "source": dataset.card.source,
        "languages": dataset.queries.languages,
        "queries": queries["language"].value_counts(sort=False).to_dict(),
        "passages": passages["language"].value_counts(sort=False).to_dict(),
        "parallel_ids": int(queries["parallel_id"].nunique()),
        "checksum": dataset.checksum,
        "notes": list(dataset.notes),
    }


def _described_settings(settings: RunSettings) -> dict[str, Any]:
    return {
        "languages": list(settings.languages) if settings.languages else None,
        "candidate": settings.candidate,
        "split": settings.split,
        "bootstrap": settings.bootstrap,
        "interval": settings.interval,
        "group_by": list(settings.group_by),
        "seen": list(settings.seen) if settings.seen else None,
        "what_if": list(settings.variants.repairs),
        "compressions": list(settings.variants.compressions),
        "published": list(settings.published),
        "seed": settings.seed,
        "resampled": "query ids, all languages of an id together",
        "ties": "against the relevant passage",
        "adjusted": "Holm, over all rows of one metric, setting and level",
    }

"""What a run finds on one dataset: every checkpoint measured, compared and mapped on it."""

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from alignkit.checkpoints import EncodeOptions
from alignkit.comparison import tabulate
from alignkit.embedding import EmbeddingSession
from alignkit.engines import EngineName, spread_of
from alignkit.estimates import IntervalKind, pool_runs
from alignkit.exchange.mteb import mteb_model, mteb_result
from alignkit.exchange.trec import trec_further, trec_qrels, trec_run
from alignkit.gate.baseline import SUFFIX, baseline_of, pack
from alignkit.hits import hits_table, texts_table
from alignkit.languages import display_order
from alignkit.measures import Measures, measure
from alignkit.outputs import Groups
from alignkit.progress import Reporter
from alignkit.ranks import TaskRanks, ranks_table
from alignkit.strategies import Strategy
from alignkit.tables import Dataset, Embeddings, SimilarityMatrix
from alignkit.variants import Variants, tabulate_variants

PROJECTION_COLUMNS = ["checkpoint", "id", "language", "role", "x", "y", "pca_x", "pca_y", "dataset"]


@dataclass(frozen=True)
class RunSettings:
    """How to measure; the defaults are those of the command line.

    `bootstrap` is the number of resamples; `umap` asks for the projection; `languages` None means
    all of each dataset. `interval` is "percentile" or "bca"; `group_by` names groupings of
    languages, for which `seen` may name those trained on; `variants` are repairs and compressions
    to measure as well; `published` names papers whose figures are to stand beside these.
    `reader_language` is that of the parallel texts which the report puts under others.
    `engine` says where to embed and rank, with how many `workers`.
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
    reader_language: str = "en"


@dataclass(frozen=True)
class DatasetResults:
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
    hits: pd.DataFrame
    texts: pd.DataFrame


def measure_all(
    dataset: Dataset,
    checkpoints: list[Strategy],
    baseline: str,
    groups: Groups,
    settings: RunSettings,
    reporter: Reporter,
) -> DatasetResults:
    """Embed, measure and compare checkpoints on a dataset, and draw their maps if asked for."""
    measures: dict[str, Measures] = {}
    embedded: dict[str, list[tuple[Embeddings, Embeddings]]] = {}
    ranks: dict[str, pd.DataFrame] = {}
    first: dict[str, list[TaskRanks]] = {}  # of several runs
    settled: dict[str, int] = {}
    for strategy in checkpoints:
        label, of_runs = strategy.label, []
        embedded[label] = []
        for run in strategy.runs:
            reporter.say(f"{run.label} on {dataset.name}")
            with EmbeddingSession(
                run, engine=settings.engine, workers=settings.workers, datasets=[dataset],
                reporter=reporter,
            ) as session:  # fmt: skip
                sides = (
                    session.embed(dataset.queries, "query"),
                    session.embed(dataset.passages, "passage"),
                )
            embedded[label].append(sides)
            of_runs.append(
                measure(
                    dataset, *sides, groups=groups, keep=True, device=settings.encode.device,
                    spread=spread_of(settings.engine), reporter=reporter,
                )
            )  # fmt: skip
            ranks[run.label] = ranks_table(of_runs[-1].ranks)
        measures[label] = of_runs[0] if len(of_runs) == 1 else pool_runs(of_runs)
        first[label] = of_runs[0].ranks
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
    described = {**described_dataset(dataset), "settled_in_float64": settled}
    files = _baselines(dataset, checkpoints, measures, queries)
    if settings.trec:
        files |= _trec(dataset, embedded)
    if settings.mteb:
        files |= _mteb(dataset, checkpoints, metrics)
    hits = hits_table(dataset, first)
    return DatasetResults(
        described, metrics, comparisons, _label_rows(ranks, dataset.name), matrices,
        projection, info, variants, files, hits, texts_table(dataset, hits),
    )  # fmt: skip


def _baselines(
    dataset: Dataset,
    checkpoints: list[Strategy],
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
    judged = trec_qrels(task) + trec_further(dataset)
    files = {f"trec/{dataset.name}.qrels": judged.encode()}
    for label, (sides, *_) in embedded.items():
        files[f"trec/{dataset.name}-{label}.run"] = trec_run(label, task, *sides).encode()
    return files


def _mteb(dataset: Dataset, checkpoints: list[Strategy], metrics: pd.DataFrame) -> dict[str, bytes]:
    """Write results as MTEB does, a folder a checkpoint."""
    files: dict[str, bytes] = {}
    for one in checkpoints:
        place = f"mteb/{one.label}"
        result = mteb_result(metrics, one.label, described_dataset(dataset))
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


def described_dataset(dataset: Dataset) -> dict[str, Any]:
    """Say what a run records of a dataset, in plain JSON types."""
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

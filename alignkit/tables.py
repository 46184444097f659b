"""What flows between the stages: texts, datasets, retrieval tasks, embeddings, results."""

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from alignkit.errors import AlignkitError

Role = Literal["query", "passage"]
Similarity = Literal["cosine", "dot", "euclidean"]
TaskName = Literal["question-alignment", "answer-retrieval"]

TEXT_COLUMNS = ["id", "language", "parallel_id", "text"]
QREL_COLUMNS = ["query_id", "passage_id", "relevance"]
METRIC_COLUMNS = [
    "checkpoint", "dataset", "task", "setting", "query_language", "passage_language", "metric",
    "value", "ci_low", "ci_high", "n",
]  # fmt: skip
COMPARISON_COLUMNS = [
    "baseline", "candidate", "dataset", "task", "setting", "query_language", "passage_language",
    "metric", "baseline_value", "candidate_value", "delta", "ci_low", "ci_high", "p_value",
    "p_adjusted", "n",
]  # fmt: skip
PUBLISHED_COLUMNS = [
    "source", "model", "sampling", "dataset", "task", "setting", "query_language",
    "passage_language", "metric", "value",
]  # fmt: skip
VARIANT_COLUMNS = [
    "checkpoint", "kind", "variant", "dataset", "task", "setting", "query_language",
    "passage_language", "metric", "as_is", "value", "delta", "ci_low", "ci_high", "p_value",
    "p_adjusted", "n", "effect_size", "mdd", "reason",
]  # fmt: skip
HIT_COLUMNS = ["checkpoint", "dataset", "query", "position", "passage", "score"]
STORED_TEXT_COLUMNS = ["dataset", "role", "id", "language", "text"]
AVERAGE = "*"  # stands for a mean over all languages in query_language and passage_language


@dataclass(frozen=True)
class Texts:
    """Texts with their ids; a value with a check.

    `frame` has the columns `id, language, parallel_id, text`, all strings. `id` is unique:
    `{language}:{query_id}` or `{language}:{passage_id}`. `parallel_id` is the same for
    translations of each other and unique within a language; it is "" for texts that have no
    translations (passages).
    """

    frame: pd.DataFrame

    def __post_init__(self) -> None:
        assert list(self.frame.columns) == TEXT_COLUMNS
        repeated = self.frame["id"][self.frame["id"].duplicated()]
        if len(repeated):
            raise AlignkitError(
                f"{len(repeated)} ids stand more than once, first {repeated.iloc[0]!r}; "
                "make every id unique within its language"
            )

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def languages(self) -> list[str]:
        """Languages present, in alphabetical order."""
        return sorted(self.frame["language"].unique())

    @cached_property
    def language_codes(self) -> np.ndarray:
        """Index into `languages` of every row, (n,) int64."""
        return pd.Categorical(self.frame["language"], self.languages).codes.astype(np.int64)


@dataclass(frozen=True)
class Qrels:
    """Which passage answers which query, as row numbers, sorted by query row, then passage row.

    `queries`, `passages` and `relevance` are (n,) int64; relevance is positive. `unfindable` has
    the query rows and the relevance of answers that no pool holds, (2, m) int64.
    """

    queries: np.ndarray
    passages: np.ndarray
    relevance: np.ndarray
    unfindable: np.ndarray = field(default_factory=lambda: np.empty((2, 0), np.int64))

    def __len__(self) -> int:
        return len(self.queries)


@dataclass(frozen=True)
class RetrievalTask:
    """What is asked of a model: queries, passages, and the passages that answer each query.

    In `answer-retrieval` a query's relevant passages are those of all its translations. In
    `question-alignment` the passages are the queries themselves, embedded as queries, and the
    relevant ones are a query's translations.
    """

    name: TaskName
    queries: Texts
    passages: Texts
    qrels: Qrels


@dataclass(frozen=True)
class DatasetCard:
    """What a user wants to know of a dataset before using it."""

    name: str
    title: str
    languages: tuple[str, ...]  # () when the data decide, as for the user's own files
    licence: str
    source: str  # where it comes from, in words or as an address
    description: str
    splits: tuple[str, ...] = ("test",)


@dataclass(frozen=True)
class Dataset:
    """Parallel queries, passages, and which passage answers which query in its own language.

    `qrels` has the columns `query_id, passage_id, relevance` and holds pairs of one language as
    published; `answer_retrieval` extends them to translations through `parallel_id`.
    """

    card: DatasetCard
    queries: Texts
    passages: Texts
    qrels: pd.DataFrame
    checksum: str  # sha256 over the texts and qrels that were loaded
    notes: tuple[str, ...] = field(default=())  # what the loader found odd, for the report
    # Passages judged not to answer a query of their language, for training: query_id, passage_id.
    negatives: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=QREL_COLUMNS[:2]))
    # Answers that no pool holds, of data without parallel queries: QREL_COLUMNS. No rank is
    # theirs, but recall, average precision and nDCG divide by them too, as trec_eval does.
    unfindable: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=QREL_COLUMNS))

    @property
    def name(self) -> str:
        """The dataset's name, as after `--data`."""
        return self.card.name

    @property
    def sides(self) -> list[tuple[Role, Texts]]:
        """Queries and passages, each with its role."""
        return [("query", self.queries), ("passage", self.passages)]

    def answer_retrieval(self) -> RetrievalTask:
        """Every query against the passages that answer it or one of its translations."""
        parallel = self.queries.frame[["id", "parallel_id"]].reset_index(names="query_row")
        passage_rows = pd.Series(np.arange(len(self.passages)), self.passages.frame["id"])
        answers = self.qrels.merge(parallel, left_on="query_id", right_on="id")
        answers = answers[["parallel_id", "passage_id", "relevance"]].drop_duplicates()
        cells = parallel.merge(answers, on="parallel_id")
        cells["passage_row"] = passage_rows.loc[cells["passage_id"]].to_numpy()
        qrels = _qrels(cells)
        if len(self.unfindable):
            rows = pd.Index(self.queries.frame["id"]).get_indexer(self.unfindable["query_id"])
            lost = np.stack([rows, self.unfindable["relevance"].to_numpy(np.int64)])
            qrels = replace(qrels, unfindable=lost)
        return RetrievalTask("answer-retrieval", self.queries, self.passages, qrels)

    def question_alignment(self) -> RetrievalTask:
        """Every query against the queries of the other languages, its translations relevant."""
        rows = self.queries.frame[["language", "parallel_id"]].reset_index(names="row")
        cells = rows.merge(rows, on="parallel_id", suffixes=("_query", "_passage"))
        cells = cells[cells["row_query"] != cells["row_passage"]]
        cells = cells.rename(columns={"row_query": "query_row", "row_passage": "passage_row"})
        cells["relevance"] = 1
        return RetrievalTask("question-alignment", self.queries, self.queries, _qrels(cells))

    @cached_property
    def tasks(self) -> list[RetrievalTask]:
        """Tasks that the data allow: parallel queries for one, answers for the other."""
        tasks = [self.question_alignment(), self.answer_retrieval()]
        return [task for task in tasks if len(task.qrels)]


def _qrels(cells: pd.DataFrame) -> Qrels:
    cells = cells.sort_values(["query_row", "passage_row"])
    return Qrels(
        *(cells[name].to_numpy(np.int64) for name in ("query_row", "passage_row", "relevance"))
    )


@dataclass(frozen=True)
class Embeddings:
    """Vectors of texts: row i of `vectors` (n, dim) embeds text i.

    They are float32 or float16, possibly memory-mapped. `similarity` says how the checkpoint wants
    two of them compared.
    """

    texts: Texts
    vectors: np.ndarray
    similarity: Similarity = "cosine"

    def __post_init__(self) -> None:
        assert self.vectors.dtype in (np.float32, np.float16)
        assert len(self.vectors) == len(self.texts)

    @cached_property
    def digest(self) -> str:
        """Sha256, in hex, of the vectors."""
        digest = hashlib.sha256(repr(self.vectors.shape).encode())
        digest.update(np.ascontiguousarray(self.vectors).data)
        return digest.hexdigest()


@dataclass(frozen=True)
class SimilarityMatrix:
    """A languages × languages matrix as a figure draws it; rows are query languages."""

    checkpoint: str
    dataset: str
    name: str  # "cosine_parallel", "cosine_random", "cosine_margin"
    languages: tuple[str, ...]
    values: np.ndarray  # (L, L) float64


@dataclass(frozen=True)
class Results:
    """Everything a run found: what figures, tables and report are drawn from.

    Attributes
    ----------
    metrics : columns METRIC_COLUMNS; `best`, the best possible value, and `random`, that of a
        random ranking, where they are known; `reason`, which says why a `value` is null.
    comparisons : columns COMPARISON_COLUMNS; `effect_size`, the mean difference over its standard
        deviation; `mdd`, the difference that a test at 5 % would have found four times of five;
        and `reason`. Empty with one checkpoint.
    per_query : one row a relevant passage of a query in a setting: `checkpoint, dataset, task,
        setting, query_language, passage_language, query, parallel_id, passage, rank, score,
        average_precision`.
    matrices : the cosine matrices.
    projection : `checkpoint, id, language, role, x, y, pca_x, pca_y, dataset`; empty without UMAP.
    provenance : versions, hardware, settings, checksums, command; plain JSON types. Its
        "checkpoints" and "datasets" are lists of dicts with at least "label" and "name", in the
        order of the command line; "baseline" is the baseline's label; "projection" has, per
        dataset and checkpoint, "trustworthiness".
    variants : repairs and compressions of each checkpoint against the vectors as they are, columns
        VARIANT_COLUMNS; `ci_low` to `mdd` are of `delta`.
    files : further files, path in the run's folder → content: `baselines/`, what `alignkit check`
        compares with; `trec/` and `mteb/`, if asked for.
    published : rows of a paper that the reader wants beside these: `source, model, sampling,
        dataset, task, setting, query_language, passage_language, metric, value`.
    hits : the five best passages of every query among all passages, columns HIT_COLUMNS, `position`
        from 1; of several runs of a strategy, those of the first. Empty in question alignment.
    texts : all queries, and the passages that answer one or are among the hits, columns
        STORED_TEXT_COLUMNS. Runs of an older alignkit have neither hits nor texts.
    """

    metrics: pd.DataFrame
    comparisons: pd.DataFrame
    per_query: pd.DataFrame
    matrices: list[SimilarityMatrix]
    projection: pd.DataFrame
    provenance: dict[str, Any]
    variants: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=VARIANT_COLUMNS))
    published: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=PUBLISHED_COLUMNS))
    files: dict[str, bytes] = field(default_factory=dict)
    hits: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=HIT_COLUMNS))
    texts: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=STORED_TEXT_COLUMNS))

    @property
    def checkpoints(self) -> list[str]:
        """Labels, in the order of the command line."""
        return [entry["label"] for entry in self.provenance["checkpoints"]]

    @property
    def datasets(self) -> list[str]:
        """Names, in the order of the command line."""
        return [entry["name"] for entry in self.provenance["datasets"]]

    @property
    def baseline(self) -> str:
        """The label of the checkpoint that the others are compared with."""
        return self.provenance["baseline"]

    @property
    def reader_language(self) -> str:
        """Code of the language that a reader of the report knows."""
        return (self.provenance.get("settings") or {}).get("reader_language") or "en"

    def read_in(self, language: str) -> "Results":
        """Give the same results for readers of another language."""
        settings = {**(self.provenance.get("settings") or {}), "reader_language": language}
        return replace(self, provenance={**self.provenance, "settings": settings})

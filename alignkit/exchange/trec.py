"""Runs and judgements as TREC's tools read them.

A run is the multilingual setting: every query against the passages of all languages. Scores are
the float64 ones that the ranks come from, printed in full. trec_eval reads them as float32 and puts
equal ones in the order of their ids; here equal scores count against the answer. So its values are
alignkit's where scores differ in float32, and a little above or below where a model gives several
texts one vector, as an English one does to scripts that it does not know.
"""

import numpy as np
import pandas as pd

from alignkit.errors import AlignkitError
from alignkit.kernels.ranking import prepare, rank_cells
from alignkit.tables import Dataset, Embeddings, RetrievalTask

DEPTH = 100


def trec_qrels(task: RetrievalTask) -> str:
    """Lines `query 0 passage relevance`, every language's answer relevant."""
    queries, passages = (_names(texts.frame["id"]) for texts in (task.queries, task.passages))
    rows = zip(
        queries[task.qrels.queries], passages[task.qrels.passages], task.qrels.relevance,
        strict=True,
    )  # fmt: skip
    return "".join(f"{query} 0 {passage} {relevance}\n" for query, passage, relevance in rows)


def trec_further(dataset: Dataset) -> str:
    """Lines of what was judged besides: passages that don't answer, and answers in no pool.

    With them trec_eval divides by the same numbers of relevant passages as alignkit does.
    """
    rows = [
        row
        for table in (dataset.negatives.assign(relevance=0), dataset.unfindable)
        for row in zip(_names(table["query_id"]), _names(table["passage_id"]), table["relevance"],
                       strict=True)
    ]  # fmt: skip
    return "".join(f"{query} 0 {passage} {relevance}\n" for query, passage, relevance in rows)


def trec_run(
    label: str, task: RetrievalTask, queries: Embeddings, passages: Embeddings, *,
    depth: int = DEPTH,
) -> str:  # fmt: skip
    """Lines `query Q0 passage rank score label`, the `depth` best of every query."""
    names, pool = (_names(texts.frame["id"]) for texts in (task.queries, task.passages))
    nothing = np.empty(0, np.int64)
    _, best = rank_cells(
        prepare(queries.vectors, "query", queries.similarity),
        prepare(passages.vectors, "passage", passages.similarity),
        nothing, nothing, np.array([0, len(pool)]), cutoffs=(depth,),
    )  # fmt: skip
    tag = "-".join(label.split())
    return "".join(
        f"{name} Q0 {pool[column]} {rank} {score!r} {tag}\n"
        for name, columns, scores in zip(names, best.columns, best.scores.tolist(), strict=True)
        for rank, (column, score) in enumerate(zip(columns, scores, strict=True), 1)
        if column >= 0
    )


def _names(ids: pd.Series) -> np.ndarray:
    ids = ids.astype("str")  # an empty table's are objects
    broken = ids[ids.str.contains(r"\s", regex=True)]
    if len(broken):
        raise AlignkitError(
            f"the id {broken.iloc[0]!r} has a blank in it, which TREC's files cannot hold; "
            "rename it, or leave --trec out"
        )
    return ids.to_numpy(object)

"""The best passages of every query, and the texts that a report shows of a run."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from alignkit.ranks import TaskRanks
from alignkit.tables import HIT_COLUMNS, STORED_TEXT_COLUMNS, Dataset

DEPTH = 5  # passages of a query that are kept


def hits_table(dataset: Dataset, ranks: Mapping[str, Sequence[TaskRanks]]) -> pd.DataFrame:
    """List the DEPTH best of all passages for every query and checkpoint, columns HIT_COLUMNS.

    `ranks` are those of each checkpoint's tasks, by label. Empty where no task has passages.
    """
    blocks: list[tuple[np.ndarray, ...]] = []
    for label, tasks in enumerate(ranks.values()):
        for best in (task.best for task in tasks):
            if best is not None:
                columns = best.columns[:, :DEPTH]
                query, position = np.nonzero(columns >= 0)
                score = best.scores[query, position].astype(np.float32)
                found = np.full(len(query), label)
                blocks.append((found, query, position + 1, columns[query, position], score))
    label, query, position, passage, score = (
        map(np.concatenate, zip(*blocks, strict=True)) if blocks else np.zeros((5, 0), np.int64)
    )
    codes = {
        "checkpoint": (label, list(ranks)),
        "dataset": (np.zeros_like(label), [dataset.name]),
        "query": (query, dataset.queries.frame["id"]),
        "passage": (passage, dataset.passages.frame["id"]),
    }
    columns = {
        name: pd.Categorical.from_codes(values, pd.Index(names))
        for name, (values, names) in codes.items()
    }
    numbers = {"position": position.astype(np.int8), "score": score.astype(np.float32)}
    return pd.DataFrame({**columns, **numbers})[HIT_COLUMNS]


def texts_table(dataset: Dataset, hits: pd.DataFrame) -> pd.DataFrame:
    """List all queries, and the passages that answer one or are among the `hits`.

    Columns STORED_TEXT_COLUMNS. Other passages, of which a corpus may have millions, are left out.
    """
    passages = dataset.passages.frame
    named = np.zeros(len(passages), bool)
    if len(hits):
        named[hits["passage"].cat.codes] = True  # its categories are all passages
    named |= passages["id"].isin(dataset.qrels["passage_id"]).to_numpy(bool)
    both = {"query": dataset.queries.frame, "passage": passages.loc[named]}
    tables = [frame.assign(role=role) for role, frame in both.items()]
    table = pd.concat(tables, ignore_index=True).assign(dataset=dataset.name)
    return table[STORED_TEXT_COLUMNS]

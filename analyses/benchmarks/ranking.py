"""Ranks, statistics and nearest passages of a large pool, against floors and peers."""

import tempfile
from pathlib import Path

import numpy as np
from measures import made_vectors, product
from timing import Row, alternate, faster, floor, forget_peak, peak_of

import alignkit
from alignkit.comparison import tabulate
from alignkit.kernels.ranking import prepare, rank_cells
from alignkit.ranks import rank_task
from alignkit.tables import Dataset

POOL, ASKED, DIM, K = 1_000_000, 2_000, 384, 100


def ranking(dataset: Dataset, repetitions: int) -> list[Row]:
    """Rank all answers in all three settings, with the best 100 of every query."""
    import torch
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    queries, passages = made_vectors(np.random.default_rng(0), dataset, 0.4)
    unit = [
        side.vectors / np.linalg.norm(side.vectors, axis=1, keepdims=True)
        for side in (queries, passages)
    ]
    ids = tuple(sorted(dataset.queries.frame["parallel_id"].unique()))
    task = next(one for one in dataset.tasks if one.name == "answer-retrieval")
    languages = task.passages.language_codes
    order = np.argsort(languages, kind="stable")
    starts = np.searchsorted(languages[order], np.arange(languages.max() + 2))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))

    def ours() -> None:
        asks, pool = prepare(queries.vectors, "query"), prepare(passages.vectors[order], "passage")
        rank_cells(asks, pool, task.qrels.queries, place[task.qrels.passages], starts,
                   cutoffs=(10, K))  # fmt: skip

    relevant: dict[str, set[str]] = {}
    query_ids, passage_ids = task.queries.frame["id"], task.passages.frame["id"]
    for row, column in zip(task.qrels.queries, task.qrels.passages, strict=True):
        relevant.setdefault(query_ids[row], set()).add(passage_ids[column])
    evaluator = InformationRetrievalEvaluator(
        dict.fromkeys(query_ids, ""),
        dict.fromkeys(passage_ids, ""),
        relevant,
        write_csv=False,
        score_functions={"dot": lambda a, b: a @ b.T},
    )
    asked, pool = (torch.from_numpy(one) for one in unit)
    evaluator.embed_inputs = lambda *_, **__: asked

    works = {
        "alignkit": ours,
        "one blocked product": lambda: product(*unit),
        "InformationRetrievalEvaluator": lambda: evaluator.compute_metrices(
            None, corpus_embeddings=pool
        ),
    }
    seconds = alternate(works, repetitions)
    rows = [
        floor("all ranks, three settings, top-100", "one blocked product", "≤ 1.8",
              seconds["alignkit"], seconds["one blocked product"]),
        faster("all ranks, three settings, top-100", "InformationRetrievalEvaluator, one pool",
               "≥ 5", seconds["alignkit"], seconds["InformationRetrievalEvaluator"]),
    ]  # fmt: skip
    measures = {"a": alignkit.measure(dataset, queries, passages)}

    def rank_all() -> None:
        for one in dataset.tasks:
            pool = passages if one.name == "answer-retrieval" else queries
            rank_task(one, queries, pool, ids)

    seconds = alternate(
        {"1,000 resamples": lambda: tabulate(measures, "a"), "ranking": rank_all}, repetitions
    )
    rows.append(
        floor("1,000-resample intervals of all metrics", "our own ranking", "≤ 1",
              seconds["1,000 resamples"], seconds["ranking"])
    )  # fmt: skip
    return rows


def large_pool(repetitions: int) -> list[Row]:
    """Find the best 100 of a million passages, memory-mapped, against faiss' exact index."""
    import faiss

    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "passages.f32"
        shape = (POOL, DIM)
        written = np.memmap(file, np.float32, "w+", shape=shape)
        for start in range(0, POOL, 50_000):
            block = rng.standard_normal((50_000, DIM), np.float32)
            written[start : start + 50_000] = block / np.linalg.norm(block, axis=1, keepdims=True)
        written.flush()
        passages = np.memmap(file, np.float32, "r", shape=shape)
        asked = rng.standard_normal((ASKED, DIM), np.float32)
        cells = np.arange(ASKED), rng.integers(0, POOL, ASKED)
        starts = np.array([0, POOL])

        def ours() -> None:
            asks, pool = prepare(asked, "query"), prepare(passages, "passage")
            rank_cells(asks, pool, *cells, starts, cutoffs=(K,))

        before = forget_peak()
        ours()
        peak = peak_of()
        index = faiss.IndexFlatIP(DIM)
        index.add(np.ascontiguousarray(passages))
        seconds = alternate(
            {"alignkit": ours, "faiss": lambda: index.search(asked, K)}, repetitions, warm=False
        )
    vectors = POOL * DIM * 4 / 2**20
    note = (
        f"our memory grew by {peak - before:,.0f} MiB, mapped vectors of {vectors:,.0f} among them"
    )
    return [faster("exact ranks and top-100 of 1,000,000 passages", "faiss IndexFlatIP", "≥ 1",
                   seconds["alignkit"], seconds["faiss"], note)]  # fmt: skip

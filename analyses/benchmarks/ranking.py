"""Ranks, statistics and nearest passages of a large pool, against floors and peers."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from measures import made_vectors, product
from timing import Row, alternate, faster, floor, forget_peak, peak_of

import alignkit
from alignkit.comparison import tabulate
from alignkit.kernels.ranking import Best, CellRanks, prepare, rank_cells
from alignkit.ranks import rank_task
from alignkit.tables import Dataset

POOL, ASKED, DIM, K = 1_000_000, 2_000, 384, 100
PRECISIONS = {"float32": np.float32, "float16": np.float16}
COMPILED = 5_000  # passages that kernels are compiled on


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

    def ours(*cutoffs: int) -> None:
        asks, pool = prepare(queries.vectors, "query"), prepare(passages.vectors[order], "passage")
        rank_cells(asks, pool, task.qrels.queries, place[task.qrels.passages], starts,
                   cutoffs=cutoffs)  # fmt: skip

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
        "alignkit": lambda: ours(10, K),
        "alignkit, 10 best": lambda: ours(10),
        "alignkit, ranks alone": ours,
        "one blocked product": lambda: product(*unit),
        "InformationRetrievalEvaluator": lambda: evaluator.compute_metrices(
            None, corpus_embeddings=pool
        ),
    }
    seconds = alternate(works, repetitions)
    rows = [
        floor("all ranks, three settings, top-100", "one blocked product", "≤ 1.8",
              seconds["alignkit"], seconds["one blocked product"]),
        floor("all ranks, three settings, top-10", "one blocked product", "",
              seconds["alignkit, 10 best"], seconds["one blocked product"]),
        floor("all ranks, three settings", "one blocked product", "",
              seconds["alignkit, ranks alone"], seconds["one blocked product"]),
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
    asked = rng.standard_normal((ASKED, DIM), np.float32)
    cells = np.arange(ASKED), rng.integers(0, COMPILED, ASKED)

    def ours(passages: np.ndarray) -> None:
        asks, pool = prepare(asked, "query"), prepare(passages, "passage")
        rank_cells(asks, pool, *cells, np.array([0, len(passages)]), cutoffs=(K,))

    with tempfile.TemporaryDirectory() as folder:
        pools = {name: _mapped_pool(Path(folder), dtype) for name, dtype in PRECISIONS.items()}
        ours(pools["float32"][:COMPILED])
        ours(pools["float16"][:COMPILED])
        notes = {name: _memory(ours, passages) for name, passages in pools.items()}
        index = faiss.IndexFlatIP(DIM)
        index.add(np.ascontiguousarray(pools["float32"]))
        works = {name: partial(ours, passages) for name, passages in pools.items()}
        works["faiss"] = lambda: index.search(asked, K)
        works["product"] = lambda: product(pools["float32"], asked)
        seconds = alternate(works, repetitions, warm=False)
    work = "exact ranks and top-100 of 1,000,000 passages"
    rivals = [
        faster(f"{work}, {name}", "faiss IndexFlatIP, float32", "≥ 1" if name == "float32" else "",
               seconds[name], seconds["faiss"], note)
        for name, note in notes.items()
    ]  # fmt: skip
    least = seconds["product"]
    return [
        *rivals,
        floor(f"{work}, float32", "one blocked product", "", seconds["float32"], least),
    ]


def pool_on_gpu(repetitions: int, device: str = "cuda") -> list[Row]:
    """Find the best 100 of a million passages with products made on a GPU, and without."""
    rng = np.random.default_rng(0)
    asked = rng.standard_normal((ASKED, DIM), np.float32)
    cells = np.arange(ASKED), rng.integers(0, COMPILED, ASKED)
    with tempfile.TemporaryDirectory() as folder:
        passages = _mapped_pool(Path(folder), np.float32)

        def ours(where: str, n: int = POOL) -> tuple[CellRanks, Best]:
            asks, pool = prepare(asked, "query"), prepare(passages[:n], "passage")
            return rank_cells(asks, pool, *cells, np.array([0, n]), cutoffs=(K,), device=where)

        ours("cpu", COMPILED)
        for one, other in zip(ours("cpu"), ours(device), strict=True):
            for name, value in vars(one).items():
                assert name == "settled" or np.array_equal(value, vars(other)[name]), name
        works = {name: partial(ours, name) for name in (device, "cpu")}
        seconds = alternate(works, repetitions, warm=False)
    work = "exact ranks and top-100 of 1,000,000 passages, products on the GPU"
    return [faster(work, "on the CPU", "", seconds[device], seconds["cpu"], "the same bits")]


def _mapped_pool(folder: Path, dtype: type) -> np.ndarray:
    """Write unit vectors to a file and map it."""
    file, rng = folder / np.dtype(dtype).name, np.random.default_rng(1)
    written = np.memmap(file, dtype, "w+", shape=(POOL, DIM))
    for start in range(0, POOL, 50_000):
        block = rng.standard_normal((50_000, DIM), np.float32)
        written[start : start + 50_000] = block / np.linalg.norm(block, axis=1, keepdims=True)
    written.flush()
    return np.memmap(file, dtype, "r", shape=(POOL, DIM))


def _memory(work: Callable[[np.ndarray], None], passages: np.ndarray) -> str:
    """Say how far memory grows while a mapped pool is ranked, which was not read before."""
    before = forget_peak()
    work(passages)
    grown, mapped = peak_of() - before, passages.nbytes / 2**20
    return f"memory grew by {grown:,.0f} MiB, {mapped:,.0f} of it mapped vectors"

"""How long all measures take, as a multiple of the one matrix product that they can't do without.

    python analyses/benchmarks/measures.py --data xquad-r:PATH

Vectors are given (made here: meaning + language + noise, two checkpoints; or --vectors A B), so
nothing is embedded. Checkpoints that rank answers deep cost more than good ones.
Timed side by side in one process, alternating: one blocked float32 product of queries × passages,
and every measure of both checkpoints with bootstrap intervals and paired tests. Compiling the
kernels is left out by one round that does not count. Peak memory is that of the whole process.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable

import numpy as np

import alignkit
from alignkit.comparison import tabulate
from alignkit.tables import Dataset, Embeddings, Texts

DIM = 384


def made_vectors(rng: np.random.Generator, dataset: Dataset, strength: float) -> list[Embeddings]:
    """Make queries and passages: meaning + a language's offset + noise, (n, 384) float32."""
    queries, passages = dataset.queries, dataset.passages
    meaning = {key: rng.standard_normal(DIM) for key in sorted(set(queries.frame["parallel_id"]))}
    offsets = strength * rng.standard_normal((len(queries.languages), DIM))
    parallel = dict(zip(queries.frame["id"], queries.frame["parallel_id"], strict=True))
    means: dict[str, np.ndarray] = {}  # a sentence that answers three questions means all three
    for passage, query in zip(dataset.qrels["passage_id"], dataset.qrels["query_id"], strict=True):
        means[passage] = means.get(passage, 0.0) + meaning[parallel[query]]

    def embed(texts: Texts, known: list[np.ndarray | None]) -> Embeddings:
        noise = rng.standard_normal((len(texts), DIM))
        mean = np.array([np.zeros(DIM) if one is None else one for one in known])
        vectors = mean + 1.5 * noise + offsets[texts.language_codes]
        return Embeddings(texts, vectors.astype(np.float32))

    return [
        embed(queries, [meaning[key] for key in queries.frame["parallel_id"]]),
        embed(passages, [means.get(key) for key in passages.frame["id"]]),
    ]


def product(queries: np.ndarray, passages: np.ndarray, block: int = 512) -> None:
    """Multiply (n, d) by (m, d) in blocks of rows and keep nothing."""
    out = np.empty((block, len(passages)), np.float32)
    for start in range(0, len(queries), block):
        rows = queries[start : start + block]
        np.matmul(rows, passages.T, out=out[: len(rows)])


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="sample", help="NAME[:PATH]; the target is for xquad-r")
    parser.add_argument("--vectors", nargs=2, metavar="FILE", help="two .npz in place of made ones")
    parser.add_argument("--repetitions", type=int, default=7)
    asked = parser.parse_args()
    dataset = alignkit.load_dataset(asked.data)
    rng = np.random.default_rng(0)
    if asked.vectors:
        both = [alignkit.load_checkpoint(f"{label}={file}") for label, file in
                zip("ab", asked.vectors, strict=True)]  # fmt: skip
        vectors = {
            one.label: [alignkit.embed(one, dataset.queries, "query"),
                        alignkit.embed(one, dataset.passages, "passage")]
            for one in both
        }  # fmt: skip
    else:
        vectors = {"a": made_vectors(rng, dataset, 0.2), "b": made_vectors(rng, dataset, 0.6)}

    def everything() -> None:
        measured = {label: alignkit.measure(dataset, *both) for label, both in vectors.items()}
        tabulate(measured, "a", n_resamples=1000)

    queries, passages = (one.vectors for one in vectors["a"])
    everything()
    products, measures = [], []
    for _ in range(asked.repetitions):
        products.append(seconds(lambda: product(queries, passages)))
        measures.append(seconds(everything))
    ratios = [b / a for a, b in zip(products, measures, strict=True)]
    shape = f"{len(queries):,} × {len(passages):,} × {queries.shape[1]}"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"one blocked product {shape}: median {statistics.median(products):.2f} s")
    print(f"all measures, two checkpoints, 1,000 resamples: {statistics.median(measures):.2f} s")
    print(
        f"ratio: median {statistics.median(ratios):.2f}, "
        f"{min(ratios):.2f} to {max(ratios):.2f} over {len(ratios)} repetitions"
    )
    print(f"peak memory: {peak:,.0f} MB")


if __name__ == "__main__":
    main()

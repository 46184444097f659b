"""Time and memory of ranking and measuring against languages, passages, dimensions, checkpoints."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from timing import peak_of

from alignkit.figures.style import COLOURS, new_figure

BASE = {"languages": 4, "passages": 10_000, "dimensions": 128, "checkpoints": 1}
SIZES = {
    "languages": (2, 4, 8, 11),
    "passages": (10_000, 100_000, 1_000_000),
    "dimensions": (64, 128, 256, 512),
    "checkpoints": (1, 2, 4),
}
QUESTIONS = 500  # in every language


def growth(repetitions: int) -> pd.DataFrame:
    """Measure each size in a process of its own: median seconds, and peak memory in MiB."""
    rows = []
    for what, sizes in SIZES.items():
        for size in sizes:
            settings = BASE | {what: size}
            times = 1 if settings["passages"] > 500_000 else repetitions
            found = [_in_a_process(settings) for _ in range(times)]
            seconds, peak, vectors = np.median(found, axis=0)
            rows.append((what, size, seconds, peak, vectors, times))
            print("  growth", *rows[-1], flush=True)
    return pd.DataFrame(
        rows, columns=["what", "size", "seconds", "peak_mib", "vectors_mib", "repetitions"]
    )


def _in_a_process(settings: dict[str, int]) -> list[float]:
    done = subprocess.run(
        [sys.executable, __file__, json.dumps(settings)], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def measure_once(settings: dict[str, int]) -> list[float]:
    """Rank and measure made vectors: seconds, peak memory, and memory of the vectors alone."""
    from alignkit import measure
    from alignkit.comparison import tabulate
    from alignkit.tables import Dataset, DatasetCard, Embeddings, Texts

    rng = np.random.default_rng(0)
    languages = [f"l{i:02d}" for i in range(settings["languages"])]
    each = settings["passages"] // len(languages)
    columns = ["id", "language", "parallel_id", "text"]
    queries = [(f"{a}:{i}", a, str(i), "") for a in languages for i in range(QUESTIONS)]
    passages = [(f"{a}:p{i}", a, "", "") for a in languages for i in range(each)]
    qrels = [(f"{a}:{i}", f"{a}:p{i}", 1) for a in languages for i in range(QUESTIONS)]
    dataset = Dataset(
        DatasetCard("growth", "made", (), "none", "made", ""),
        Texts(pd.DataFrame(queries, columns=columns)),
        Texts(pd.DataFrame(passages, columns=columns)),
        pd.DataFrame(qrels, columns=["query_id", "passage_id", "relevance"]),
        "0",
    )
    dim = settings["dimensions"]
    meaning = rng.standard_normal((QUESTIONS, dim), np.float32)

    def embed(texts: Texts, n: int) -> Embeddings:
        vectors = rng.standard_normal((len(texts), dim), np.float32)
        for start in range(0, len(texts), n):
            vectors[start : start + QUESTIONS] += meaning
        return Embeddings(texts, vectors)

    both = [
        (embed(dataset.queries, QUESTIONS), embed(dataset.passages, each))
        for _ in range(settings["checkpoints"])
    ]
    measure(*_small(dataset, both[0]))  # compiles what is compiled
    start = time.perf_counter()
    measures = {str(i): measure(dataset, *sides) for i, sides in enumerate(both)}
    tabulate(measures, "0")
    seconds = time.perf_counter() - start
    peak = peak_of()
    vectors = sum(side.vectors.nbytes for sides in both for side in sides) / 2**20
    return [seconds, peak, vectors]


def _small(dataset, sides):  # noqa: ANN001, ANN202
    from alignkit.tables import Dataset, Embeddings, Texts

    frames = [side.texts.frame for side in sides]
    languages = frames[0]["language"].unique()[:2]
    kept = [
        frame["language"].isin(languages) & (frame.groupby("language").cumcount() < 20)
        for frame in frames
    ]
    texts = [
        Texts(frame[own].reset_index(drop=True)) for frame, own in zip(frames, kept, strict=True)
    ]
    ids = set(texts[0].frame["id"])
    qrels = dataset.qrels[dataset.qrels["query_id"].isin(ids)]
    small = Dataset(dataset.card, *texts, qrels, "0")
    return small, *(
        Embeddings(one, side.vectors[own.to_numpy()])
        for one, side, own in zip(texts, sides, kept, strict=True)
    )


def _short(size: int) -> str:
    """Print 1,000,000 as 1M."""
    for unit, name in ((1_000_000, "M"), (1000, "k")):
        if size >= unit:
            return f"{size / unit:g}{name}"
    return str(size)


def draw(file: Path) -> Figure:
    """Draw a column for each thing that grows: seconds above, memory beside the vectors below."""
    table = pd.read_csv(file)
    table["MiB beside the vectors"] = table["peak_mib"] - table["vectors_mib"]
    picture = new_figure(2.8, wide=True)
    panels = picture.subplots(2, len(SIZES), sharex="col", sharey="row")
    grown = table.groupby("what", sort=False)
    for column, (what, rows) in zip(panels.T, grown, strict=True):
        for axes, name in zip(column, ("seconds", "MiB beside the vectors"), strict=True):
            axes.plot(rows["size"], rows[name], marker="o", markersize=3, color=COLOURS[0])
            axes.set(xscale="log", yscale="log")
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
            axes.yaxis.set_minor_formatter(lambda *_: "")
            axes.set_xticks(rows["size"], [_short(size) for size in rows["size"]])
            axes.xaxis.minorticks_off()
        column[0].set_title(what)
    panels[0, 0].set_ylabel("seconds")
    panels[1, 0].set(ylabel="MiB beside the vectors", ylim=(100, 2000))
    return picture


if __name__ == "__main__":
    print(json.dumps(measure_once(json.loads(sys.argv[1]))))

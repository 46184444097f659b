"""A made corpus in 4 languages, embedded, ranked and measured: time and memory against its size.

python analyses/benchmarks/corpus.py [--sizes 10000,100000,1000000]

Texts are hashes written as words, the encoder is a static one with a vector for each word. Memory
is what the process holds itself (RssAnon): pages of memory-mapped vectors are not in it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from alignkit.figures.style import COLOURS, PAGE

LANGUAGES = ("de", "en", "sw", "th")
QUERIES = 500  # of each language
WORDS, VOCABULARY, DIM = 24, 20_000, 384
UNKNOWN = "?"
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
REPORTS = Path(__file__).parents[2] / "reports" / "benchmarks"
STAGES = ("embed", "measure")


def texts_of(language: str, n: int) -> np.ndarray:
    """Word numbers of `n` passages, (n, WORDS); the same for a language whatever the size."""
    return np.random.default_rng([ord(c) for c in language]).integers(VOCABULARY, size=(n, WORDS))


def made(n_passages: int):  # noqa: ANN201  a Dataset, imported late
    """Make the data set: a query is some words of a passage and some of its own."""
    from alignkit.tables import QREL_COLUMNS, TEXT_COLUMNS, Dataset, DatasetCard, Texts

    parts: dict[str, list[pd.DataFrame]] = {"query": [], "passage": []}
    qrels = []
    for language in LANGUAGES:
        numbers = texts_of(language, n_passages // len(LANGUAGES))
        asked = np.linspace(0, len(numbers) - 1, QUERIES).astype(int)
        queries = numbers[asked]
        queries[:, WORDS // 3 :] = texts_of(f"{language}?", QUERIES)[:, WORDS // 3 :]
        for role, rows in (("query", queries), ("passage", numbers)):
            ids = [f"{language}:{i}" for i in range(len(rows))]
            words = [" ".join(f"{language}{word}" for word in row) for row in rows.tolist()]
            parallel = ids if role == "query" else [""] * len(ids)
            columns = zip(ids, [language] * len(ids), parallel, words, strict=True)
            parts[role].append(pd.DataFrame(columns, columns=TEXT_COLUMNS, dtype="str"))
        qrels += [(f"{language}:{i}", f"{language}:{p}", 1) for i, p in enumerate(asked)]
    card = DatasetCard("made", "made", LANGUAGES, "none", "made", "")
    queries, passages = (Texts(pd.concat(part, ignore_index=True)) for part in parts.values())
    return Dataset(card, queries, passages, pd.DataFrame(qrels, columns=QREL_COLUMNS), "0")


def save_encoder(folder: Path) -> None:
    """Save a sentence-transformers model with a random vector for every word."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = [f"{language}{word}" for language in LANGUAGES for word in range(VOCABULARY)]
    vocabulary = {word: i for i, word in enumerate([UNKNOWN, *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    torch.manual_seed(0)
    module = StaticEmbedding(tokenizer, embedding_dim=DIM)
    SentenceTransformer(modules=[module, Normalize()], device="cpu").save(str(folder))


class Watch:
    """The most memory that this process holds itself, in MiB, while the block runs."""

    def __enter__(self) -> "Watch":
        self.began, self.peak, self._done = time.perf_counter(), 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._done.set()
        self._thread.join()
        self.seconds = time.perf_counter() - self.began

    def _look(self) -> None:
        while not self._done.wait(0.05):
            self.peak = max(self.peak, _held())


def _held() -> float:
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))


def _compile(dataset) -> None:  # noqa: ANN001
    """Measure a small set, so that nothing is compiled while the clock runs."""
    from alignkit.measures import measure
    from alignkit.tables import Embeddings

    rng = np.random.default_rng(0)
    sides = (dataset.queries, dataset.passages)
    measure(dataset, *(Embeddings(one, rng.random((len(one), DIM), np.float32)) for one in sides))


def one(n_passages: int) -> dict[str, float]:
    """Embed and measure a corpus of one size in this process."""
    from alignkit.checkpoints import EncodeOptions, load_checkpoint
    from alignkit.embedding import EmbeddingSession
    from alignkit.measures import measure
    from alignkit.store import VectorStore

    with tempfile.TemporaryDirectory() as folder:
        save_encoder(Path(folder) / "model")
        checkpoint = load_checkpoint(f"{folder}/model", EncodeOptions(device="cpu"))
        _compile(made(len(LANGUAGES) * QUERIES))
        dataset = made(n_passages)
        found = {"passages": n_passages, "data_mib": _held()}
        with (
            Watch() as embedding,
            EmbeddingSession(checkpoint, store=VectorStore(Path(folder))) as session,
        ):
            sides = (
                session.embed(dataset.queries, "query"),
                session.embed(dataset.passages, "passage"),
            )
        with Watch() as measuring:
            measures = measure(dataset, *sides)
        for stage, watch in zip(STAGES, (embedding, measuring), strict=True):
            found |= {f"{stage}_seconds": watch.seconds, f"{stage}_mib": watch.peak}
        found["vectors_mib"] = sum(side.vectors.nbytes for side in sides) / 2**20
        found["first"] = float((measures.ranks[0].cells.overall == 1).mean())
    return found


def draw(table: pd.DataFrame) -> Figure:
    """Draw seconds and memory of both stages against the number of passages."""
    picture = Figure(figsize=(PAGE, 2.4), layout="constrained")
    for axes, what, label in zip(
        picture.subplots(1, 2), ("seconds", "mib"),
        ("seconds", "MiB held, vectors not counted"), strict=True,
    ):  # fmt: skip
        for stage, colour, marker in zip(STAGES, COLOURS, "os", strict=False):
            axes.plot(table["passages"], table[f"{stage}_{what}"], marker=marker, markersize=3,
                      color=colour, label=stage)  # fmt: skip
        axes.set(xscale="log", yscale="log", xlabel="passages", ylabel=label)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axes.axhline(2048, color="grey", linewidth=0.8, linestyle=":")
    picture.axes[0].legend(frameon=False)
    return picture


def main() -> None:
    """Measure every size in a process of its own; write the table and the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=REPORTS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(one(asked.one)))
        return
    rows = []
    for size in asked.sizes.split(","):
        done = subprocess.run(
            [sys.executable, __file__, "--one", size], check=True, stdout=subprocess.PIPE, text=True
        )
        rows.append(json.loads(done.stdout.splitlines()[-1]))
        print(rows[-1], flush=True)
    table = pd.DataFrame(rows).round(3)
    table.to_csv(asked.out / "corpus.csv", index=False)
    for suffix in ("svg", "pdf"):
        draw(table).savefig(asked.out / f"corpus.{suffix}", metadata={"Date": None} if
                            suffix == "svg" else {"CreationDate": None})  # fmt: skip


if __name__ == "__main__":
    main()

"""A made corpus of 4 languages in MIRACL's layout, read, embedded, ranked and measured.

python analyses/benchmarks/corpus.py [--sizes 10000,100000,1000000]

Texts are hashes written as words, the encoder is a static one with a vector for each word. Memory
is what the process holds itself (RssAnon): pages of memory-mapped vectors are not in it.
"""

import argparse
import gzip
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
from matplotlib.ticker import NullFormatter

from alignkit.figures.style import drawing, mark, new_figure, save

LANGUAGES = ("de", "en", "sw", "th")
QUERIES = 500  # of each language
WORDS, VOCABULARY, DIM = 24, 20_000, 384
TITLE = 2  # words of a passage
IN_A_FILE = 500_000  # passages, as MIRACL has it
UNKNOWN = "?"
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
REPORTS = Path(__file__).parents[2] / "reports" / "benchmarks"
STAGES = ("read", "embed", "measure")


def numbers_of(language: str, n: int) -> np.ndarray:
    """Word numbers of `n` passages, (n, WORDS); the same for a language whatever the size."""
    return np.random.default_rng([ord(c) for c in language]).integers(VOCABULARY, size=(n, WORDS))


def write_language(folder: Path, language: str, n_passages: int) -> None:
    """Write corpus, topics and qrels: a query is some words of a passage and some of its own."""
    numbers = numbers_of(language, n_passages)
    words = np.array([f"{language}{word}" for word in range(VOCABULARY)], dtype=object)
    corpus = folder / f"miracl-corpus-v1.0-{language}"
    corpus.mkdir()
    for start in range(0, n_passages, IN_A_FILE):
        place = corpus / f"docs-{start // IN_A_FILE}.jsonl.gz"
        with gzip.open(place, "wt", compresslevel=1, encoding="utf-8") as file:
            for i, row in enumerate(words[numbers[start : start + IN_A_FILE]], start):
                title, text = " ".join(row[:TITLE]), " ".join(row[TITLE:])
                file.write(json.dumps({"docid": f"{i}#0", "title": title, "text": text}) + "\n")
    answers = np.linspace(0, n_passages - 1, QUERIES).astype(int)
    asked = numbers[answers]
    asked[:, WORDS // 3 :] = numbers_of(f"{language}?", QUERIES)[:, WORDS // 3 :]
    lines = {
        "topics": [f"{i}\t{' '.join(words[row])}" for i, row in enumerate(asked)],
        "qrels": [f"{i}\tQ0\t{answer}#0\t1" for i, answer in enumerate(answers)],
    }
    for kind, content in lines.items():
        place = folder / f"miracl-v1.0-{language}" / kind
        place.mkdir(parents=True)
        file = place / f"{kind}.miracl-v1.0-{language}-dev.tsv"
        file.write_text("\n".join(content) + "\n", "utf-8")


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
    """Read, embed and measure a corpus of one size in this process."""
    import alignkit
    from alignkit.checkpoints import EncodeOptions
    from alignkit.embedding import EmbeddingSession
    from alignkit.measures import measure
    from alignkit.store import VectorStore

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in (len(LANGUAGES) * QUERIES, n_passages):
            (folder / str(size)).mkdir()
            for language in LANGUAGES:
                write_language(folder / str(size), language, size // len(LANGUAGES))
        save_encoder(folder / "model")
        checkpoint = alignkit.load_checkpoint(f"{folder}/model", EncodeOptions(device="cpu"))
        _compile(alignkit.load_dataset(f"miracl:{folder}/{len(LANGUAGES) * QUERIES}"))
        with Watch() as reading:
            dataset = alignkit.load_dataset(f"miracl:{folder}/{n_passages}")
        with (
            Watch() as embedding,
            EmbeddingSession(checkpoint, store=VectorStore(folder)) as session,
        ):
            sides = (
                session.embed(dataset.queries, "query"),
                session.embed(dataset.passages, "passage"),
            )
        with Watch() as measuring:
            measures = measure(dataset, *sides)
        found: dict[str, float] = {"passages": n_passages}
        for stage, watch in zip(STAGES, (reading, embedding, measuring), strict=True):
            found |= {f"{stage}_seconds": watch.seconds, f"{stage}_mib": watch.peak}
        found["vectors_mib"] = sum(side.vectors.nbytes for side in sides) / 2**20
        found["first"] = float((measures.ranks[0].cells.overall == 1).mean())
    return found


def draw(table: pd.DataFrame) -> Figure:
    """Draw seconds and memory of every stage against the number of passages."""
    picture = new_figure(2.0, wide=True)
    seconds, memory = picture.subplots(1, 2)
    n = table["passages"]
    for i, stage in enumerate(STAGES):
        for axes, what in ((seconds, "seconds"), (memory, "mib")):
            axes.plot(n, table[f"{stage}_{what}"], label=stage, **mark(i))
    whole = sum(table[f"{stage}_seconds"] for stage in STAGES)
    seconds.plot(n, whole, label="together", **mark(len(STAGES)))
    seconds.plot(n, whole.iloc[-1] * n / n.iloc[-1], label="as many times as passages",
                 color="grey", linestyle=":")  # fmt: skip
    memory.axhline(2048, color="grey", linestyle=":")
    seconds.set(yscale="log", ylabel="seconds")
    memory.set(ylim=0, ylabel="MiB beside the vectors")
    for axes in (seconds, memory):
        axes.set(xscale="log", xlabel="passages")
    for axis in (seconds.yaxis, seconds.xaxis, memory.xaxis):
        axis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
        axis.set_minor_formatter(NullFormatter())
    picture.legend(*seconds.get_legend_handles_labels(), loc="outside lower center", ncols=5)
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
    with drawing():
        save(draw(table), {kind: asked.out / f"corpus.{kind}" for kind in ("pdf", "svg")})


if __name__ == "__main__":
    main()

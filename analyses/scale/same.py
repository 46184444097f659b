"""Do shards, Ray and killed workers give the bits of one process? Every way, side by side.

python analyses/scale/same.py --data xquad-r:PATH [--model FOLDER] [--languages en,de] [--kills 20]

Without a model, a BERT of two layers with random weights is made: its vectors depend, in their last
bits, on the batch. Where RAY_ADDRESS names a cluster it is used; actors are killed only where they
run on this machine.
"""

import argparse
import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from alignkit import load_checkpoint, load_dataset
from alignkit.batches import Shard
from alignkit.cache_merge import merge_caches
from alignkit.checkpoints import Checkpoint, EncodeOptions
from alignkit.embedding import EmbeddingSession, fill_shard
from alignkit.engines import spread_of
from alignkit.measures import measure
from alignkit.store import VectorStore
from alignkit.tables import Dataset, Embeddings

REPORTS = Path(__file__).parents[2] / "reports" / "scale"
PADDING = "<pad>"
Sides = tuple[Embeddings, Embeddings]


def save_encoder(folder: Path, texts: list[str]) -> None:
    """Save a small BERT with subwords of the texts' bytes, in the layout of transformers."""
    import torch
    from tokenizers import ByteLevelBPETokenizer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(texts, vocab_size=4000, special_tokens=[PADDING],
                                  show_progress=False)  # fmt: skip
    tokenizer.save(str(folder.with_suffix(".json")))
    torch.manual_seed(0)
    config = BertConfig(vocab_size=4000, hidden_size=64, num_hidden_layers=2,
                        num_attention_heads=2, intermediate_size=128)  # fmt: skip
    BertModel(config).save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_file=str(folder.with_suffix(".json")), pad_token=PADDING, model_max_length=512
    ).save_pretrained(folder)


def embedded(checkpoint: Checkpoint, dataset: Dataset, cache: Path, **engine: object) -> Sides:
    """Embed all queries and passages with a cache of their own."""
    with EmbeddingSession(checkpoint, store=VectorStore(cache), **engine) as session:
        session.engine()
        if engine:
            print(f"  {len(actors())} actors on {n_hosts()} hosts", flush=True)
        return session.embed(dataset.queries, "query"), session.embed(dataset.passages, "passage")


def actors() -> list[int]:
    """Find the Ray actors on this machine, by the title that Ray gives its processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"ray::Worker"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def n_hosts() -> int:
    """Count the hosts that the actors on this machine are on, which may be network namespaces."""
    return len({(Path("/proc") / str(pid) / "ns" / "net").readlink() for pid in actors()})


def killed(
    checkpoint: Checkpoint, dataset: Dataset, cache: Path, seconds: float, rng: random.Random
) -> Sides:
    """Embed on Ray while an actor is killed at some moment of the `seconds` that it takes."""
    pause, struck = rng.uniform(0, seconds), []

    def strike() -> None:
        time.sleep(pause)
        for pid in rng.sample(actors(), 1):
            os.kill(pid, signal.SIGKILL)
            struck.append(pid)

    with EmbeddingSession(checkpoint, store=VectorStore(cache), engine="ray", workers=2) as session:
        session.engine()
        thread = threading.Thread(target=strike)
        thread.start()
        sides = session.embed(dataset.queries, "query"), session.embed(dataset.passages, "passage")
        thread.join()
    print(f"  killed {struck} after {pause:.2f} s", flush=True)
    return sides


def ways(
    checkpoint: Checkpoint, dataset: Dataset, folder: Path, kills: int
) -> Iterator[tuple[str, Sides]]:
    """Embed in every way, one process first."""
    yield "one process", embedded(checkpoint, dataset, folder / "one")
    for number in range(1, 17):
        store = VectorStore(folder / f"shard{number}")
        fill_shard(checkpoint, [dataset], Shard(number, 16), store=store)
    merge_caches([folder / f"shard{n}" for n in range(1, 17)], VectorStore(folder / "merged"))
    yield "16 shards, merged", embedded(checkpoint, dataset, folder / "merged")
    began = time.perf_counter()
    yield "Ray, two actors", embedded(checkpoint, dataset, folder / "ray", engine="ray", workers=2)
    seconds, rng = time.perf_counter() - began, random.Random(0)  # noqa: S311  no secret
    for number in range(kills):
        yield (
            f"Ray, an actor killed, {number + 1}",
            killed(checkpoint, dataset, folder / f"kill{number}", seconds / 2, rng),
        )


def differing(one: Sides, other: Sides) -> int:
    """Count vectors that differ in any bit."""
    return sum(
        int((a.vectors.view(np.uint32) != b.vectors.view(np.uint32)).any(axis=1).sum())
        for a, b in zip(one, other, strict=True)
    )


def compare_ranks(dataset: Dataset, sides: Sides) -> list[tuple[str, int]]:
    """Count what differs between ranks found here and those found by Ray tasks."""
    here = measure(dataset, *sides).ranks[-1]
    there = measure(dataset, *sides, spread=spread_of("ray")).ranks[-1]
    pairs = [
        *((f"ranks, {name}", getattr(here.cells, name), getattr(there.cells, name))
          for name in ("pool", "overall", "score")),
        *((f"best passages, {name}", getattr(here.best, name), getattr(there.best, name))
          for name in ("columns", "scores", "shares")),
    ]  # fmt: skip
    return [(f"Ray tasks, {name}", int((a != b).sum())) for name, a, b in pairs]


def main() -> None:
    """Try every way and write what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--model")
    parser.add_argument("--languages")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--out", type=Path, default=REPORTS / "same.csv")
    asked = parser.parse_args()
    languages = tuple(asked.languages.split(",")) if asked.languages else None
    dataset = load_dataset(asked.data, languages=languages)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if asked.model is None:
            save_encoder(folder / "made", dataset.passages.frame["text"].tolist())
        options = EncodeOptions(device="cpu", dtype="float32")
        checkpoint = load_checkpoint(asked.model or f"{folder}/made", options)
        rows, first = [], None
        for way, sides in ways(checkpoint, dataset, folder, asked.kills):
            first = first or sides
            n_vectors = sum(len(side.vectors) for side in sides)
            rows.append((way, n_vectors, differing(first, sides)))
            print(*rows[-1], flush=True)
        assert first is not None
        for what, differs in compare_ranks(dataset, first):
            rows.append((what, "", differs))
            print(*rows[-1], flush=True)
    pd.DataFrame(rows, columns=["way", "vectors", "differ"]).to_csv(asked.out, index=False)


if __name__ == "__main__":
    main()

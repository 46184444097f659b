"""Encoding texts: alignkit, from texts to vectors, against sentence-transformers' `encode`."""

import tempfile
from pathlib import Path

import numpy as np
from timing import Row, alternate, faster

from alignkit.checkpoints import EncodeOptions, load_checkpoint
from alignkit.embedding import EmbeddingSession
from alignkit.engines.here import Here
from alignkit.store import VectorStore
from alignkit.tables import Dataset, Texts

BATCHES = (16, 32, 64, 128)


def encoding(dataset: Dataset, model: Path, repetitions: int) -> list[Row]:
    """Encode all questions; every side has its model loaded before the clock starts."""
    import torch
    from sentence_transformers import SentenceTransformer

    frame = dataset.queries.frame
    texts = frame["text"].tolist()
    plain = SentenceTransformer(str(model), device="cpu")
    half = SentenceTransformer(str(model), device="cpu", model_kwargs={"dtype": torch.bfloat16})
    checkpoint = load_checkpoint(str(model), EncodeOptions(device="cpu"))
    print(f"  --dtype auto: {checkpoint.dtype}")
    engine = Here(checkpoint)

    def ours() -> np.ndarray:
        with tempfile.TemporaryDirectory() as folder:
            session = EmbeddingSession(checkpoint, store=VectorStore(Path(folder)))
            session._engine = engine
            return session.embed(Texts(frame), "query").vectors

    sample = texts[:: len(texts) // 1500]
    tried = {
        (name, size): alternate(
            {f"{name}, batch {size}": lambda m=m, size=size: m.encode(sample, batch_size=size)}, 1
        )
        for name, m in (("float32", plain), ("bfloat16", half))
        for size in BATCHES
    }
    best = min(tried, key=lambda key: next(iter(tried[key].values()))[0])
    print(f"  sentence-transformers at its best: {best[0]}, batches of {best[1]}")
    fastest = half if best[0] == "bfloat16" else plain
    works = {
        "alignkit": ours,
        "sentence-transformers, best": lambda: fastest.encode(texts, batch_size=best[1]),
        "sentence-transformers, defaults": lambda: plain.encode(texts),
    }
    seconds = alternate(works, repetitions, warm=False)
    unit = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (ours(), plain.encode(texts))]
    cosine = (unit[0] * unit[1]).sum(axis=1)
    note = f"{checkpoint.dtype}; least cosine with float32 {cosine.min():.4f}"
    return [
        faster("encode questions", "sentence-transformers, defaults", "≥ 4",
               seconds["alignkit"], seconds["sentence-transformers, defaults"], note),
        faster("encode questions", f"sentence-transformers, {best[0]}, batches of {best[1]}",
               "≥ 1.4", seconds["alignkit"], seconds["sentence-transformers, best"]),
    ]  # fmt: skip

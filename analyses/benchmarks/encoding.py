"""Encoding texts: alignkit, from texts to vectors, against sentence-transformers' `encode`."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from timing import Row, alternate, faster, floor

from alignkit.checkpoints import EncodeOptions, load_checkpoint
from alignkit.embedding import EmbeddingSession
from alignkit.engines.here import Here
from alignkit.store import VectorStore
from alignkit.tables import Dataset, Texts

BATCHES = {"cpu": (16, 32, 64, 128), "cuda": (64, 128, 256, 512, 1024)}
TRIED = 1500  # texts on which peers' settings are tried on a CPU
HOPELESS = 3  # times the best so far; other batches of that precision are not tried
HIDDEN, VOCABULARY, LONGEST = 768, 32_000, 512
BEGIN, PADDING, END, UNKNOWN = "<s>", "<pad>", "</s>", "<unk>"  # in XLM-R's order


def encoding(
    texts: Texts, what: str, model: Path, repetitions: int, device: str = "cpu",
    targets: tuple[str, str] = ("≥ 4", "≥ 1.4"),
) -> tuple[list[Row], np.ndarray]:  # fmt: skip
    """Encode all texts; every side has its model loaded before the clock starts.

    Returns the rows, and our own seconds, (repetitions,).
    """
    import torch
    from sentence_transformers import SentenceTransformer

    sentences = texts.frame["text"].tolist()
    models = {
        name: SentenceTransformer(
            str(model), device=device, model_kwargs={"dtype": getattr(torch, name)}
        )
        for name in ("float32", "bfloat16")
    }
    checkpoint = load_checkpoint(str(model), EncodeOptions(device=device))
    print(f"  --dtype auto: {checkpoint.dtype}")
    engine = Here(checkpoint)

    def ours() -> np.ndarray:
        with tempfile.TemporaryDirectory() as folder:
            session = EmbeddingSession(checkpoint, store=VectorStore(Path(folder)))
            session._engine = engine
            return session.embed(texts, "query").vectors

    sample = sentences if device == "cuda" else sentences[:: max(1, len(sentences) // TRIED)]
    tried: dict[tuple[str, int], float] = {}
    for name, m in models.items():
        for size in BATCHES[device]:
            if tried.get((name, BATCHES[device][0]), 0) > HOPELESS * min(tried.values(), default=0):
                continue  # bfloat16 on a CPU without AMX takes ten times as long
            work = {
                f"{name}, batch {size}": lambda m=m, size=size: m.encode(sample, batch_size=size)
            }
            tried[name, size] = float(next(iter(alternate(work, 1).values()))[0])
    best = min(tried, key=lambda key: tried[key])
    print(f"  sentence-transformers at its best: {best[0]}, batches of {best[1]}")
    plain, fastest = models["float32"], models[best[0]]
    works = {
        "alignkit": ours,
        "sentence-transformers, best": lambda: fastest.encode(sentences, batch_size=best[1]),
        "sentence-transformers, defaults": lambda: plain.encode(sentences),
    }
    seconds = alternate(works, repetitions, warm=device == "cuda")
    unit = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (ours(), plain.encode(sentences))]
    cosine = (unit[0] * unit[1]).sum(axis=1)
    note = f"{checkpoint.dtype}; least cosine with float32 {cosine.min():.4f}"
    return [
        faster(f"encode {what}", "sentence-transformers, defaults", targets[0],
               seconds["alignkit"], seconds["sentence-transformers, defaults"], note),
        faster(f"encode {what}", f"sentence-transformers, {best[0]}, batches of {best[1]}",
               targets[1], seconds["alignkit"], seconds["sentence-transformers, best"]),
    ], seconds["alignkit"]  # fmt: skip


def encoding_on_gpu(
    dataset: Dataset, repetitions: int, *, device: str = "cuda", layers: int = 12
) -> list[Row]:
    """Encode all texts with a random encoder of XLM-R's base shape, and see what of it is useful.

    Useful are the operations on tokens of texts, not on padding; the floor is the time that they
    would take at the rate of a large product in bfloat16. Subwords are learned from the data, and
    so a little longer than XLM-R's own.
    """
    named = [side.frame.assign(id=f"{role} " + side.frame["id"]) for role, side in dataset.sides]
    texts = Texts(pd.concat(named, ignore_index=True))
    with tempfile.TemporaryDirectory() as name:
        model = Path(name) / "model"
        save_encoder(model, texts.frame["text"].tolist(), layers)
        what = f"{len(texts):,} texts, a base-size encoder"
        rows, seconds = encoding(texts, what, model, repetitions, device, targets=("≥ 4", "≥ 1.3"))
        checkpoint = load_checkpoint(str(model), EncodeOptions(device=device))
        distinct = texts.frame["text"].drop_duplicates().tolist()
        tokens = checkpoint.load().token_counts(distinct, "query").astype(float)
    useful = layers * HIDDEN * (24 * HIDDEN * tokens.sum() + 4 * (tokens**2).sum())
    rate = product_rate(device)
    return [
        *rows,
        replace(
            floor(f"encode {what}", "useful operations at the rate of a product in bfloat16",
                  "≤ 2.2", seconds, np.full_like(seconds, useful / rate)),
            note=f"{useful / np.median(seconds) / 1e12:.0f} of {rate / 1e12:.0f} TFLOP/s; "
            f"{tokens.mean():.1f} tokens a text",
        ),
    ]  # fmt: skip


def save_encoder(folder: Path, texts: list[str], layers: int) -> None:
    """Save an XLM-R of random weights, with subwords of the texts."""
    import torch
    from tokenizers import SentencePieceUnigramTokenizer
    from tokenizers.processors import RobertaProcessing
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

    tokenizer = SentencePieceUnigramTokenizer()
    tokenizer.train_from_iterator(
        texts, vocab_size=VOCABULARY, special_tokens=[BEGIN, PADDING, END, UNKNOWN],
        unk_token=UNKNOWN, show_progress=False,
    )  # fmt: skip
    tokenizer.post_processor = RobertaProcessing((END, 2), (BEGIN, 0))
    tokenizer.save(str(folder.with_suffix(".json")))
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=VOCABULARY, hidden_size=HIDDEN, num_hidden_layers=layers,
        num_attention_heads=HIDDEN // 64, intermediate_size=4 * HIDDEN,
        max_position_embeddings=LONGEST + 2, type_vocab_size=1,
    )  # fmt: skip
    XLMRobertaModel(config).save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_file=str(folder.with_suffix(".json")), bos_token=BEGIN, eos_token=END,
        unk_token=UNKNOWN, pad_token=PADDING, model_max_length=LONGEST,
    ).save_pretrained(folder)  # fmt: skip


def product_rate(device: str, size: int = 8192) -> float:
    """Operations a second of a large square product in bfloat16."""
    import torch

    size = size if device == "cuda" else 1024
    one, other = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))

    def multiply() -> None:
        for _ in range(10):
            one @ other
        if device == "cuda":
            torch.cuda.synchronize()

    seconds = alternate({"products in bfloat16": multiply}, 5)["products in bfloat16"]
    return 10 * 2 * size**3 / float(np.median(seconds))

"""A checkpoint without a model, for tests of embedding; run as a script it embeds and saves.

python fake_checkpoint.py CACHE LOG OUT N_TEXTS PAUSE
"""

import hashlib
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import alignkit.embedding
from alignkit.checkpoints import Checkpoint
from alignkit.store import VectorStore
from alignkit.tables import Texts


@dataclass(frozen=True)
class FakeCheckpoint(Checkpoint):
    """Vectors depend on the text and, in their last bits, on the batch, as a real model's do."""

    log: Path | None = None  # every encoded text is written here, one a line
    pause: float = 0.0

    kind = "fake"
    precedence = 99
    looks_for = "nothing"

    @classmethod
    def recognises(cls, path):
        del path
        return False

    def compute_fingerprint(self):
        return "f" * 64

    def load(self):
        return FakeEncoder(self.log, self.pause)


@dataclass
class FakeEncoder:
    log: Path | None
    pause: float

    @property
    def dim(self):
        return 8

    def token_counts(self, texts, role):
        del role
        return np.array([len(text.split()) for text in texts], np.int64)

    def prepare(self, texts, role):
        return texts, role

    def launch(self, prepared):
        vectors = self.encode(*prepared)
        return lambda: vectors

    def encode(self, texts, role):
        time.sleep(self.pause)
        if self.log is not None:
            with self.log.open("a") as log:
                log.writelines(f"{text}\n" for text in texts)
        seeds = [hashlib.sha256(f"{role} {text}".encode()).digest()[:8] for text in texts]
        vectors = np.array([list(seed) for seed in seeds], np.float32) + 1
        return vectors * np.float32(
            1 + 1e-6 * max(len(text.split()) for text in texts) * len(texts)
        )


def make_texts(sentences):
    rows = range(len(sentences))
    return Texts(
        pd.DataFrame(
            {
                "id": [f"en:{row}" for row in rows],
                "language": "en",
                "parallel_id": [str(row) for row in rows],
                "text": list(sentences),
            }
        )
    )


def many_texts(n_texts):
    return make_texts([f"text {row} " + "word " * (row % 7) for row in range(n_texts)])


def options():
    return alignkit.checkpoints.EncodeOptions(device="cpu", batch_tokens=40)


if __name__ == "__main__":
    cache, log, out, n_texts, pause = sys.argv[1:]
    alignkit.embedding.FLUSH_TEXTS = 20
    checkpoint = FakeCheckpoint(
        "fake", "fake", Path(), None, options(), log=Path(log), pause=float(pause)
    )
    embedded = alignkit.embedding.embed(
        checkpoint, many_texts(int(n_texts)), "query", store=VectorStore(Path(cache))
    )
    np.save(out, embedded.vectors)

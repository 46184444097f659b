"""Diagnoses: what may be wrong with a checkpoint, found before GPU hours are spent; one a file.

A diagnosis is a function of a `Patient` that gives `Finding`s, registered with `@diagnosis`. One
that does not apply to a kind of checkpoint gives none.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from alignkit.checkpoints import Checkpoint, Encoder, usual_batch
from alignkit.registry import Registry
from alignkit.tables import Dataset, Texts

Level = Literal["fault", "warning", "note"]
LEVELS: tuple[Level, ...] = ("fault", "warning", "note")
QUESTIONS = 16  # a language, for what needs vectors


@dataclass(frozen=True)
class Finding:
    """What is odd about a checkpoint, and what to do.

    A `fault` makes vectors wrong or random, a `warning` probably worse than they could be, and a
    `note` is worth knowing.
    """

    level: Level
    diagnosis: str
    what: str
    mend: str


@dataclass(frozen=True)
class Patient:
    """A checkpoint with texts to try it on; a class because model and vectors are made once."""

    checkpoint: Checkpoint
    datasets: Sequence[Dataset]

    @cached_property
    def encoder(self) -> Encoder | None:
        """The model, be its weights whole or not; None for vectors made elsewhere."""
        return self.checkpoint.load_as_it_is()

    @cached_property
    def questions(self) -> Texts:
        """Up to 16 queries a language, none of which asks what another of its language asks.

        Languages take turns among the parallel ids, so that few are translations of each other.
        """
        frame = pd.concat([dataset.queries.frame for dataset in self.datasets[:1]])
        order = {one: i for i, one in enumerate(frame["parallel_id"].unique())}
        taken: list[pd.DataFrame] = []
        for turn, (_, of_language) in enumerate(frame.groupby("language", sort=True)):
            place = of_language["parallel_id"].map(order).to_numpy()
            later = np.argsort((place - turn * QUESTIONS) % max(len(order), 1), kind="stable")
            taken.append(of_language.iloc[later[:QUESTIONS]])
        return Texts(pd.concat(taken, ignore_index=True))

    @cached_property
    def vectors(self) -> np.ndarray:
        """Vectors of the questions, (n, dim) float32, as they come: NaN too."""
        found = self.checkpoint.lookup(self.questions, "query")
        if found is not None:
            return found
        assert self.encoder is not None
        return embed_plainly(self.encoder, list(self.questions.frame["text"]), self.checkpoint)


def embed_plainly(encoder: Encoder, texts: list[str], checkpoint: Checkpoint) -> np.ndarray:
    """Embed queries without the cache and without a check, (n, dim) float32."""
    checkpoint.announce([("query", texts)])
    options = checkpoint.options
    room = options.batch_tokens or usual_batch(options.device)
    size = max(1, room // 256)  # texts of 256 tokens, which questions seldom have
    batches = [texts[start : start + size] for start in range(0, len(texts), size)]
    made = [encoder.launch(encoder.prepare(batch, "query"))() for batch in batches]
    return np.concatenate(made)


Diagnosis = Callable[[Patient], Iterable[Finding]]
DIAGNOSES: Registry[Diagnosis] = Registry("diagnosis", "alignkit.diagnoses")
diagnosis = DIAGNOSES.register


def examine(patient: Patient) -> list[Finding]:
    """Make every diagnosis; faults come first."""
    found = [finding for one in DIAGNOSES.values() for finding in one(patient)]
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))

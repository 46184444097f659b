"""A model in a folder, loaded and run by sentence-transformers."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from typing import Any

import numpy as np

from alignkit.checkpoints import Checkpoint, Encoder
from alignkit.checkpoints._cause import cause
from alignkit.checkpoints._device import resolve_device
from alignkit.checkpoints._folder import ModelFolder
from alignkit.errors import AlignkitError
from alignkit.provenance import fingerprint_folder
from alignkit.tables import Role

_NO_LIMIT = 1_000_000  # a tokenizer without a limit says 10^30


@dataclass(frozen=True)
class ModelCheckpoint(Checkpoint):
    """A checkpoint whose vectors come from weights in a folder; what its two kinds share."""

    def __post_init__(self) -> None:
        self.folder.check(allow_pickle=self.options.allow_pickle)

    @property
    @abstractmethod
    def pooling(self) -> str:
        """Pooling in force, in words for provenance."""

    @abstractmethod
    def prompt(self, role: Role) -> str:
        """Prompt in force, "" for none."""

    def prepare(self, model: Any) -> None:  # noqa: ANN401  a SentenceTransformer, not imported here
        """Change the loaded model where the kind wants it otherwise."""

    @cached_property
    def folder(self) -> ModelFolder:
        """The files."""
        return ModelFolder(self.path)

    @property
    def dtype(self) -> str:
        """Of the weights while running; vectors are float32 in any case."""
        return "float32" if self.options.dtype == "auto" else self.options.dtype

    @property
    def max_seq_length(self) -> int | None:
        """Tokens after which a text is cut off, where a config states it."""
        stated = self.folder.read_json("sentence_bert_config.json").get("max_seq_length")
        tokenizer = self.folder.read_json("tokenizer_config.json").get("model_max_length")
        limit = stated or tokenizer
        return int(limit) if limit and limit < _NO_LIMIT else None

    def compute_fingerprint(self) -> str:
        """Over every file that the model is read from, and kind, pooling, dtype, remote code."""
        settings = {
            "kind": self.kind,
            "pooling": self.pooling,
            "dtype": self.dtype,
            "trust_remote_code": str(self.options.trust_remote_code),
        }
        return fingerprint_folder(self.path, self.folder.files, settings)

    def recipe(self, role: Role) -> dict[str, str]:
        """Add dtype and the prompt in force, wherever it comes from."""
        return {**super().recipe(role), "prompt": self.prompt(role), "dtype": self.dtype}

    @property
    def notes(self) -> tuple[str, ...]:
        """With a word when remote code is allowed."""
        if not self.options.trust_remote_code:
            return super().notes
        return (*super().notes, f"{self.label}: code that comes with {self.location} may run")

    def describe(self) -> dict[str, Any]:
        """With prompts, pooling, length and dtype."""
        return {
            **super().describe(),
            "prompts": {"query": self.prompt("query"), "passage": self.prompt("passage")},
            "pooling": self.pooling,
            "max_seq_length": self.max_seq_length,
            "dtype": self.dtype,
            "trust_remote_code": self.options.trust_remote_code,
        }

    def load(self) -> Encoder:
        """Load the model onto its device; what goes wrong is told in one line."""
        from safetensors import SafetensorError

        device = resolve_device(self.options.device)
        try:
            model = self._load_model(device)
            self.prepare(model)
            # One text through it: what is wrong with it shows now and not in an hour.
            dim = model.encode(["a"], prompt="", show_progress_bar=False).shape[1]
        except (
            OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, IndexError,
            ImportError, SafetensorError,
        ) as error:  # fmt: skip
            raise AlignkitError(
                f"cannot load {self.label} from {self.location}: {cause(error)}{_mend(error)}"
            ) from error
        prompts: dict[Role, str] = {
            "query": self.prompt("query"),
            "passage": self.prompt("passage"),
        }
        return SentenceEncoder(model, prompts, self.label, int(dim))

    def _load_model(self, device: str) -> Any:  # noqa: ANN401
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        model_kwargs: dict[str, Any] = {_dtype_key(): getattr(torch, self.dtype)}
        if not self.folder.pickles:
            model_kwargs["use_safetensors"] = True
        logging.disable_progress_bar()  # one a weight file, and ours comes next
        try:
            model = SentenceTransformer(
                str(self.path),
                device=device,
                trust_remote_code=self.options.trust_remote_code,
                local_files_only=True,
                model_kwargs=model_kwargs,
            )
        finally:
            logging.enable_progress_bar()
        # Modules other than the transformer come as they were saved.
        return model.to(getattr(torch, self.dtype)).eval()


def _dtype_key() -> str:
    major, minor = metadata.version("transformers").split(".")[:2]
    return "dtype" if (int(major), int(minor)) >= (4, 56) else "torch_dtype"


def _mend(error: Exception) -> str:
    if "trust_remote_code" in str(error):
        return "; --trust-remote-code runs the code that comes with it, if you trust that"
    return ""


@dataclass
class SentenceEncoder:
    """A SentenceTransformer with its prompts in force; a class because the model is state."""

    model: Any
    prompts: Mapping[Role, str]
    label: str
    dim: int

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        """Embed one batch, in order, (n, dim) float32."""
        from torch.cuda import OutOfMemoryError

        encode = self.model.encode_query if role == "query" else self.model.encode_document
        try:
            vectors = encode(
                list(texts),
                # Always said: encode_document of sentence-transformers 6.2 takes its own empty
                # default for "document" before a model's "passage" prompt.
                prompt=self.prompts[role],
                batch_size=len(texts),
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        except OutOfMemoryError as error:
            raise AlignkitError(
                f"{self.label}: no memory left on the device for a batch of {len(texts)} texts; "
                "lower --batch-tokens"
            ) from error
        return np.asarray(vectors, np.float32)

    def token_counts(self, texts: Sequence[str], role: Role) -> np.ndarray:
        """Tokens that the model sees of each text, prompt included, (n,) int64."""
        prompted = [self.prompts[role] + text for text in texts]
        # In pieces: the tokenizer's result holds far more than the counts.
        pieces = [prompted[start : start + 2048] for start in range(0, len(prompted), 2048)]
        return np.array([n for piece in pieces for n in self._count(piece)], np.int64)

    def _count(self, texts: list[str]) -> list[int]:
        tokenizer: Any = getattr(self.model, "tokenizer", None)
        if hasattr(tokenizer, "encode_batch"):  # of the tokenizers library, for static embeddings
            return [len(encoding.ids) for encoding in tokenizer.encode_batch(texts)]
        if not hasattr(tokenizer, "model_max_length"):
            return [len(text.split()) for text in texts]
        limit = self.model.max_seq_length
        limited = limit is not None and limit < _NO_LIMIT
        encoded = tokenizer(texts, truncation=limited, max_length=limit if limited else None)
        return [len(ids) for ids in encoded["input_ids"]]

"""A model in a folder, loaded and run by sentence-transformers."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from typing import Any

import numpy as np

from alignkit.checkpoints import Checkpoint, Encoder, NoRoomError
from alignkit.checkpoints._cause import cause
from alignkit.checkpoints._device import resolve_device
from alignkit.checkpoints._folder import ModelFolder
from alignkit.checkpoints._precision import LEAST_COSINE, agreement
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
    @abstractmethod
    def is_transformer(self) -> bool:
        """Whether its time goes into matrix products, which bfloat16 may make faster."""

    @cached_property
    def _bfloat16_agrees(self) -> float | None:
        """Least cosine of bfloat16 with float32; None where it is not fast, or not asked for."""
        if self.options.dtype != "auto" or not self.is_transformer:
            return None
        return agreement(self._fingerprint_in("float32"), self.options.device, self._try)

    def _try(self, dtype: str, texts: list[str]) -> np.ndarray:
        return self._encoder_in(dtype).encode(texts, "query")

    @property
    def dtype(self) -> str:
        """Of the weights while running; vectors are float32 in any case."""
        if self.options.dtype != "auto":
            return self.options.dtype
        cosine = self._bfloat16_agrees
        return "float32" if cosine is None or cosine < LEAST_COSINE else "bfloat16"

    @property
    def max_seq_length(self) -> int | None:
        """Tokens after which a text is cut off, where a config states it."""
        stated = self.folder.read_json("sentence_bert_config.json").get("max_seq_length")
        tokenizer = self.folder.read_json("tokenizer_config.json").get("model_max_length")
        limit = stated or tokenizer
        return int(limit) if limit and limit < _NO_LIMIT else None

    def compute_fingerprint(self) -> str:
        """Over every file that the model is read from, and kind, pooling, dtype, remote code."""
        return self._fingerprint_in(self.dtype)

    def _fingerprint_in(self, dtype: str) -> str:
        settings = {
            "kind": self.kind,
            "pooling": self.pooling,
            "dtype": dtype,
            "trust_remote_code": str(self.options.trust_remote_code),
        }
        return fingerprint_folder(self.path, self.folder.files, settings)

    def recipe(self, role: Role) -> dict[str, str]:
        """Add dtype and the prompt in force, wherever it comes from."""
        return {**super().recipe(role), "prompt": self.prompt(role), "dtype": self.dtype}

    @property
    def notes(self) -> tuple[str, ...]:
        """With a word when remote code is allowed, and on a precision that nobody asked for."""
        found = list(super().notes)
        if self.options.trust_remote_code:
            found.append(f"{self.label}: code that comes with {self.location} may run")
        cosine = self._bfloat16_agrees
        if cosine is not None and self.dtype == "bfloat16":
            found.append(f"{self.label}: runs in bfloat16; --dtype float32 is exact, and slower")
        elif cosine is not None:
            found.append(
                f"{self.label}: bfloat16 would turn a vector to a cosine of {cosine:.3f} with its "
                "own in float32; it runs in float32"
            )
        return tuple(found)

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
        return self._encoder_in(self.dtype)

    def _encoder_in(self, dtype: str) -> "SentenceEncoder":
        from safetensors import SafetensorError

        device = resolve_device(self.options.device)
        try:
            model = self._load_model(device, dtype)
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

    def _load_model(self, device: str, dtype: str) -> Any:  # noqa: ANN401
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        model_kwargs: dict[str, Any] = {_dtype_key(): getattr(torch, dtype)}
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
        if dtype == "float32":
            return model.float().eval()  # some are saved in half precision
        if hasattr(model[0], "auto_model"):
            for module in list(model)[1:]:
                module.float()
            model[0].register_forward_hook(_in_float32)
        else:
            model.to(getattr(torch, dtype))
        return model.eval()


def _dtype_key() -> str:
    major, minor = metadata.version("transformers").split(".")[:2]
    return "dtype" if (int(major), int(minor)) >= (4, 56) else "torch_dtype"


def _mend(error: Exception) -> str:
    if "trust_remote_code" in str(error):
        return "; --trust-remote-code runs the code that comes with it, if you trust that"
    return ""


_TASKS: dict[Role, str] = {"query": "query", "passage": "document"}  # sentence-transformers' words


def _pinned(value: Any) -> Any:  # noqa: ANN401
    return value.pin_memory() if hasattr(value, "pin_memory") else value


def _in_float32(module: Any, inputs: Any, features: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """Go on from the transformer in float32: sums over tokens need more than 8 bits."""
    del module, inputs
    return {
        name: value.float() if hasattr(value, "is_floating_point") and value.is_floating_point()
        else value
        for name, value in features.items()
    }  # fmt: skip


@dataclass
class SentenceEncoder:
    """A SentenceTransformer with its prompts in force; a class because the model is state."""

    model: Any
    prompts: Mapping[Role, str]
    label: str
    dim: int

    def prepare(self, texts: Sequence[str], role: Role) -> tuple[dict[str, Any], str]:
        """Tokenise a batch, in memory that a GPU can fetch by itself."""
        task = _TASKS[role]
        # Always said: encode_document of sentence-transformers 6.2 takes its own empty default for
        # "document" before a model's "passage" prompt.
        features = dict(self.model.preprocess(list(texts), prompt=self.prompts[role], task=task))
        if self.model.device.type == "cuda":
            features = {name: _pinned(value) for name, value in features.items()}
        return features, task

    def launch(self, prepared: tuple[dict[str, Any], str]) -> Callable[[], np.ndarray]:
        """Start the model on a batch; the result waits for it."""
        import torch

        features, task = prepared
        device = self.model.device
        moved = {
            name: value.to(device, non_blocking=True) if torch.is_tensor(value) else value
            for name, value in features.items()
        }
        try:
            with torch.inference_mode():
                vectors = self.model(moved, task=task)["sentence_embedding"].float()
        except torch.cuda.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise NoRoomError(str(error)) from error
        if device.type != "cuda":
            return vectors.cpu().numpy
        landed = torch.empty(vectors.shape, pin_memory=True).copy_(vectors, non_blocking=True)
        done = torch.cuda.Event()
        done.record()

        def collect() -> np.ndarray:
            done.synchronize()
            return landed.numpy()

        return collect

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        """Embed one batch, in order, (n, dim) float32."""
        return self.launch(self.prepare(texts, role))()

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

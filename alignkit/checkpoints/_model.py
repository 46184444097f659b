"""A model in a folder, loaded and run by sentence-transformers."""

from abc import abstractmethod
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from alignkit.checkpoints import Checkpoint, Encoder, _backend, _hub
from alignkit.checkpoints._backend import Backend
from alignkit.checkpoints._cause import cause
from alignkit.checkpoints._code import OtherCode
from alignkit.checkpoints._device import resolve_device
from alignkit.checkpoints._folder import ModelFolder
from alignkit.checkpoints._loading import dtype_argument, in_dtype, load_model
from alignkit.checkpoints._precision import LEAST_COSINE, agreement
from alignkit.checkpoints._sentence_encoder import NO_LIMIT, SentenceEncoder
from alignkit.checkpoints._weights import WeightReport, watch_weights
from alignkit.errors import AlignkitError
from alignkit.provenance import fingerprint_folder
from alignkit.tables import Role


@dataclass(frozen=True)
class ModelCheckpoint(Checkpoint):
    """A checkpoint whose vectors come from weights in a folder; what its two kinds share."""

    keys = _backend.KEYS

    def __post_init__(self) -> None:
        self.folder.check(
            allow_pickle=self.options.allow_pickle,
            other_weights=bool(self.backend.files(self.path)),
        )
        if not self.backend.is_torch and self.options.dtype not in ("auto", "float32"):
            raise AlignkitError(
                f"{self.label} runs in the precision of its {self.backend.name} file and not in "
                f"{self.options.dtype}; leave dtype out, or choose a file by file="
            )
        _ = self.code

    @cached_property
    def backend(self) -> Backend:
        """What runs it."""
        return Backend.asked(self.options.own)

    @cached_property
    def code(self) -> OtherCode:
        """Code from other repositories that it runs; none without trust."""
        if not self.options.trust_remote_code:
            return OtherCode()
        return OtherCode.fetch(self.folder, self.label, offline=self.options.offline)

    @property
    @abstractmethod
    def pooling(self) -> str:
        """Pooling in force, in words for provenance."""

    @abstractmethod
    def prompt(self, role: Role) -> str:
        """Prompt in force, "" for none."""

    @property
    def named_prompts(self) -> dict[str, str]:
        """All prompts that its config names, whether alignkit uses them or not."""
        return {}

    @property
    def card(self) -> str | None:
        """Text of its model card; None where there is none, or none can be had."""
        path = self.path / "README.md"
        if not path.is_file() and self.revision is not None:
            _hub.fetch_card(self.path, offline=self.options.offline)
        return path.read_text("utf-8", "replace") if path.is_file() else None

    def prepare(self, model: Any, weights: WeightReport) -> None:  # noqa: ANN401  not imported here
        """Change the loaded SentenceTransformer where the kind wants it otherwise."""

    @contextmanager
    def model_folder(self) -> Generator[Path]:
        """Give the folder that sentence-transformers is to load."""
        yield self.path

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
        fixed = self.options.dtype != "auto" or not self.backend.is_torch
        if fixed or not self.is_transformer:
            return None
        return agreement(self.fingerprint_in("float32"), self.options.device, self._try)

    def _try(self, dtype: str, texts: list[str]) -> np.ndarray:
        return self._whole(self._encoder_in(dtype)).encode(texts, "query")

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
        return int(limit) if limit and limit < NO_LIMIT else None

    def compute_fingerprint(self) -> str:
        """Over every file that the model is read from, and kind, pooling, dtype, remote code."""
        return self.fingerprint_in(self.dtype)

    def fingerprint_in(self, dtype: str) -> str:
        """Give the fingerprint that it would have in another precision; files are read once."""
        if dtype not in self._fingerprints:
            self._fingerprints[dtype] = self.hash_in(dtype)
        return self._fingerprints[dtype]

    @cached_property
    def _fingerprints(self) -> dict[str, str]:
        return {}

    def hash_in(self, dtype: str) -> str:
        """Compute the fingerprint in a precision."""
        settings = {
            "kind": self.kind,
            "pooling": self.pooling,
            "dtype": dtype,
            "trust_remote_code": str(self.options.trust_remote_code),
            **self.backend.settings(self.path),
            **self.code.settings,
        }
        files = {*self.folder.files, *self.backend.files(self.path)}
        return fingerprint_folder(self.path, files, settings)

    def recipe(self, role: Role) -> dict[str, str]:
        """Add dtype and the prompt in force, wherever it comes from."""
        return {**super().recipe(role), "prompt": self.prompt(role), "dtype": self.dtype}

    @property
    def notes(self) -> tuple[str, ...]:
        """With a word when remote code is allowed, and on a precision that nobody asked for."""
        found = [
            *super().notes,
            *(
                f"{self.label}: {note}"
                for note in (*self.backend.note(self.path), *self.code.notes)
            ),
        ]
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
            "backend": self.backend.name,
            **self.code.describe(),
        }

    def load(self) -> Encoder:
        """Load the model onto its device; what goes wrong is told in one line.

        A model whose vectors would depend on weights that are not there is refused: transformers
        fills them at random, otherwise every time.
        """
        return self._whole(self.load_as_it_is())

    def load_as_it_is(self) -> SentenceEncoder:
        """Load the model, be its weights whole or not."""
        return self._encoder_in(self.dtype)

    def _whole(self, encoder: SentenceEncoder) -> SentenceEncoder:
        random = encoder.random_weights
        if random:
            raise AlignkitError(
                f"{self.label} lacks {len(random)} weights that its vectors depend on, first "
                f"{random[0]}; they would be random: save the whole model (see `alignkit doctor`)"
            )
        return encoder

    def _model_arguments(self, device: str, dtype: str) -> dict[str, Any]:
        """Give what a SentenceTransformer is to be loaded with."""
        torch_kwargs = dtype_argument(dtype)
        if not self.folder.pickles:
            torch_kwargs["use_safetensors"] = True
        torch_backend = self.backend.is_torch
        return {
            "trust_remote_code": self.options.trust_remote_code,
            "model_kwargs": torch_kwargs if torch_backend else self.backend.arguments(device),
            "backend": self.backend.name,
        }

    def _encoder_in(self, dtype: str) -> SentenceEncoder:
        from safetensors import SafetensorError

        device = resolve_device(self.options.device)
        try:
            with watch_weights() as weights:
                with self.model_folder() as folder:
                    model = load_model(folder, device, self._model_arguments(device, dtype))
                model = in_dtype(model, dtype) if self.backend.is_torch else model
                self.prepare(model, weights)
            model.truncate_dim = None  # vectors are cached whole and cut off afterwards
            # One text through it: what is wrong with it shows now and not in an hour.
            dim = model.encode(["a"], prompt="", task="query", show_progress_bar=False).shape[1]
        except (
            OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, IndexError,
            ImportError, SafetensorError,
        ) as error:  # fmt: skip
            raise AlignkitError(
                f"cannot load {self.label} from {self.location}: {cause(error)}{_mend(error)}"
            ) from error
        prompts: dict[Role, str] = {role: self.prompt(role) for role in ("query", "passage")}
        return SentenceEncoder(model, prompts, self.label, int(dim), weights)


def _mend(error: Exception) -> str:
    if "trust_remote_code" in str(error):
        return "; --trust-remote-code runs the code that comes with it, if you trust that"
    return ""

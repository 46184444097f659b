"""Plain transformers models: no prompts, pooling by the option, cosine."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from alignkit.checkpoints import checkpoint_kind
from alignkit.checkpoints._model import ModelCheckpoint
from alignkit.checkpoints._weights import WeightReport
from alignkit.errors import AlignkitError
from alignkit.tables import Role

# Only the last token of these has seen the whole text.
_DECODERS = {
    "bloom", "cohere", "cohere2", "falcon", "gemma", "gemma2", "gemma3_text", "gpt2", "gpt_neo",
    "gpt_neox", "gptj", "llama", "ministral", "mistral", "mixtral", "mpt", "olmo", "olmo2", "opt",
    "phi", "phi3", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "stablelm", "starcoder2", "xglm",
}  # fmt: skip
_MODES = {"mean": "mean", "cls": "cls", "last": "lasttoken"}  # sentence-transformers' words


@checkpoint_kind("transformers")
@dataclass(frozen=True)
class TransformersCheckpoint(ModelCheckpoint):
    """A folder with config.json and no modules.json."""

    precedence = 30
    looks_for = "config.json (transformers)"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether there is a config.json, and no adapter beside it."""
        return (path / "config.json").is_file() and not (path / "adapter_config.json").is_file()

    def __post_init__(self) -> None:
        super().__post_init__()
        if "model_type" not in self._config:
            raise AlignkitError(f"{self.path / 'config.json'} names no model_type")

    @cached_property
    def _config(self) -> dict[str, Any]:
        return self.folder.read_json("config.json")

    @property
    def is_transformer(self) -> bool:
        """Always."""
        return True

    @property
    def pooling(self) -> str:
        """As asked for; auto is the last token of a decoder and the mean of any other model."""
        if self.options.pooling != "auto":
            return self.options.pooling
        return "last" if self._is_decoder else "mean"

    @property
    def _is_decoder(self) -> bool:
        architectures: list[str] = self._config.get("architectures") or [""]
        causal = self._config["model_type"] in _DECODERS or architectures[0].endswith("ForCausalLM")
        return causal and bool(self._config.get("is_causal", True))

    @property
    def notes(self) -> tuple[str, ...]:
        """With a word on a pooling that nobody asked for."""
        if self.options.pooling != "auto":
            return super().notes
        what = "a decoder" if self._is_decoder else "a plain transformers model"
        return (
            *super().notes,
            f"{self.label}: {self.pooling} pooling, as it is {what}; --pooling chooses another",
        )

    def prompt(self, role: Role) -> str:
        """Return the one asked for, else none."""
        return self.options.prompt(role) or ""

    def prepare(self, model: Any, weights: WeightReport) -> None:  # noqa: ANN401  not imported here
        """Put the pooling in force behind the transformer."""
        del weights
        if len(model) != 2:
            raise AlignkitError(f"{self.label} gives no token vectors that could be pooled")
        old = model[1]
        # The attribute's name before sentence-transformers 6 comes second.
        dim = getattr(old, "embedding_dimension", None) or old.word_embedding_dimension
        model[1] = type(old)(dim, _MODES[self.pooling])

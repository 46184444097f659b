"""A loaded SentenceTransformer as an `Encoder`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from alignkit.checkpoints import NoRoomError
from alignkit.checkpoints._tokens import Tokens
from alignkit.checkpoints._weights import WeightReport, in_use
from alignkit.tables import Role

NO_LIMIT = 1_000_000  # a tokenizer without a limit says 10^30
_TASKS: dict[Role, str] = {"query": "query", "passage": "document"}  # sentence-transformers' words


def _pinned(value: Any) -> Any:  # noqa: ANN401
    return value.pin_memory() if hasattr(value, "pin_memory") else value


@dataclass
class SentenceEncoder:
    """A SentenceTransformer with its prompts in force; a class because the model is state."""

    model: Any
    prompts: Mapping[Role, str]
    label: str
    dim: int
    weights: WeightReport = field(default_factory=WeightReport)
    _of_roles: dict[Role, Tokens] = field(default_factory=dict[Role, Tokens])

    @property
    def random_weights(self) -> list[str]:
        """Weights that its vectors depend on and that its files lack, sorted."""
        return in_use(self.model, self.weights)

    def prepare(self, texts: Sequence[str], role: Role) -> tuple[dict[str, Any], str]:
        """Tokenise a batch, in memory that a GPU can fetch by itself."""
        tokens = self._tokens(role)
        features = self._preprocess(role)(texts) if tokens is None else tokens.features(texts)
        if self.model.device.type == "cuda":
            features = {name: _pinned(value) for name, value in features.items()}
        return features, _TASKS[role]

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
        tokens = self._tokens(role)
        if tokens is None:
            return np.array([len((self.prompts[role] + text).split()) for text in texts], np.int64)
        return tokens.counts(texts)

    def _preprocess(self, role: Role) -> Callable[[Sequence[str]], dict[str, Any]]:
        # The prompt is always said: encode_document of sentence-transformers 6.2 takes its own
        # empty default for "document" before a model's "passage" prompt.
        return lambda texts: dict(
            self.model.preprocess(list(texts), prompt=self.prompts[role], task=_TASKS[role])
        )

    def _tokens(self, role: Role) -> Tokens | None:
        """Tokens of a role's texts; None where there is no tokenizer to ask."""
        if role not in self._of_roles and self.has_tokenizer:
            self._of_roles[role] = Tokens(
                self._preprocess(role), self.model.tokenizer, self.prompts[role], self.limit(role)
            )
        return self._of_roles.get(role)

    @property
    def has_tokenizer(self) -> bool:
        """Whether there is one whose tokens can be told."""
        tokenizer: Any = getattr(self.model, "tokenizer", None)
        return hasattr(tokenizer, "encode_batch") or hasattr(tokenizer, "model_max_length")

    def limit(self, role: Role) -> int | None:
        """Tokens of a text that the model reads, special ones included; None for all."""
        tokenizer: Any = self.model.tokenizer
        if hasattr(tokenizer, "encode_batch"):  # of the tokenizers library, for static embeddings
            return tokenizer.truncation["max_length"] if tokenizer.truncation else None
        of_role = getattr(self.model[0], f"{_TASKS[role]}_length", None)
        limit = of_role or self.model.max_seq_length
        return limit if limit is not None and limit < NO_LIMIT else None

    @property
    def unknown_id(self) -> int | None:
        """Id of the token that stands for what the tokenizer does not know."""
        tokenizer: Any = self.model.tokenizer
        if hasattr(tokenizer, "encode_batch"):
            return tokenizer.token_to_id(getattr(tokenizer.model, "unk_token", None) or "[UNK]")
        return tokenizer.unk_token_id

    def token_ids(self, texts: list[str], *, special: bool = True) -> list[list[int]]:
        """All tokens of each text, without a prompt; `special` adds those that frame a text."""
        tokenizer: Any = self.model.tokenizer
        if not hasattr(tokenizer, "encode_batch"):
            return tokenizer(texts, add_special_tokens=special, verbose=False)["input_ids"]
        cut = tokenizer.truncation
        tokenizer.no_truncation()
        encoded = tokenizer.encode_batch(texts, add_special_tokens=False)  # nothing frames a text
        if cut:
            tokenizer.enable_truncation(**cut)
        return [encoding.ids for encoding in encoded]

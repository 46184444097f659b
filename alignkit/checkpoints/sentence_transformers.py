"""Models in the layout of sentence-transformers, with their own prompts, pooling, similarity."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from alignkit.checkpoints import checkpoint_kind
from alignkit.checkpoints._model import ModelCheckpoint
from alignkit.errors import AlignkitError
from alignkit.tables import Role, Similarity

_SIMILARITIES = ("cosine", "dot", "euclidean")
# In the order in which encode_query and encode_document are documented to look for them.
_PROMPT_NAMES: dict[Role, tuple[str, ...]] = {
    "query": ("query",),
    "passage": ("document", "passage", "corpus"),
}
_POOLING_FLAG = "pooling_mode_"  # before sentence-transformers 6: one true or false a mode


@checkpoint_kind("sentence-transformers")
@dataclass(frozen=True)
class SentenceTransformersCheckpoint(ModelCheckpoint):
    """A folder with modules.json."""

    precedence = 20
    looks_for = "modules.json (sentence-transformers)"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether there is a modules.json, and no adapter beside it."""
        return (path / "modules.json").is_file() and not (path / "adapter_config.json").is_file()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.options.pooling != "auto":
            raise AlignkitError(
                f"{self.label} defines its own pooling ({self.pooling}); --pooling is for plain "
                "transformers folders, e.g. as LOCATION,pooling=cls for one checkpoint alone"
            )
        made_as = self._config.get("model_type", "SentenceTransformer")
        if made_as != "SentenceTransformer":
            raise AlignkitError(
                f"{self.label} is a {made_as}, which does not make one vector a text; "
                "name a SentenceTransformer model"
            )
        self._check_modules()
        _ = self.similarity, self.truncate_dim

    def _check_modules(self) -> None:
        for module in self.folder.read_modules():
            own_code = not str(module["type"]).startswith("sentence_transformers.")
            if own_code and not self.options.trust_remote_code:
                raise AlignkitError(
                    f"{self.label} has a module of its own code ({module['type']}); "
                    "--trust-remote-code runs it, if you trust it"
                )

    @cached_property
    def _config(self) -> dict[str, Any]:
        return self.folder.read_json("config_sentence_transformers.json")

    @property
    def similarity(self) -> Similarity:
        """As the model's config says, cosine where it says nothing."""
        name = self._config.get("similarity_fn_name") or "cosine"
        if name not in _SIMILARITIES:
            raise AlignkitError(
                f"{self.label} compares vectors by {name!r}, which is not supported; "
                f"supported are {', '.join(_SIMILARITIES)}"
            )
        return name

    @property
    def truncate_dim(self) -> int | None:
        """The one asked for, else that which the model was saved with."""
        saved = self._config.get("truncate_dim")
        if saved is not None and (not isinstance(saved, int) or saved < 1):
            raise AlignkitError(
                f"{self.label} was saved with truncate_dim {saved!r}; it should be 1 or more, or "
                "null, in config_sentence_transformers.json"
            )
        return self.options.truncate_dim or saved

    def prompt(self, role: Role) -> str:
        """Return the one asked for, else the model's own for this role, else none."""
        asked = self.options.prompt(role)
        if asked is not None:
            return asked
        own: dict[str, str | None] = self._config.get("prompts") or {}
        # A None is a name without a prompt, as an empty text is; the first name that is there wins,
        # an empty "document" over a "passage" too when the config has both.
        return next((own[name] or "" for name in _PROMPT_NAMES[role] if name in own), "")

    @property
    def named_prompts(self) -> dict[str, str]:
        """All prompts of its config."""
        own: dict[str, str | None] = self._config.get("prompts") or {}
        return {name: prompt or "" for name, prompt in own.items()}

    @property
    def is_transformer(self) -> bool:
        """Whether its first module is one."""
        return str(self.folder.read_modules()[0]["type"]).endswith("Transformer")

    @property
    def pooling(self) -> str:
        """As the pooling module's config says."""
        for module in self.folder.read_modules():
            if str(module["type"]).endswith("Pooling"):
                config = self.folder.read_json(f"{module['path']}/config.json")
                mode = config.get("pooling_mode")
                flags = [
                    re.sub(r"_tokens?$", "", name.removeprefix(_POOLING_FLAG))
                    for name, value in config.items()
                    if name.startswith(_POOLING_FLAG) and value is True
                ]
                modes = [mode] if isinstance(mode, str) else mode or flags
                return "+".join(modes)
        return "none"

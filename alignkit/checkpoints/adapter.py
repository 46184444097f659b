"""Adapters of PEFT, such as LoRA: a few weights of their own over a base model found elsewhere."""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from alignkit.checkpoints import Checkpoint, checkpoint_kind, load_checkpoint, open_part
from alignkit.checkpoints._adapting import adapt, is_zero
from alignkit.checkpoints._extras import require
from alignkit.checkpoints._folder import ModelFolder
from alignkit.checkpoints._model import ModelCheckpoint
from alignkit.checkpoints._weights import WeightReport
from alignkit.errors import AlignkitError
from alignkit.provenance import fingerprint_folder
from alignkit.tables import Role, Similarity

CONFIG = "adapter_config.json"
_WEIGHTS = "adapter_model"


@checkpoint_kind("adapter")
@dataclass(frozen=True)
class AdapterCheckpoint(ModelCheckpoint):
    """A folder with adapter_config.json.

    With a modules.json beside it, as sentence-transformers saves an adapter, prompts, pooling and
    tokenizer are the folder's own; else they are the base's. `base=LOCATION` says where the base
    lies, if not where the adapter says. In float32 the adapter is merged into the base, which is
    as fast as the base and gives the same vectors to 1e-5; in half precision it is not, as that
    would round it away. `merge=yes` or `merge=no` decides otherwise.
    """

    keys = ("base", "merge")  # and no backend: others than PyTorch cannot load an adapter
    precedence = 15
    looks_for = "adapter_config.json (PEFT)"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether there is an adapter_config.json."""
        return (path / CONFIG).is_file()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.options.own.get("merge", "no") not in ("yes", "no"):
            raise AlignkitError(f"merge is {self.options.own['merge']!r}; it is yes or no")
        _ = self.base, self.shape

    @cached_property
    def _config(self) -> dict[str, Any]:
        return ModelFolder(self.path).read_json(CONFIG)

    @cached_property
    def base(self) -> ModelCheckpoint:
        """The model that it was trained on, at the revision that it was trained on."""
        named, revision = self._base_location()
        pinned = f"@{revision}" if revision and not Path(named).exists() else ""
        options = replace(self.options, own={}, pooling=self._pooling_of_base)
        try:
            base = load_checkpoint(f"{self.label}={named}{pinned}", options)
        except AlignkitError as error:
            raise AlignkitError(
                f"{self.label} is an adapter of {named}, which cannot be opened: {error}; say "
                "where it is by base=LOCATION"
            ) from error
        if not isinstance(base, ModelCheckpoint) or isinstance(base, AdapterCheckpoint):
            raise AlignkitError(
                f"{self.label} is an adapter of {named}, which is no whole model ({base.kind}); "
                "merge that into its own base first"
            )
        return base

    @property
    def _pooling_of_base(self) -> str:
        return "auto" if self._has_modules else self.options.pooling

    @property
    def _has_modules(self) -> bool:
        return (self.path / "modules.json").is_file()

    def _base_location(self) -> tuple[str, str | None]:
        """Say where the base is, as the user or the adapter says, and its revision."""
        asked = self.options.own.get("base")
        if asked:
            return asked, None  # with its revision, where the user gives one
        named = self._config.get("base_model_name_or_path")
        if not named:
            raise AlignkitError(
                f"{self.path / CONFIG} names no base model; say where it is by base=LOCATION"
            )
        # A relative path is the training's; the folders that it left may have moved together.
        beside = [folder / named for folder in (self.path, self.path.parent)]
        found = next((path for path in (Path(named), *beside) if path.is_dir()), None)
        return (str(found) if found else str(named)), self._config.get("revision")

    @cached_property
    def shape(self) -> ModelCheckpoint:
        """Where prompts, pooling and similarity are stated: its own folder, or the base."""
        if not self._has_modules:
            return self.base
        own = open_part(self, self.path, "sentence-transformers")
        assert isinstance(own, ModelCheckpoint)
        return own

    @property
    def is_merged(self) -> bool:
        """Whether its weights are added into the base's before it runs."""
        return self._merges(self.dtype)

    def _merges(self, dtype: str) -> bool:
        return self.options.own.get("merge", "yes" if dtype == "float32" else "no") == "yes"

    @property
    def is_transformer(self) -> bool:
        """As the base."""
        return self.base.is_transformer

    @property
    def pooling(self) -> str:
        """As the folder that states it says."""
        return self.shape.pooling

    @property
    def similarity(self) -> Similarity:
        """As the folder that states it says."""
        return self.shape.similarity

    @property
    def truncate_dim(self) -> int | None:
        """As the folder that states it says."""
        return self.shape.truncate_dim

    @property
    def max_seq_length(self) -> int | None:
        """As the folder that states it says."""
        return self.shape.max_seq_length

    def prompt(self, role: Role) -> str:
        """Return the one asked for, else that of the folder that states it."""
        return self.shape.prompt(role)

    @property
    def named_prompts(self) -> dict[str, str]:
        """As the folder that states them says."""
        return self.shape.named_prompts

    @property
    def card(self) -> str | None:
        """The base's where there is one: that of an adapter is seldom filled in."""
        return self.base.card or super().card

    def adds_nothing(self) -> bool:
        """Whether one half of every product that LoRA adds is all zeros, as before training."""
        return is_zero(self.path)

    @property
    def notes(self) -> tuple[str, ...]:
        """With the name of its base."""
        base = self.base.location
        if self.base.revision and not base.endswith(f"@{self.base.revision}"):
            base += f" at commit {self.base.revision}"
        how = "merged into it" if self.is_merged else "beside it"
        method = self._config.get("peft_type", "PEFT")
        return (
            *super().notes,
            f"{self.label}: a {method} adapter of {base}, run {how}, with {self.pooling} pooling",
        )

    def describe(self) -> dict[str, Any]:
        """With the base, and whether it is merged."""
        base = {
            "location": self.base.location,
            "revision": self.base.revision,
            "kind": self.base.kind,
            "fingerprint": self.base.fingerprint_in(self.dtype),
        }
        return {**super().describe(), "base": base, "merged": self.is_merged}

    def hash_in(self, dtype: str) -> str:
        """Over the base's fingerprint and the adapter's own files."""
        settings = {
            "kind": self.kind,
            "base": self.base.fingerprint_in(dtype),
            "pooling": self.pooling,
            "merged": str(self._merges(dtype)),
            **self.code.settings,
        }
        return fingerprint_folder(self.path, self.folder.files, settings)

    @contextmanager
    def model_folder(self) -> Generator[Path]:
        """Give the base, under the adapter's own modules and tokenizer where it has some."""
        require(f"{self.label}, an adapter,", "adapters", "peft")
        if not self._has_modules:
            yield self.base.path
            return
        with TemporaryDirectory(prefix="alignkit-", ignore_cleanup_errors=True) as made:
            folder = Path(made)
            own = [path for path in self.folder.files
                   if path.name != CONFIG and not path.name.startswith(_WEIGHTS)]  # fmt: skip
            for path in own:
                _link(path, folder / path.relative_to(self.path))
            for path in _transformer_of(self.base).iterdir():
                if path.is_file() and not (folder / path.name).exists():
                    _link(path, folder / path.name)
            yield folder

    def prepare(self, model: Any, weights: WeightReport) -> None:  # noqa: ANN401  not imported here
        """Put the adapter over the base's transformer."""
        self.shape.prepare(model, weights)
        adapt(model, self.path, weights, merge=self._merges(_dtype_of(model)))


def _dtype_of(model: Any) -> str:  # noqa: ANN401
    return str(next(model[0].parameters()).dtype).removeprefix("torch.")


def _transformer_of(base: Checkpoint) -> Path:
    """Folder of the base's transformer; some older models have a subfolder for it."""
    modules = base.path / "modules.json"
    if not modules.is_file() or (base.path / "config.json").is_file():
        return base.path
    return base.path / str(ModelFolder(base.path).read_modules()[0]["path"])


def _link(path: Path, target: Path) -> None:
    """Make a file appear elsewhere without copying it, where the system can."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.symlink(path.resolve(), target)  # noqa: PTH211  the same, and named beside copyfile
    except OSError:
        shutil.copyfile(path, target)

"""Code that a model asks for and that lies in another repository of the hub."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alignkit.checkpoints import _hub
from alignkit.checkpoints._folder import ModelFolder
from alignkit.errors import AlignkitError
from alignkit.provenance import fingerprint_folder

# Where classes are named: by transformers, and by sentence-transformers for its modules.
_FILES = ("config.json", "tokenizer_config.json", "processor_config.json",
          "preprocessor_config.json", "modules.json", "router_config.json")  # fmt: skip
_KEYS = ("auto_map", "type", "types")
_ELSEWHERE = re.compile(r"(.+)--\w+\.\w+")  # org/name--file.Class


@dataclass(frozen=True)
class OtherCode:
    """Snapshots of the repositories that hold code of a model; a value, by their names."""

    snapshots: dict[str, Path] = field(default_factory=dict[str, Path])

    @classmethod
    def fetch(cls, folder: ModelFolder, label: str, *, offline: bool) -> "OtherCode":
        """Find what a model's configs name, downloading what is not cached."""
        found: dict[str, Path] = {}
        for name in sorted(set(_repositories(folder))):
            try:
                found[name] = _hub.fetch_code(name, offline=offline)
            except AlignkitError as error:
                raise AlignkitError(f"{label} needs code from {name}: {error}") from error
        return cls(found)

    @property
    def settings(self) -> dict[str, str]:
        """Say what of it determines vectors: the content of its files."""
        return {
            f"code of {name}": fingerprint_folder(snapshot, snapshot.rglob("*.py"), {})
            for name, snapshot in self.snapshots.items()
        }

    @property
    def notes(self) -> list[str]:
        """What the user should be told, a line each."""
        return [
            f"code of {name} may run too, and it may move on; this is commit {snapshot.name}"
            for name, snapshot in self.snapshots.items()
        ]

    def describe(self) -> dict[str, Any]:
        """Give the commits, where there are any."""
        commits = {name: snapshot.name for name, snapshot in self.snapshots.items()}
        return {"code": commits} if commits else {}


def _repositories(folder: ModelFolder) -> Iterator[str]:
    for path in folder.files:
        if path.name in _FILES:
            for name in _named(json.loads(path.read_bytes())):
                match = _ELSEWHERE.fullmatch(name)
                if match:
                    yield match[1]


def _named(value: Any, *, wanted: bool = False) -> Iterator[str]:  # noqa: ANN401  any JSON
    """Strings that stand under one of the keys, however deep."""
    if isinstance(value, str) and wanted:
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _named(one, wanted=wanted or key in _KEYS)
    elif isinstance(value, list):
        for one in value:
            yield from _named(one, wanted=wanted)

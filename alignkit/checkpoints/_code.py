"""Code that a model asks for and that lies in another repository of the hub."""

import json
import re
from collections.abc import Iterator
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


def fetch_code(folder: ModelFolder, label: str, *, offline: bool) -> dict[str, Path]:
    """Find the snapshot of every repository that holds code of the model, by its name."""
    found: dict[str, Path] = {}
    for name in sorted(set(_repositories(folder))):
        try:
            found[name] = _hub.fetch_code(name, offline=offline)
        except AlignkitError as error:
            raise AlignkitError(f"{label} needs code from {name}: {error}") from error
    return found


def hash_code(snapshot: Path) -> str:
    """Sha256 over the Python files of a repository."""
    return fingerprint_folder(snapshot, snapshot.rglob("*.py"), {})


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

"""What the two kinds of model folders share: the files that make the model, and their safety."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from alignkit.errors import AlignkitError
from alignkit.safetensors_file import read_header

# What lies in a model folder and is not read when texts are embedded.
_IGNORED_FOLDERS = (
    "checkpoint-*",
    "onnx",
    "openvino",
    "original",
    "runs",
    "eval",
    ".*",
    "__pycache__",
)
_IGNORED_FILES = (
    ".*", "*.md", "LICENSE*", "training_args.bin", "trainer_state.json", "all_results.json",
    "provenance.json",
    "*.pt", "*.pth", "*.onnx", "*.onnx_data", "*.h5", "*.msgpack", "*.ot", "*.pb", "*.tflite",
    "*.csv", "*.log", "*.png", "*.pdf",
)  # fmt: skip
_SHARD_INDEX = "model.safetensors.index.json"


@dataclass(frozen=True)
class ModelFolder:
    """A folder with a model; a class because its parts all start from the same list of files."""

    path: Path

    @cached_property
    def files(self) -> list[Path]:
        """Every file that vectors may depend on; pickles only where nothing replaces them."""
        found = sorted(path for path in self.path.rglob("*") if path.is_file())
        used = [path for path in found if not _is_ignored(path.relative_to(self.path))]
        safe = {path.parent for path in used if path.suffix == ".safetensors"}
        return [path for path in used if path.suffix != ".bin" or path.parent not in safe]

    @property
    def pickles(self) -> list[Path]:
        """Weights that only a pickle holds."""
        return [path for path in self.files if path.suffix == ".bin"]

    def read_json(self, name: str) -> dict[str, Any]:
        """Content of a config file, empty where there is none."""
        path = self.path / name
        if not path.is_file():
            return {}
        content = _parse(path)
        if not isinstance(content, dict):
            raise AlignkitError(f"{path} is broken: it should hold a JSON object")
        return cast(dict[str, Any], content)

    def read_modules(self) -> list[dict[str, Any]]:
        """Read the modules of a sentence-transformers model, in order."""
        path = self.path / "modules.json"
        modules = _parse(path)
        if not isinstance(modules, list) or not all(
            isinstance(module, dict) and {"type", "path"} <= module.keys() for module in modules
        ):
            raise AlignkitError(f"{path} is broken: it should list modules with type and path")
        return cast(list[dict[str, Any]], modules)

    def check(self, *, allow_pickle: bool, other_weights: bool = False) -> None:
        """Raise unless configs can be read and weights are there, whole and safe to load.

        `other_weights` says that there are some in the format of another backend.
        """
        for path in self.files:
            # Tokenizers have up to 17 MB of JSON: loading them finds out soon enough.
            if path.suffix == ".json" and path.name not in ("tokenizer.json", "vocab.json"):
                _parse(path)
        self._check_shards()
        weights = [path for path in self.files if path.suffix == ".safetensors"]
        for path in weights:
            read_header(path)
        if self.pickles and not allow_pickle:
            raise AlignkitError(
                f"{self.pickles[0]} is a pickle, which may run code when it is opened; "
                "save the model as safetensors, or trust it with --allow-pickle"
            )
        if not (weights or self.pickles or other_weights):
            raise AlignkitError(
                f"{self.path} has no weights; looked for *.safetensors "
                "(and *.bin, which is read only with --allow-pickle)"
            )

    def _check_shards(self) -> None:
        index = self.read_json(_SHARD_INDEX).get("weight_map", {})
        missing = [name for name in sorted(set(index.values())) if not (self.path / name).is_file()]
        if missing:
            raise AlignkitError(
                f"{self.path} lacks {len(missing)} of its weight files, first {missing[0]}; "
                "copy or download it again"
            )


def _is_ignored(path: Path) -> bool:
    folders = (Path(part) for part in path.parent.parts)
    return any(folder.match(pattern) for folder in folders for pattern in _IGNORED_FOLDERS) or any(
        path.match(pattern) for pattern in _IGNORED_FILES
    )


def _parse(path: Path) -> object:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise AlignkitError(f"{path} is broken: {error}") from error

"""Which library runs a transformer: PyTorch, ONNX Runtime or OpenVINO."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from alignkit.checkpoints._extras import require
from alignkit.errors import AlignkitError

KEYS = ("backend", "file")
# The file that sentence-transformers takes where none is named, and what it cannot be read without.
_USUAL = {"onnx": "model.onnx", "openvino": "openvino_model.xml"}
_BESIDE = {"onnx": "_data", "openvino": None}
_PACKAGES = {"onnx": ("onnxruntime", "optimum"), "openvino": ("openvino", "optimum")}


@dataclass(frozen=True)
class Backend:
    """A backend and the file of the model in its format; a value with a check."""

    name: str = "torch"
    file: str | None = None

    def __post_init__(self) -> None:
        if self.name not in ("torch", *_USUAL):
            raise AlignkitError(
                f"no backend is called {self.name!r}; choose one of torch, {', '.join(_USUAL)}"
            )
        if self.file is not None and (self.name == "torch" or Path(self.file).is_absolute()):
            raise AlignkitError(
                f"file={self.file} names a file in the model's folder for another backend; write "
                "it as LOCATION,backend=onnx,file=onnx/model_O3.onnx"
            )

    @classmethod
    def asked(cls, own: Mapping[str, str]) -> "Backend":
        """Read it from a checkpoint's own settings."""
        return cls(own.get("backend", "torch"), own.get("file"))

    @property
    def is_torch(self) -> bool:
        """Whether it is the one that needs no file of its own."""
        return self.name == "torch"

    def files(self, folder: Path) -> list[Path]:
        """Find the model in the backend's format; empty where it is made from the weights."""
        if self.is_torch:
            return []
        named = self.file or _USUAL[self.name]
        found = next((path for path in (folder / named, folder / self.name / named)
                      if path.is_file()), None)  # fmt: skip
        if found is None and self.file is not None:
            pattern = "*" + Path(_USUAL[self.name]).suffix
            there = sorted(path.relative_to(folder).as_posix() for path in folder.rglob(pattern))
            listed = f"there are: {', '.join(there)}" if there else "it has none of that format"
            raise AlignkitError(f"{folder} has no {self.file}; {listed}")
        if found is None:
            return []
        beside = _BESIDE[self.name]
        weights = found.with_name(found.name + beside) if beside else found.with_suffix(".bin")
        return [path for path in (found, weights) if path.is_file()]

    @property
    def patterns(self) -> list[str]:
        """Which files of a model on the hub it needs."""
        if self.is_torch:
            return []
        named = Path(self.file or _USUAL[self.name])
        stem = named.as_posix().removesuffix(named.suffix)
        return [f"{stem}.*", f"{self.name}/{stem}.*"]

    def settings(self, folder: Path) -> dict[str, str]:
        """Say what of it determines vectors; nothing of PyTorch, whose fingerprints are older."""
        if self.is_torch:
            return {}
        stated = {"backend": self.name, "file": self.file or ""}
        return stated if self.files(folder) else stated | {"exported by": _version("optimum")}

    def note(self, folder: Path) -> tuple[str, ...]:
        """Say where a model is made anew at every load."""
        if self.is_torch or self.files(folder):
            return ()
        return (
            f"exported to {self.name} when it is loaded; SentenceTransformer(…, "
            f"backend={self.name!r}).save_pretrained(…) keeps that",
        )

    def arguments(self, device: str) -> dict[str, Any]:
        """Give sentence-transformers' `model_kwargs`; the packages must be there."""
        require(f"backend={self.name}", self.name, *_PACKAGES[self.name])
        chosen: dict[str, Any] = {} if self.file is None else {"file_name": self.file}
        if self.name == "onnx":
            on_gpu = device.startswith("cuda")
            chosen["provider"] = "CUDAExecutionProvider" if on_gpu else "CPUExecutionProvider"
        return chosen


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "none"

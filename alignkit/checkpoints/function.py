"""A function of the user's own that embeds texts: `path/to/file.py:function`."""

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from alignkit.checkpoints import Checkpoint, Encoder, checkpoint_kind
from alignkit.checkpoints._cause import cause
from alignkit.checkpoints._spec import FUNCTION
from alignkit.errors import AlignkitError
from alignkit.provenance import fingerprint_folder, hash_file
from alignkit.tables import Role


@checkpoint_kind("function")
@dataclass(frozen=True)
class FunctionCheckpoint(Checkpoint):
    """`path/to/file.py:function`, with `function(texts: list[str], role: str)` → (n, dim) floats.

    `role` is "query" or "passage"; prompts asked for stand before the texts already. The file is
    run when a vector is missing, with its own folder first on the path, and only if the user trusts
    it. The fingerprint is that of the file, the function's name and of what `weights=PATH`, a
    file or folder, holds; what the file imports besides is not in it.
    """

    keys = ("weights",)
    precedence = 91
    looks_for = "FILE.py:FUNCTION (your own)"

    @classmethod
    def claims(cls, location: str) -> bool:
        """Whether it looks like `FILE.py:FUNCTION`."""
        return FUNCTION.fullmatch(location) is not None

    @classmethod
    def place_of(cls, location: str) -> Path:
        """Path of the file."""
        return Path(location.rpartition(":")[0]).expanduser()

    @classmethod
    def label_of(cls, location: str) -> str:
        """Name of the function."""
        return location.rpartition(":")[2]

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """No path alone is one."""
        del path
        return False

    def __post_init__(self) -> None:
        if not self.path.is_file():
            raise AlignkitError(f"{self.path} does not exist")
        if not self.options.trust_remote_code:
            raise AlignkitError(
                f"{self.label} is code in {self.path}; --trust-remote-code runs it, if you trust it"
            )
        if self.options.pooling != "auto":
            raise AlignkitError(f"{self.label} is a function, which has its own pooling")
        if self.weights is not None and not self.weights.exists():
            raise AlignkitError(f"{self.label}: weights={self.weights} does not exist")

    @cached_property
    def weights(self) -> Path | None:
        """What the function reads besides its file, as the user says."""
        asked = self.options.own.get("weights")
        return Path(asked).expanduser() if asked else None

    def prompt(self, role: Role) -> str:
        """Return the one asked for, else none."""
        return self.options.prompt(role) or ""

    def compute_fingerprint(self) -> str:
        """Over the file, the function's name, and the weights that the user names."""
        settings = {"function": self.location.rpartition(":")[2], "weights": self._weights_hash()}
        return fingerprint_folder(self.path.parent, [self.path], settings)

    def _weights_hash(self) -> str:
        if self.weights is None:
            return ""
        if self.weights.is_file():
            return hash_file(self.weights)
        files = sorted(path for path in self.weights.rglob("*") if path.is_file())
        return fingerprint_folder(self.weights, files, {})

    def recipe(self, role: Role) -> dict[str, str]:
        """Add the prompt in force."""
        return {**super().recipe(role), "prompt": self.prompt(role)}

    @property
    def notes(self) -> tuple[str, ...]:
        """With a word on what the fingerprint does not cover."""
        found = [*super().notes, f"{self.label}: the code in {self.path} may run"]
        if self.weights is None:
            found.append(
                f"{self.label}: vectors are kept under the content of {self.path.name} alone; name "
                "what it reads by weights=PATH, or change of that goes unseen"
            )
        return tuple(found)

    def describe(self) -> dict[str, Any]:
        """With prompts, and the weights that the user names."""
        return {
            **super().describe(),
            "prompts": {"query": self.prompt("query"), "passage": self.prompt("passage")},
            "dtype": "float32",
            "weights": str(self.weights) if self.weights else None,
        }

    def load(self) -> Encoder:
        """Run the file and find the function."""
        name = self.location.rpartition(":")[2]
        function = getattr(_run(self.path), name, None)
        if not callable(function):
            raise AlignkitError(f"{self.path} has no function {name!r}")
        prompts: dict[Role, str] = {role: self.prompt(role) for role in ("query", "passage")}
        encoder = FunctionEncoder(function, prompts, f"{name} in {self.path}", self.path.parent)
        # One text through it: what is wrong with it shows now and not in an hour.
        encoder.dim = encoder.call(["a"], "query").shape[1]
        return encoder


@dataclass
class FunctionEncoder:
    """The user's function as an encoder; a class because it learns the dimension.

    `folder`, where its file lies, is first on the path while it runs: it may import there.
    """

    function: Callable[[list[str], str], Any]
    prompts: dict[Role, str]
    name: str
    folder: Path
    dim: int = 0

    def token_counts(self, texts: Sequence[str], role: Role) -> np.ndarray:
        """Estimate the tokens of each text, three bytes a token, (n,) int64."""
        lengths = [len((self.prompts[role] + text).encode("utf-8", "replace")) for text in texts]
        return np.array([1 + n // 3 for n in lengths], np.int64)

    def prepare(self, texts: Sequence[str], role: Role) -> tuple[list[str], Role]:
        """Put prompts before texts."""
        return [self.prompts[role] + text for text in texts], role

    def launch(self, prepared: tuple[list[str], Role]) -> Callable[[], np.ndarray]:
        """Call the function; its result is there at once."""
        vectors = self.call(*prepared)
        if vectors.shape[1] != self.dim:
            raise AlignkitError(
                f"{self.name} gives vectors of {vectors.shape[1]} dimensions, and before of "
                f"{self.dim}; all must be of one length"
            )
        return lambda: vectors

    def encode(self, texts: Sequence[str], role: Role) -> np.ndarray:
        """Embed one batch, in order, (n, dim) float32."""
        return self.launch(self.prepare(texts, role))()

    def call(self, texts: list[str], role: Role) -> np.ndarray:
        """Call the function and check what it gives, (n, d) float32."""
        try:
            with _first_on_path(self.folder):
                found = np.asarray(self.function(texts, role))
        except Exception as error:
            raise AlignkitError(f"{self.name} raised {_where(error)}") from error
        if found.ndim != 2 or len(found) != len(texts) or found.dtype.kind != "f":
            raise AlignkitError(
                f"{self.name} gives {found.dtype} of shape {found.shape} for {len(texts)} texts; "
                "it should give floats of shape (texts, dimensions)"
            )
        return found.astype(np.float32)


def _run(path: Path) -> Any:  # noqa: ANN401  a module
    # Python itself looks for a class's module by its name: no two files may share one.
    place = hashlib.sha256(str(path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()
    name = f"alignkit_user_{path.stem}_{place[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _first_on_path(path.parent):
            spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise AlignkitError(f"{path} raised {_where(error)} when it was run") from error
    return module


@contextmanager
def _first_on_path(folder: Path) -> Generator[None]:
    """Let modules be imported from `folder` within the block, and from there first."""
    entry = str(folder.resolve())
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        sys.path.remove(entry)


def _where(error: BaseException) -> str:
    """Class, words and place of an exception, in one line."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" (line {frames[-1].lineno} of {Path(frames[-1].filename).name})" if frames else ""
    return f"{type(error).__name__}: {cause(error)}{place}"

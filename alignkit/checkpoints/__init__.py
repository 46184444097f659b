"""Checkpoints: anything that turns texts into vectors; one kind a file.

A kind is a subclass of `Checkpoint` registered with `@checkpoint_kind(name)`. Opening one checks
that its files are whole; the model itself is loaded by `load`, and only when a vector is missing
from the cache. Files with a leading underscore are what several kinds share.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

import numpy as np

from alignkit.checkpoints import _hub
from alignkit.checkpoints._backend import Backend
from alignkit.checkpoints._device import ranking_device as ranking_device
from alignkit.checkpoints._device import usual_batch as usual_batch
from alignkit.checkpoints._options import DEFAULT_OPTIONS, EncodeOptions, override
from alignkit.checkpoints._precision import LEAST_COSINE as LEAST_COSINE
from alignkit.checkpoints._precision import least_cosine as least_cosine
from alignkit.checkpoints._spec import Spec, default_label, parse_spec, runs_of
from alignkit.checkpoints._steps import step_of, steps_in
from alignkit.errors import AlignkitError
from alignkit.progress import SILENT, Reporter
from alignkit.registry import Registry
from alignkit.tables import Role, Similarity, Texts


class NoRoomError(Exception):
    """The device has no room for a batch; a smaller one may fit."""


@runtime_checkable  # beartype checks it while the tests run
class Encoder(Protocol):
    """A loaded model, which embeds a batch in three steps, so that batches can overlap."""

    @property
    def dim(self) -> int:
        """Length of its vectors."""
        ...

    def prepare(self, texts: Sequence[str], role: Role) -> Any:  # noqa: ANN401  what `launch` takes
        """Tokenise a batch; another thread may do this while the model is at work."""
        ...

    def launch(self, prepared: Any) -> Callable[[], np.ndarray]:  # noqa: ANN401
        """Start the model on a batch; the result waits for it: (n, dim) float32, in order.

        Raises NoRoomError where the batch is too large for the device.
        """
        ...

    def token_counts(self, texts: Sequence[str], role: Role) -> np.ndarray:
        """Tokens that the model sees of each text, prompt included, (n,) int64."""
        ...


@dataclass(frozen=True)
class Checkpoint(ABC):
    """Where vectors come from; a value with a check, and the contract of a kind.

    Attributes
    ----------
    label : the name in tables and figures.
    location : as the user wrote it, with its revision.
    path : the folder or file that it stands for on this disk; of a service, nothing that exists.
    revision : the resolved commit of a model from the hub.
    options : how to read and run it.
    """

    label: str
    location: str
    path: Path
    revision: str | None = None
    options: EncodeOptions = DEFAULT_OPTIONS

    kind: ClassVar[str]  # set by `checkpoint_kind`
    precedence: ClassVar[int]  # of two kinds that recognise a path, the lower one takes it
    looks_for: ClassVar[str]  # what `recognises` wants to see, for the user
    keys: ClassVar[tuple[str, ...]] = ()  # settings of its own, which stand in `options.own`
    is_paid_for: ClassVar[bool] = False  # whether `announce` is to be called

    @classmethod
    def claims(cls, location: str) -> bool:
        """Whether a location that is no path of a checkpoint is one of this kind, by its form."""
        del location
        return False

    @classmethod
    def place_of(cls, location: str) -> Path:
        """Path of a location that the kind claims."""
        return Path(location)

    @classmethod
    def label_of(cls, location: str) -> str:
        """Name a checkpoint that the user gave no label."""
        return default_label(location)

    @classmethod
    @abstractmethod
    def recognises(cls, path: Path) -> bool:
        """Whether `path` is a checkpoint of this kind, by its name and the names in it."""

    @abstractmethod
    def compute_fingerprint(self) -> str:
        """Sha256 over all that determines vectors, except roles, prompts and texts."""

    @cached_property
    def fingerprint(self) -> str:
        """Sha256, in hex, over weights, tokenizer, configs and the settings that change vectors.

        Label, folder name, device and batch size are not in it: a copy has the same fingerprint.
        """
        return self.compute_fingerprint()

    def recipe(self, role: Role) -> dict[str, str]:
        """All that with a text determines its vector before truncation: the key of the cache."""
        stored = self.options.store_dtype
        return {
            "format": "alignkit.vectors/1",
            "fingerprint": self.fingerprint,
            "role": role,
            **({} if stored == "float32" else {"stored": stored}),  # as keys were before it was
        }

    def load(self) -> Encoder:
        """Load the model."""
        raise AlignkitError(f"{self.label} holds vectors and no model; it cannot embed new texts")

    def load_as_it_is(self) -> Encoder | None:
        """Load the model to examine it, be its weights whole or not; None where there is none."""
        return self.load()

    def lookup(self, texts: Texts, role: Role, reporter: Reporter = SILENT) -> np.ndarray | None:
        """Vectors that were made elsewhere, (n, dim) float32; None where `load` makes them."""
        del texts, role, reporter
        return None

    def announce(self, due: Sequence[tuple[Role, Sequence[str]]]) -> None:
        """Be told of all texts that are about to be embedded; say what they cost, or refuse."""
        del due

    @property
    def similarity(self) -> Similarity:
        """How two of its vectors are to be compared."""
        return "cosine"

    @property
    def truncate_dim(self) -> int | None:
        """How many dimensions are kept, of vectors that are cached whole."""
        return self.options.truncate_dim

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should be told about this checkpoint, a line each."""
        if step_of(self.path) >= 0 and Path(self.location).name != self.path.name:
            return (f"{self.label}: {self.location} is a training; this is its {self.path.name}",)
        if self.revision is None or self.location.endswith(f"@{self.revision}"):
            return ()
        return (f"{self.label}: {self.location} may move on; this is commit {self.revision}",)

    def describe(self) -> dict[str, Any]:
        """Say what a run records of this checkpoint, in plain JSON types."""
        return {
            "label": self.label,
            "kind": self.kind,
            "location": self.location,
            "revision": self.revision,
            "fingerprint": self.fingerprint,
            "similarity": self.similarity,
            "truncate_dim": self.truncate_dim,
            "store_dtype": self.options.store_dtype,
            "notes": list(self.notes),
        }


Kind = type[Checkpoint]
K = TypeVar("K", bound=Kind)
_KINDS: Registry[Kind] = Registry("kind of checkpoint", "alignkit.checkpoints")


def checkpoint_kind(name: str) -> Callable[[K], K]:
    """Decorate a subclass of `Checkpoint`: register it under `name`."""

    def decorate(kind: K) -> K:
        kind.kind = name
        _KINDS.add(name, kind)
        return kind

    return decorate


def load_checkpoint(spec: str, options: EncodeOptions = DEFAULT_OPTIONS) -> Checkpoint:
    """Open what `[label=]LOCATION[@REVISION][,key=value…]` names.

    The keys `truncate-dim`, `pooling`, `query-prompt`, `passage-prompt`, `dtype` and `store-dtype`
    override `options` for this checkpoint alone, so that a model can be compared with itself:
    `small=path/to/model,truncate-dim=64`; a kind may have further keys. What exists on disk is
    taken from there; another `org/name` or `name` is asked of the Hugging Face hub.

    Examples
    --------
    >>> load_checkpoint("old=./checkpoint-500")
    Traceback (most recent call last):
    alignkit.errors.AlignkitError: ./checkpoint-500 does not exist
    """
    parsed = parse_spec(spec)
    every_key = [key for kind in _KINDS.values() for key in kind.keys]
    override(options, parsed.settings, every_key)  # before anything is asked of the hub
    kind, path, revision = _find(parsed, options)
    options = override(options, parsed.settings, kind.keys)
    label = parsed.label or kind.label_of(parsed.location)
    if parsed.label is None and "truncate-dim" in parsed.settings:
        label += f"-dim{options.truncate_dim}"
    location = parsed.location + (f"@{parsed.revision}" if parsed.revision else "")
    return kind(label, location, path, revision, options)


def open_part(checkpoint: Checkpoint, path: Path, kind: str) -> Checkpoint:
    """Open a folder that is a part of `checkpoint`, under its label, as the kind of that name."""
    options = replace(checkpoint.options, own={})
    return _KINDS.get(kind)(checkpoint.label, checkpoint.location, path, None, options)


def load_runs(spec: str, options: EncodeOptions = DEFAULT_OPTIONS) -> tuple[str, list[Checkpoint]]:
    """Open a checkpoint, or the runs of a strategy, `label=RUN,RUN,…`: the label, and each run."""
    runs = [load_checkpoint(one, options) for one in runs_of(spec)]
    return runs[0].label if len(runs) == 1 else spec.partition("=")[0], runs


def _find(spec: Spec, options: EncodeOptions) -> tuple[Kind, Path, str | None]:
    """Find what a location stands for: its kind, its path, and its commit on the hub."""
    path = Path(spec.location).expanduser()
    claimed = [kind for kind in _KINDS.values() if kind.claims(spec.location)]
    if claimed or path.exists():
        if spec.revision is not None:
            raise AlignkitError(
                f"{spec.location} is on this disk and has no revision {spec.revision!r}; "
                "@REVISION is for models on the hub"
            )
        if claimed:
            return claimed[0], claimed[0].place_of(spec.location), None
        path = _last_step(path)
        return _kind_of(path), path, None
    if _hub.looks_like_path(spec.location):
        raise AlignkitError(f"{spec.location} does not exist")
    folder = _hub.fetch(
        spec.location,
        spec.revision,
        offline=options.offline,
        with_pickles=options.allow_pickle,
        with_code=options.trust_remote_code,
        with_files=Backend.asked(spec.settings).patterns,
    )
    return _kind_of(folder), folder, folder.name  # a snapshot is called by its commit


def _last_step(path: Path) -> Path:
    """Take the last step of a training that has left no model of its own, yet."""
    is_model = any(kind.recognises(path) for kind in _KINDS.values())
    steps = [] if is_model else steps_in(path)
    return steps[-1] if steps else path


def _kind_of(path: Path) -> Kind:
    kinds = sorted(_KINDS.values(), key=lambda kind: kind.precedence)
    for kind in kinds:
        if kind.recognises(path):
            return kind
    looked_for = "; ".join(kind.looks_for for kind in kinds)
    raise AlignkitError(f"{path} is no checkpoint; looked for {looked_for}")

"""How a checkpoint is to be read and run, and what a user may set for one checkpoint alone."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

from alignkit.errors import AlignkitError
from alignkit.tables import Role

POOLINGS = ("auto", "mean", "cls", "last")
DTYPES = ("auto", "float32", "bfloat16", "float16")
STORE_DTYPES = ("float32", "float16")
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def _require_one_of(what: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise AlignkitError(f"no {what} is called {value!r}; choose one of {', '.join(choices)}")


@dataclass(frozen=True)
class EncodeOptions:
    """How a checkpoint is to be read and run; a value with a check.

    A prompt of None leaves the model its own, "" means none. `batch_tokens` bounds the padded
    tokens of a batch; None leaves it to the device. `truncate_dim` keeps the first dimensions of
    every vector. Vectors are rounded to `store_dtype`, and kept and measured so. `own` are settings
    that only its kind of checkpoint knows.
    """

    device: str = "auto"
    devices: tuple[str, ...] = ()
    dtype: str = "auto"
    batch_tokens: int | None = None
    query_prompt: str | None = None
    passage_prompt: str | None = None
    pooling: str = "auto"
    truncate_dim: int | None = None
    store_dtype: str = "float32"
    trust_remote_code: bool = False
    allow_pickle: bool = False
    offline: bool = False
    own: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)

    def __post_init__(self) -> None:
        _require_one_of("pooling", self.pooling, POOLINGS)
        _require_one_of("dtype", self.dtype, DTYPES)
        _require_one_of("store-dtype", self.store_dtype, STORE_DTYPES)
        for device in (self.device, *self.devices):
            if not _DEVICE.fullmatch(device):
                raise AlignkitError(
                    f"no device is called {device!r}; choose auto, cpu, cuda, cuda:1 or mps"
                )
        if self.batch_tokens is not None and self.batch_tokens < 1:
            raise AlignkitError(f"batch-tokens is {self.batch_tokens}; it must be 1 or more")
        if self.truncate_dim is not None and self.truncate_dim < 1:
            raise AlignkitError(f"truncate-dim is {self.truncate_dim}; it must be 1 or more")

    def prompt(self, role: Role) -> str | None:
        """Say which prompt was asked for, if any."""
        return self.query_prompt if role == "query" else self.passage_prompt


DEFAULT_OPTIONS = EncodeOptions()


_KEYS: dict[str, str] = {
    "truncate-dim": "truncate_dim",
    "pooling": "pooling",
    "query-prompt": "query_prompt",
    "passage-prompt": "passage_prompt",
    "dtype": "dtype",
    "store-dtype": "store_dtype",
}


def override(
    options: EncodeOptions, settings: Mapping[str, str], own_keys: Sequence[str] = ()
) -> EncodeOptions:
    """`options`, changed by the `key=value` pairs behind one checkpoint's name.

    `own_keys` are those that its kind knows besides; their values are left to the kind.
    """
    values: dict[str, Any] = {}
    for key, value in settings.items():
        if key not in (*_KEYS, *own_keys):
            raise AlignkitError(f"a checkpoint has no setting {key!r}. {_hint(key, own_keys)}")
        if key == "truncate-dim" and not value.isdecimal():
            raise AlignkitError(f"truncate-dim is {value!r}; it must be a number, as in 64")
        if key in _KEYS:
            values[_KEYS[key]] = int(value) if key == "truncate-dim" else value
    own = {key: value for key, value in settings.items() if key in own_keys}
    return replace(options, **values, own=own)


def _hint(key: str, own_keys: Sequence[str]) -> str:
    known = [*_KEYS, *own_keys]
    near = get_close_matches(key, known, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"This one has: {', '.join(known)}."

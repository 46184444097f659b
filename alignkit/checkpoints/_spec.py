"""How a user names a checkpoint: `[label=]LOCATION[@REVISION][,key=value…]`."""

import re
from dataclasses import dataclass
from pathlib import Path

from alignkit.errors import AlignkitError

_LABEL = re.compile(r"([A-Za-z0-9._+-]+)=(.*)", re.DOTALL)
_NEXT_KEY = re.compile(r",(?=[A-Za-z_-]+=)")
_SERVICE = re.compile(r"(openai:|https?://)")  # a model behind one may have an @ in its name
FUNCTION = re.compile(r"(.+\.py):([A-Za-z_]\w*)")  # and so may a folder on the way to a file
VECTOR_SUFFIXES = (".npz", ".parquet")


@dataclass(frozen=True)
class Spec:
    """A checkpoint's name, taken apart."""

    label: str | None
    location: str
    revision: str | None
    settings: dict[str, str]


def parse_spec(spec: str) -> Spec:
    """Take a checkpoint's name apart; a file or folder that exists as written is never split.

    Examples
    --------
    >>> parse_spec("e5=intfloat/e5-base@main,dtype=float16")
    Spec(label='e5', location='intfloat/e5-base', revision='main', settings={'dtype': 'float16'})
    """
    if _exists(spec):
        return Spec(None, spec, None, {})
    labelled = _LABEL.fullmatch(spec)
    label, body = labelled.groups() if labelled else (None, spec)
    if _exists(body):
        return Spec(label, body, None, {})
    location, *pairs = _NEXT_KEY.split(body)
    settings = dict(pair.split("=", 1) for pair in pairs)
    revision = None
    if "@" in location and not (
        _exists(location) or _SERVICE.match(location) or FUNCTION.fullmatch(location)
    ):
        location, _, revision = location.rpartition("@")
    if not location or revision == "":
        raise AlignkitError(
            f"cannot read the checkpoint {spec!r}; write it as [label=]LOCATION[@REVISION], "
            "e.g. new=models/run-2/checkpoint-500"
        )
    return Spec(label, location, revision, settings)


def runs_of(spec: str) -> list[str]:
    """Name the single runs of a strategy given as `label=RUN,RUN,…[,key=value…]`.

    A checkpoint of its own is returned as it is. Runs are labelled `label.1`, `label.2`, ….

    Examples
    --------
    >>> runs_of("hybrid=runs/a,runs/b,dtype=float32")
    ['hybrid.1=runs/a,dtype=float32', 'hybrid.2=runs/b,dtype=float32']
    >>> runs_of("hybrid=runs/a,dtype=float32")
    ['hybrid=runs/a,dtype=float32']
    """
    labelled = _LABEL.fullmatch(spec)
    label, body = labelled.groups() if labelled else ("", spec)
    locations, *keys = _NEXT_KEY.split(body)
    runs = locations.split(",")
    if len(runs) == 1 or _exists(spec) or _exists(body) or _exists(locations):
        return [spec]
    if not label or not all(runs):
        raise AlignkitError(
            f"cannot read {spec!r}; give several runs of one strategy a label: hybrid=RUN,RUN,RUN"
        )
    return [f"{label}.{i}={','.join([run, *keys])}" for i, run in enumerate(runs, 1)]


def default_label(location: str) -> str:
    """Last part of the path or hub id, without the suffix of a vectors file.

    Examples
    --------
    >>> default_label("runs/a/checkpoint-500")
    'checkpoint-500'
    """
    path = Path(location)
    name = path.name or path.resolve().name
    if path.suffix in VECTOR_SUFFIXES:
        name = path.stem
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", name)


def _exists(location: str) -> bool:
    if not location:
        return False
    try:
        return Path(location).expanduser().exists()
    except (OSError, RuntimeError, ValueError):  # too long for a path; ~user unknown; a zero byte
        return False

"""What stages found, kept between runs: the same question to the same code has the same answer.

    {cache}/kept/{stage}/{key}    a sha256 and, of that, arrays by name as numpy's npz

The key is a hash of all that an answer depends on: what the stage is given, alignkit's code, and
the versions and the hardware that the last bits of a sum may depend on. A file is written whole or
not at all; one that its checksum does not fit is as good as not kept. Tables and files are arrays
of bytes.
"""

import hashlib
import io
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from alignkit.cache_folder import cache_folder
from alignkit.provenance import environment
from alignkit.whole_file import write_whole

DAY = 86_400
_DIGEST = 32  # bytes


def folder() -> Path:
    """Name the place in the cache."""
    return cache_folder() / "kept"


def key_of(*parts: object) -> str:
    """Hash what an answer depends on: plain JSON types and arrays, and the code that gives it."""
    digest = hashlib.sha256(_code())
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(repr((part.shape, part.dtype.str)).encode())
            digest.update(np.ascontiguousarray(part).data)
        else:
            digest.update(json.dumps(part, sort_keys=True).encode())
    return digest.hexdigest()[:40]


@cache
def _code() -> bytes:
    """Digest alignkit's own code, versions and hardware."""
    surroundings = {**environment(), "gpu": None}  # its name is known only where torch is loaded
    digest = hashlib.sha256(json.dumps(surroundings, sort_keys=True).encode())
    for source in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.digest()


def take(stage: str, key: str) -> dict[str, np.ndarray] | None:
    """Read arrays back by name; None if they are not kept, or not whole."""
    path = folder() / stage / key
    content = _read(path)
    if content is None:
        return None
    with suppress(OSError):  # a cache that may only be read keeps its old time
        os.utime(path)  # of last use, for `prune`
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


def _read(path: Path) -> memoryview | None:
    """Read what follows the checksum; None if there is nothing that it fits."""
    try:
        content = memoryview(path.read_bytes())
    except OSError:
        return None
    stated, content = content[:_DIGEST], content[_DIGEST:]
    return content if hashlib.sha256(content).digest() == bytes(stated) else None


def keep(stage: str, key: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Keep arrays by name; a cache that can't be written is no fault of theirs."""
    path = folder() / stage / key
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    content = file.getvalue()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, hashlib.sha256(content).digest() + content)


def pack_table(table: pd.DataFrame) -> np.ndarray:
    """Turn a table into bytes, (n,) uint8."""
    import pyarrow as pa

    arrow = pa.Table.from_pandas(table)
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")  # a third of the size
    with pa.ipc.new_stream(sink, arrow.schema, options=options) as stream:
        stream.write_table(arrow)
    return np.frombuffer(sink.getvalue(), np.uint8)


def unpack_table(packed: np.ndarray) -> pd.DataFrame:
    """Read the table that `pack_table` was given."""
    import pyarrow as pa

    return pa.ipc.open_stream(pa.py_buffer(packed)).read_pandas()


def pack_json(content: object) -> np.ndarray:
    """Turn plain JSON types into bytes, (n,) uint8."""
    return np.frombuffer(json.dumps(content).encode(), np.uint8)


def unpack_json(packed: np.ndarray) -> object:
    """Read what `pack_json` was given."""
    return json.loads(packed.tobytes())


def sizes() -> dict[str, int]:
    """Bytes that are kept, by stage."""
    found: dict[str, int] = {}
    for path in _files():
        found[path.parent.name] = found.get(path.parent.name, 0) + path.stat().st_size
    return found


def verify() -> list[Path]:
    """Read every file; the damaged ones, which `take` would not trust."""
    return [path for path in _files() if path.suffix != ".part" and _read(path) is None]


def prune(*, older_than_days: int) -> int:
    """Remove what was not used for so many days, and return the bytes that this freed."""
    freed, latest = 0, time.time() - older_than_days * DAY
    for path in _files():
        if path.stat().st_mtime <= latest:
            freed += path.stat().st_size
            path.unlink(missing_ok=True)
    return freed


def _files() -> Iterator[Path]:
    return iter(sorted(path for path in folder().glob("*/*") if path.is_file()))

"""One file of the vector cache: written whole or not at all, trusted if its checksum fits."""

import hashlib
import os
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alignkit.errors import AlignkitError
from alignkit.safetensors_file import read_header

TEMPORARY = ".tmp-"
_DTYPES = {"F32": np.dtype("f4"), "F16": np.dtype("f2")}  # as safetensors names them


def write_shard(folder: Path, texts: Sequence[str], vectors: np.ndarray) -> None:
    """Write `vectors` (n, dim) float32 or float16 of `texts` under the digest of both."""
    from safetensors.numpy import save

    tensors = {"keys": text_keys(texts), "vectors": np.ascontiguousarray(vectors)}
    digest = _digest(tensors["keys"], tensors["vectors"])
    content = save(tensors, metadata={"sha256": digest})
    write_whole(folder / f"{digest[:32]}.safetensors", content)


@dataclass(frozen=True)
class ShardFile:
    """Where the vectors of a whole shard lie, (n, dim).

    They are mapped when they are asked for and no longer: a process may have few files open, and a
    cache that was filled for hours has thousands.
    """

    path: Path
    dtype: np.dtype[Any]
    shape: tuple[int, int]
    offset: int  # bytes

    def vectors(self) -> np.ndarray:
        """Map them. Raises AlignkitError where the file is gone or cannot be read now."""
        try:
            return np.memmap(self.path, self.dtype, "r", self.offset, self.shape)
        except OSError as error:
            raise unreadable(self.path, error) from error


def open_shard(path: Path) -> tuple[np.ndarray, ShardFile]:
    """Keys (n, 16) uint8, and where the vectors are; both are hashed again.

    Raises AlignkitError if a byte of them is not as it was written.
    """
    header = read_header(path)
    content = np.memmap(path, np.uint8, mode="r", offset=header.data_start)
    try:
        keys, vectors = (
            content[slice(*header.tensors[name]["data_offsets"])]
            .view(dtype)
            .reshape(header.tensors[name]["shape"])
            for name, dtype in (
                ("keys", np.dtype("u1")),
                ("vectors", _DTYPES[header.tensors["vectors"]["dtype"]]),
            )
        )
        begin = header.tensors["vectors"]["data_offsets"][0]
        stated = header.metadata["sha256"]
    except (KeyError, TypeError, ValueError):
        raise AlignkitError(f"{path} is damaged: it does not hold keys and vectors") from None
    if stated != _digest(keys, vectors):
        raise AlignkitError(f"{path} is damaged: its checksum does not fit")
    place = ShardFile(path, vectors.dtype, vectors.shape, header.data_start + begin)
    return np.array(keys), place


def unreadable(path: Path, error: OSError) -> AlignkitError:
    """Say that a file of the cache is there and cannot be read, which is no damage."""
    return AlignkitError(
        f"cannot read {path} in the vector cache: {error.strerror or error}; mend that, or set "
        "ALIGNKIT_CACHE to another folder"
    )


def is_whole(path: Path) -> bool:
    """Whether `open_shard` would trust it."""
    try:
        open_shard(path)
    except AlignkitError:
        return False
    return True


def shard_shape(path: Path) -> tuple[int, int]:
    """Read number and length of the vectors from the header, (0, 0) in a broken one."""
    try:
        n_vectors, dim = read_header(path).tensors["vectors"]["shape"]
    except (AlignkitError, OSError, KeyError, TypeError, ValueError):
        return (0, 0)
    return int(n_vectors), int(dim)


def text_keys(texts: Collection[str]) -> np.ndarray:
    """Blake2b-128 of every text in UTF-8, (n, 16) uint8."""
    # A lone surrogate, as JSON may bring one, is a text too: it must not end the run.
    digests = (
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        for text in texts
    )
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 16)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a name of this process alone, then rename it."""
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{uuid.uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _digest(keys: np.ndarray, vectors: np.ndarray) -> str:
    digest = hashlib.sha256(repr((keys.shape, vectors.shape)).encode())
    digest.update(keys.data)
    digest.update(vectors.data)
    return digest.hexdigest()

"""One file of the vector cache: written whole or not at all, trusted if its checksum fits."""

import hashlib
import os
import uuid
from collections.abc import Collection, Sequence
from pathlib import Path

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


def open_shard(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Keys (n, 16) uint8 and memory-mapped vectors (n, dim) as they were written, hashed again.

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
        stated = header.metadata["sha256"]
    except (KeyError, TypeError, ValueError):
        raise AlignkitError(f"{path} is damaged: it does not hold keys and vectors") from None
    if stated != _digest(keys, vectors):
        raise AlignkitError(f"{path} is damaged: its checksum does not fit")
    return np.asarray(keys), vectors


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

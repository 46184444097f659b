"""Fingerprints of files and folders, and the surroundings a run was made in."""

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "alignkit", "torch", "transformers", "sentence-transformers", "numpy", "scipy", "pandas",
    "numba",
)  # fmt: skip


def hash_file(path: Path) -> str:
    """Sha256 of the file's bytes, in hex; of a file that stays as it is, read once."""
    state = path.stat()
    return _hash(path, state.st_size, state.st_mtime_ns, state.st_ino)


@lru_cache(maxsize=1024)
def _hash(path: Path, *_state: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint_folder(folder: Path, files: Iterable[Path], settings: Mapping[str, str]) -> str:
    """Sha256 over the content and the place in `folder` of `files`, and over `settings`.

    Neither the folder's own name nor the order of `files` matters: a copy has the same fingerprint.
    """
    contents = {path.relative_to(folder).as_posix(): hash_file(path) for path in files}
    stated = json.dumps({"files": contents, "settings": dict(settings)}, sort_keys=True)
    return hashlib.sha256(stated.encode()).hexdigest()


def environment() -> dict[str, Any]:
    """Versions and hardware that a result may depend on, in plain JSON types.

    Versions come from the packages' metadata: nothing heavy is imported. The GPU's name is given
    only when torch is loaded already.
    """
    return {
        "packages": {name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "gpu": _gpu(),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        # A source tree that is not installed has no metadata; alignkit itself is imported by now.
        return getattr(sys.modules.get(package), "__version__", None)


def _cpu() -> str:
    # platform.processor() is empty or says only "x86_64" on Linux.
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _gpu() -> str | None:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return str(torch.cuda.get_device_name())

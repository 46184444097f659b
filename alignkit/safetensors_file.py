"""The header of a safetensors file, which says whether the file is whole."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from alignkit.errors import AlignkitError


@dataclass(frozen=True)
class Header:
    """What the file states of each tensor (dtype, shape, data_offsets), and where data begin."""

    tensors: dict[str, dict[str, Any]]
    metadata: dict[str, str]
    data_start: int


def read_header(path: Path) -> Header:
    """Read the header and compare the length that it promises with the file's.

    A file that was cut off, by a full disk or a broken download, is an error here and not a
    surprise in the middle of loading.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or 8 + length > size:
            raise AlignkitError(
                f"{path} is cut off inside its header ({size:,} bytes); copy or download it again"
            )
        try:
            entries = json.loads(file.read(length))
            end = 8 + length + _last_byte(entries)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise AlignkitError(
                f"{path} is no safetensors file: its header cannot be read"
            ) from None
    if size != end:
        raise AlignkitError(
            f"{path} is cut off or damaged: it has {size:,} bytes and should have {end:,}; "
            "copy or download it again"
        )
    metadata = entries.pop("__metadata__", {})
    return Header(entries, metadata, 8 + length)


def _last_byte(entries: object) -> int:
    tensors = cast(dict[str, dict[str, Any]], entries).items()
    return max(
        (entry["data_offsets"][1] for name, entry in tensors if name != "__metadata__"), default=0
    )

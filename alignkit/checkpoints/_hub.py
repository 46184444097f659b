"""Models on the Hugging Face hub: resolved once to a folder in its own cache, then read there."""

import re
from collections.abc import Sequence
from pathlib import Path

from alignkit.checkpoints._cause import cause
from alignkit.checkpoints._spec import VECTOR_SUFFIXES
from alignkit.errors import AlignkitError

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
# Everything that a text model is read from, and none of the copies in other formats.
_FILES = ["*.json", "*.txt", "*.model", "*.safetensors", "*.tiktoken", "*.jinja", "*.spm"]
_OTHER_FORMATS = ["onnx/*", "openvino/*", "original/*", "*/onnx/*", "*/openvino/*"]


def looks_like_path(location: str) -> bool:
    """Whether `location` cannot be meant for the hub."""
    return (
        location.startswith((".", "/", "~"))
        or location.count("/") > 1
        or location.endswith(("/", *VECTOR_SUFFIXES))
        or "\\" in location
    )


def fetch(
    name: str,
    revision: str | None,
    *,
    offline: bool,
    with_pickles: bool,
    with_code: bool,
    with_files: Sequence[str] = (),
) -> Path:
    """Find the folder of the snapshot of `name` at `revision`, downloading what is not cached.

    It lies in the hub's own cache, and its name is the commit. A bare name is also looked for
    under `sentence-transformers/`, as that library does. `with_files` are patterns of files in
    another format that are wanted as well.
    """
    if not _HUB_ID.fullmatch(name):
        raise AlignkitError(
            f"{name!r} is neither a file or folder here nor a name on the hub (org/name); "
            "labels have letters, digits and . _ + - only"
        )
    files = _FILES + ["*.bin"] * with_pickles + ["*.py"] * with_code + list(with_files)
    if "/" not in name:
        found = _try(name, revision, files, offline)
        if isinstance(found, Path):
            return found
        name = f"sentence-transformers/{name}"
    found = _try(name, revision, files, offline)
    if isinstance(found, Path):
        return found
    raise found


def fetch_card(snapshot: Path, *, offline: bool) -> None:
    """Put the model card into a snapshot of the hub's cache, where it can be had."""
    name = snapshot.parent.parent.name.removeprefix("models--").replace("--", "/")
    _try(name, snapshot.name, ["README.md"], offline)


def fetch_code(name: str, *, offline: bool) -> Path:
    """Find the folder of a snapshot with the Python files of `name`, as its main branch has them.

    transformers takes them from there, be the model on the hub or not.
    """
    found = _try(name, None, ["*.py"], offline)
    if not isinstance(found, Path):
        raise found
    if not any(found.rglob("*.py")):
        mend = "run once without --offline" if offline else "copy the code into the model's folder"
        raise AlignkitError(f"no Python file of {name} is at hand; {mend}")
    return found


def _try(name: str, revision: str | None, files: list[str], offline: bool) -> Path | AlignkitError:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    # The base of all that the hub's HTTP client raises, whichever client this version is built on.
    transport_error: type[Exception] = HfHubHTTPError.__bases__[0]
    try:
        return Path(
            snapshot_download(
                name,
                revision=revision,
                allow_patterns=files,
                ignore_patterns=_other_formats(files),
                local_files_only=offline,
            )
        )
    except GatedRepoError:
        return AlignkitError(
            f"{name} is gated: accept its terms on the hub and set HF_TOKEN to a token of yours"
        )
    except RevisionNotFoundError:
        return AlignkitError(f"{name} on the hub has no revision {revision!r}")
    except RepositoryNotFoundError:
        return AlignkitError(
            f"{name} is neither a folder here nor a model on the hub; "
            "if it is private there, set HF_TOKEN"
        )
    except LocalEntryNotFoundError as error:
        if offline:
            return AlignkitError(
                f"{name} is not in the hub's cache on this machine; run once without --offline"
            )
        return _unreachable(name, error)
    except (OSError, ValueError, RuntimeError, transport_error) as error:
        return _unreachable(name, error)


def _other_formats(wanted: list[str]) -> list[str]:
    """Patterns of what is not fetched, as far as no wanted file lies there."""
    return [
        pattern for pattern in _OTHER_FORMATS
        if not any(one.startswith(pattern.removeprefix("*/")[:-1]) for one in wanted)
    ]  # fmt: skip


def _unreachable(name: str, error: Exception) -> AlignkitError:
    return AlignkitError(
        f"{name} is no folder here, and the hub could not be asked for it: "
        f"{cause(error.__cause__ or error)}"
    )

"""`--data NAME[:PATH]`: taken apart, and whether the path can be reached."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from alignkit.errors import AlignkitError


def parse_spec(spec: str) -> tuple[str, Path | None]:
    """Take `NAME[:PATH]` apart at the first colon, so that a path may have colons of its own."""
    name, colon, rest = spec.partition(":")
    # No dataset's name has such a sign; a name of one letter is a Windows drive.
    if any(sign in name for sign in "/\\~.") or len(name) == 1:
        raise AlignkitError(f"{spec!r} is a path, not a dataset; write 'files:{spec}' or NAME:PATH")
    if not colon:
        return name, None
    if not rest:
        raise AlignkitError(f"no path stands after the colon in {spec!r}; write NAME or NAME:PATH")
    path = Path(rest).expanduser()
    with reaching(spec):
        there = path.exists()
    if not there:
        raise AlignkitError(f"{spec!r}: there is no file or folder {str(path)!r}; check the path")
    return name, path


@contextmanager
def reaching(spec: str) -> Generator[None]:
    """Turn what the file system refuses into a line: a folder closed to us, too long a name."""
    try:
        yield
    except OSError as error:
        if error.filename is None:  # of no file: not for the user to mend
            raise
        raise AlignkitError(
            f"{spec!r}: {str(error.filename)!r} cannot be reached: {error.strerror}; check the "
            "path and its permissions"
        ) from error

"""Packages that only some checkpoints need, and the extra of alignkit that brings them."""

from importlib.util import find_spec

from alignkit.errors import AlignkitError


def require(what: str, extra: str, *packages: str) -> None:
    """Raise unless `packages` can be imported; `what` needs them."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise AlignkitError(
            f"{what} needs {' and '.join(missing)}: python -m pip install 'alignkit[{extra}]'"
        )

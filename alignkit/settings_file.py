"""The file for options and rules: alignkit.toml, or [tool.alignkit] in pyproject.toml."""

import tomllib
from pathlib import Path
from typing import Any

from alignkit.errors import AlignkitError

_PROJECT = "pyproject.toml"
FILES = ("alignkit.toml", _PROJECT)  # the first that says anything holds, alone


def file_in_force() -> Path | None:
    """Find the settings file of the working folder; None where there is none."""
    found = (Path(name) for name in FILES if Path(name).exists())
    return next((path for path in found if read_settings(path)), None)


def read_settings(path: Path) -> dict[str, Any]:
    """Read a settings file; of a pyproject.toml, only what is alignkit's.

    Raises AlignkitError where it cannot be read, or is not TOML.
    """
    try:
        found: Any = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise AlignkitError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AlignkitError(f"{path} is not TOML: {error}; mend or remove it") from error
    for key in ("tool", "alignkit") if path.name == _PROJECT else ():
        found = found.get(key, {})
        if not isinstance(found, dict):
            raise AlignkitError(
                f"{path}: {key} is {found!r}; it must be a table, such as [tool.alignkit]"
            )
    return found


def full_key(path: Path, key: str) -> str:
    """Give a key as it is written in this file.

    Examples
    --------
    >>> full_key(Path("pyproject.toml"), "check.rules")
    'tool.alignkit.check.rules'
    """
    return f"tool.alignkit.{key}" if path.name == _PROJECT else key

"""Settings of a file, as click takes them: defaults of options, by command."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from alignkit.errors import AlignkitError
from alignkit.settings_file import full_key

# Tables that are no options; their command reads them itself.
TABLES = {("check", "rules"), ("check", "acknowledged")}


@dataclass(frozen=True)
class _Place:
    """Where in a file settings stand: at the top, or in the table of a command."""

    path: Path
    command: str = ""

    def __str__(self) -> str:
        table = f", [{full_key(self.path, self.command)}]" if self.command else ""
        return f"{self.path}{table}"

    def below(self, name: str) -> "_Place":
        """Give the table of a command in this one."""
        return _Place(self.path, f"{self.command}.{name}" if self.command else name)


def defaults_of(
    found: dict[str, Any], commands: Mapping[str, click.Command], path: Path
) -> dict[str, Any]:
    """Sort the settings in a file by command, as click's `default_map`.

    Raises AlignkitError, which names file and key, for what no option is called or can be.
    """
    shared = {key: value for key, value in found.items() if key not in commands}
    known = sorted({option for command in commands.values() for option in _every_option(command)})
    top = _Place(path)
    for key in shared:
        _check_key(key, known, top)
    return {
        name: _values(command, shared, _table(found, name, known, top), top.below(name))
        for name, command in commands.items()
    }


def _values(
    command: click.Command, shared: dict[str, Any], table: dict[str, Any], place: _Place
) -> dict[str, Any]:
    """Collect a command's settings, from its own table and the top, and its subcommands'."""
    options, below = _options(command), _subcommands(command)
    own = {key: value for key, value in table.items()
           if key not in below and (place.command, key) not in TABLES}  # fmt: skip
    for key in own:
        _check_key(key, sorted([*options, *below]), place)
    top = {key: value for key, value in shared.items() if key in options}
    places = dict.fromkeys(top, _Place(place.path)) | dict.fromkeys(own, place)
    return {
        **{str(options[key].name): _default(command, options[key], value, f"{places[key]}: {key}")
           for key, value in (top | own).items()},
        **{name: _values(sub, shared, _table(table, name, [*options], place), place.below(name))
           for name, sub in below.items()},
    }  # fmt: skip


def _table(
    found: dict[str, Any], command: str, options: list[str], place: _Place
) -> dict[str, Any]:
    value = found.get(command, {})
    if isinstance(value, dict):
        return value
    near = next((option for option in options if command.startswith(option)), None)
    hint = f"; did you mean {near!r}?" if near else ""
    raise AlignkitError(
        f"{place}: {command} is {value!r}, and as a command's name it must be a table, "
        f"[{full_key(place.path, place.below(command).command)}]{hint}"
    )


def _subcommands(command: click.Command) -> dict[str, click.Command]:
    return dict(command.commands) if isinstance(command, click.Group) else {}


def _every_option(command: click.Command) -> set[str]:
    return set(_options(command)).union(*map(_every_option, _subcommands(command).values()))


def _options(command: click.Command) -> dict[str, click.Option]:
    """Options of a command by the names that users write."""
    return {
        name.removeprefix("--"): option
        for option in command.params
        if isinstance(option, click.Option)
        for name in option.opts
        if name.startswith("--")
    }


def _check_key(key: str, known: list[str], place: _Place) -> None:
    if key in known:
        return
    near = get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
    raise AlignkitError(f"{place}: no option is called {key!r}; {hint}")


def _default(command: click.Command, option: click.Option, value: object, where: str) -> object:
    """Give a value as the command line would, and check that the option can have it.

    A list is several options where the option may be repeated, else joined by commas.
    """
    given = _given(option, value, where)
    try:
        option.process_value(click.Context(command), given)
    except click.UsageError as error:
        raise AlignkitError(f"{where} is {value!r}: {error.message}") from error
    return given


def _given(option: click.Option, value: object, where: str) -> object:
    if option.is_flag or option.count:
        if isinstance(value, bool) or (option.count and isinstance(value, int)):
            return value
        raise AlignkitError(f"{where} is {value!r}; it must be true or false")
    items = value if isinstance(value, list) else [value]
    for item in items:
        if isinstance(item, bool) or not isinstance(item, str | int | float):
            raise AlignkitError(f"{where} is {_told(item)}; write a text or a number, or a list")
    texts = [str(item) for item in items]
    return texts if option.multiple else ",".join(texts)


def _told(item: object) -> str:
    return "a table" if isinstance(item, dict) else str(item)

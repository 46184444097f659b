"""The group of commands, and the settings that a file may give."""

import importlib
import pkgutil
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from alignkit import __version__
from alignkit.errors import AlignkitError
from alignkit.settings_file import file_in_force, read_settings

# Tables that are no options; their command reads them itself.
TABLES = {("check", "rules"), ("check", "acknowledged")}


def command_names() -> list[str]:
    """Name every command: a file in this folder that does not begin with an underscore."""
    files = pkgutil.iter_modules([str(Path(__file__).parent)])
    return [file.name.replace("_", "-") for file in files if not file.name.startswith("_")]


def _command(name: str) -> click.Command:
    return importlib.import_module(f"alignkit.cli.{name.replace('-', '_')}").command


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for; a class as click wants it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name every command."""
        del ctx
        return command_names()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command from its file."""
        del ctx
        return _command(cmd_name) if cmd_name in command_names() else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Offer the nearest command when there is none of that name."""
        names = command_names()
        if args and not args[0].startswith("-") and args[0] not in names:
            near = get_close_matches(args[0], names, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(names)}."
            raise AlignkitError(f"no command is called {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Try: alignkit compare mini=path/to/model other=path/to/another --data sample",
)
@click.version_option(__version__, prog_name="alignkit")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Show whether embedding checkpoints align languages, and whether they are fair to them."""
    ctx.default_map = _settings_from_file()


def _settings_from_file() -> dict[str, Any]:
    """Read options from alignkit.toml, else from [tool.alignkit] in pyproject.toml.

    An option at the top holds for every command that has it, one in a table named after a command
    for that command only. Flags win over both.
    """
    path = file_in_force()
    return {} if path is None else _by_command(read_settings(path), str(path))


def _by_command(found: dict[str, Any], path: str) -> dict[str, Any]:
    commands = {name: _command(name) for name in command_names()}
    shared = {key: value for key, value in found.items() if key not in commands}
    known = sorted({option for command in commands.values() for option in _every_option(command)})
    for key in shared:
        _check_key(key, known, path)
    return {
        name: _values(command, shared, found.get(name, {}), path, name)
        for name, command in commands.items()
    }


def _values(
    command: click.Command, shared: dict[str, Any], table: dict[str, Any], path: str, name: str
) -> dict[str, Any]:
    """Collect a command's settings, from its own table and the top, and its subcommands'."""
    options, below = _options(command), _subcommands(command)
    own = {key: value for key, value in table.items() if key not in below}
    own = {key: value for key, value in own.items() if (name, key) not in TABLES}
    for key in own:
        _check_key(key, sorted([*options, *below]), f"{path}, [{name}]")
    values = {key: value for key, value in shared.items() if key in options} | own
    return {
        **{options[key].name: _as_option(options[key], value) for key, value in values.items()},
        **{one: _values(sub, shared, table.get(one, {}), path, f"{name}.{one}")
           for one, sub in below.items()},
    }  # fmt: skip


def _subcommands(command: click.Command) -> dict[str, click.Command]:
    return dict(command.commands) if isinstance(command, click.Group) else {}


def _every_option(command: click.Command) -> set[str]:
    return set(_options(command)).union(*map(_every_option, _subcommands(command).values()))


def _options(command: click.Command) -> dict[str, click.Parameter]:
    """Options of a command by the names that users write."""
    return {
        option.removeprefix("--"): parameter
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--")
    }


def _check_key(key: str, known: list[str], where: str) -> None:
    if key in known:
        return
    near = get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
    raise AlignkitError(f"{where}: no option is called {key!r}; {hint}")


def _as_option(option: click.Parameter, value: object) -> object:
    """Give a list as several options where the option may be repeated, else with commas."""
    if not isinstance(value, list):
        return value
    items = [str(item) for item in value]
    return items if option.multiple else ",".join(items)

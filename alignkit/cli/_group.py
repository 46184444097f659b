"""The group of commands, and the settings that a file may give."""

import importlib
import pkgutil
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click

from alignkit import __version__
from alignkit.cli._settings import defaults_of
from alignkit.errors import AlignkitError
from alignkit.settings_file import file_in_force, read_settings


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
    if path is None:
        return {}
    commands = {name: _command(name) for name in command_names()}
    return defaults_of(read_settings(path), commands, path)

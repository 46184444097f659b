"""The command line: thin commands, one a file; faults become one line and an exit code."""

import gc
import sys
import traceback
from collections.abc import Sequence

import click

from alignkit.cli._group import main
from alignkit.errors import AlignkitError

REPORT_FAULTS_TO = "the issue tracker of alignkit"


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 2 wrong input, 3 our fault, 130 interrupted."""
    sys.exit(_exit_code(arguments))


def _exit_code(arguments: Sequence[str] | None) -> int:
    gc.set_threshold(100_000)  # tables of texts hold no cycles to look for
    try:
        code = main.main(
            args=None if arguments is None else list(arguments),
            prog_name="alignkit",
            standalone_mode=False,
        )
    except AlignkitError as error:
        return _complain(str(error))
    except click.UsageError as error:
        help_of = error.ctx.command_path if error.ctx else "alignkit"
        return _complain(f"{error.format_message()} (see `{help_of} --help`)")
    except click.ClickException as error:
        return _complain(error.format_message())
    except (KeyboardInterrupt, click.Abort):
        sys.stderr.write(
            "alignkit: interrupted; what was embedded or trained so far is kept, "
            "the next run goes on from there\n"
        )
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has left: nothing more to say
        return 0
    except Exception:  # noqa: BLE001  the last place to tell a fault of ours from one of the user's
        traceback.print_exc()
        sys.stderr.write(
            f"alignkit: this is a fault of alignkit; please report it with the lines above to "
            f"{REPORT_FAULTS_TO}\n"
        )
        return 3
    return code if isinstance(code, int) else 0


def _complain(text: str) -> int:
    one_line = " ".join(text.split())
    sys.stderr.write(f"alignkit: {one_line}\n")
    return 2

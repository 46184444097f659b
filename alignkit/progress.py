"""Progress on stderr: a bar on a terminal, a line every 30 seconds elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable


@runtime_checkable  # beartype checks it while the tests run
class Advance(Protocol):
    """Tell the bar that `n` more are done."""

    def __call__(self, n: int = 1) -> None: ...


class Reporter:
    """Where words and progress go; a class because it holds how loud the user wants it.

    `verbosity` is -1 for errors only, 0 for the usual, 1 for more.
    """

    def __init__(self, verbosity: int = 0) -> None:
        self.verbosity = verbosity

    def say(self, text: str, *, level: int = 0) -> None:
        """Write a line to stderr unless the user asked for less."""
        if self.verbosity >= level:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    @contextmanager
    def bar(self, what: str, total: int) -> Iterator[Advance]:
        """Show the progress of `total` steps while the block runs."""
        if self.verbosity < 0:
            yield lambda n=1: None
        elif sys.stderr.isatty():
            with _terminal_bar(what, total) as advance:
                yield advance
        else:
            yield self._lines(what, total)

    def _lines(self, what: str, total: int) -> Advance:
        done, last = 0, time.monotonic()

        def advance(n: int = 1) -> None:
            nonlocal done, last
            done += n
            if time.monotonic() - last > 30:
                last = time.monotonic()
                self.say(f"{what}: {done:,} of {total:,}")

        return advance


@contextmanager
def _terminal_bar(what: str, total: int) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda n=1: progress.update(task, advance=n)


SILENT = Reporter(-1)

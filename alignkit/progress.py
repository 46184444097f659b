"""Progress on stderr: a bar on a terminal, a line every 30 seconds elsewhere."""

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable


@runtime_checkable  # beartype checks it while the tests run
class Advance(Protocol):
    """Tell the bar that `n` more are done."""

    def __call__(self, n: int = 1, note: str = "") -> None:
        """Move on by `n`; `note` says how it goes."""


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
    def bar(self, what: str, total: int) -> Generator[Advance]:
        """Show the progress of `total` steps while the block runs."""
        if self.verbosity < 0:
            yield _nothing
        elif sys.stderr.isatty():
            with _terminal_bar(what, total) as advance:
                yield advance
        else:
            yield self._lines(what, total)

    def _lines(self, what: str, total: int) -> Advance:
        began = last = time.monotonic()
        done = 0

        def advance(n: int = 1, note: str = "") -> None:
            nonlocal done, last
            done += n
            now = time.monotonic()
            if now - last > 30:
                last = now
                left = (now - began) / done * (total - done)
                self.say(
                    ", ".join(
                        [
                            f"{what}: {done:,} of {total:,}",
                            *([note] if note else []),
                            f"{left:,.0f} s left",
                        ]
                    )
                )

        return advance


def _nothing(n: int = 1, note: str = "") -> None:
    del n, note


@contextmanager
def _terminal_bar(what: str, total: int) -> Generator[Advance]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn(), TextColumn("{task.fields[note]}"))  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total, note="")
        yield lambda n=1, note="": progress.update(task, advance=n, note=note)


SILENT = Reporter(-1)

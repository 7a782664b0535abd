"""Progress of long work: a bar on a terminal, plain lines elsewhere, always on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from clients.cli import output

# Plain lines must not flood a log: one for each tenth of the work.
LINES: Final = 10


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Give a function that is told how much more was done of the total."""
    if not sys.stderr.isatty():
        yield _lines(what, total)
        output.note(f"{what}: done")
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=output.console(errors=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda more: progress.advance(task, more)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show that something runs whose length nobody knows."""
    if not sys.stderr.isatty():
        output.note(f"{what} …")
        yield
        return
    with output.console(errors=True).status(f"{what} …"):
        yield


def _lines(what: str, total: int) -> Callable[[int], None]:
    done = told = 0

    def count(more: int) -> None:
        nonlocal done, told
        done += more
        tenth = LINES * done // max(total, 1)
        if tenth > told:
            told = tenth
            output.note(f"{what}: {100 * done // max(total, 1)} %")

    return count

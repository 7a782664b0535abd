"""How far a file is: a bar on a terminal with orders a second, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from clients.cli import output
from clients.files.importing import Told


class _Speed(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="dim")


@contextmanager
def progress(size: int) -> Iterator[Told]:
    """Give whom an import tells how far it is: first bytes that were read, then orders sent."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Speed(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=output.console(errors=True), transient=True) as bars:
        reading = bars.add_task("reading", total=size)
        sending = bars.add_task("sending", total=None, visible=False)

        def read(orders: int) -> None:
            bars.update(reading, completed=size, visible=False)
            bars.update(sending, total=orders, visible=True)

        yield Told(
            on_bytes=lambda more: bars.advance(reading, more),
            on_read=read,
            on_orders=lambda more: bars.advance(sending, more),
        )


def _lines() -> Told:
    sent = told = whole = 0

    def read(orders: int) -> None:
        nonlocal whole
        whole = orders
        output.note(f"{orders:,} orders to send")

    def count(more: int) -> None:
        nonlocal sent, told
        sent += more
        tenth = 10 * sent // max(whole, 1)
        if tenth > told:
            told = tenth
            output.note(f"sent: {sent:,} of {whole:,}")

    return Told(on_read=read, on_orders=count)

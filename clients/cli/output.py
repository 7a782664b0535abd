"""How answers are printed: proto JSON for programs, tables and words for people.

Colour goes with the terminal: none with NO_COLOR, into a pipe or a file. Errors and progress go to
standard error, so that standard output is the answer and nothing else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final

import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

# A pipe has no width; cutting a table to 80 columns there would lose data.
PIPE_COLUMNS: Final = 220

Cell = str | Text


def console(*, errors: bool = False) -> Console:
    """Return a console on standard output, or on standard error."""
    stream = sys.stderr if errors else sys.stdout
    width = None if stream.isatty() else PIPE_COLUMNS
    return Console(file=stream, width=width, soft_wrap=False, highlight=False, emoji=False)


def as_dict(message: Message) -> dict[str, Any]:
    """Return proto JSON with every field, so that a program need not ask whether one is there."""
    return MessageToDict(message, always_print_fields_with_no_presence=True)


def print_json(value: Message | dict[str, Any], *, in_line: bool = False) -> None:
    """Print a message or an object as JSON; in one line for streams."""
    shown = as_dict(value) if isinstance(value, Message) else value
    typer.echo(json.dumps(shown, ensure_ascii=False, indent=None if in_line else 2))


def print_all(parts: Iterable[RenderableType], *, errors: bool = False) -> None:
    """Print parts one below the other."""
    out = console(errors=errors)
    if out.is_terminal:
        for part in parts:
            out.print(part)
        return
    with out.capture() as captured:
        for part in parts:
            out.print(part)
    # Rich fills columns up to their width; in a file that is noise.
    for line in captured.get().splitlines():
        typer.echo(line.rstrip(), err=errors)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, right: Iterable[int] = ()
) -> Table:
    """Return a table; columns whose numbers are in `right` are aligned for reading numbers."""
    made = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    numbers = frozenset(right)
    for index, name in enumerate(columns):
        made.add_column(name, justify="right" if index in numbers else "left", overflow="fold")
    for row in rows:
        # As text: what people wrote may look like markup.
        made.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    return made


def pairs(rows: Iterable[tuple[str, Cell]]) -> Table:
    """Return names and values, without those that are empty."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in rows:
        if value:
            made.add_row(name, Text(value) if isinstance(value, str) else value)
    return made


def note(text: str) -> None:
    """Tell a person something beside the answer."""
    console(errors=True).print(Text(text))

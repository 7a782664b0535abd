"""Files, their rows and what is expected, as people read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import typer
from rich.console import RenderableType

from clients.cli import formats, output
from clients.files.fixing import fields_of
from concord.imports.v1 import import_service_pb2 as api

# Enough to see which row it is.
SHOWN = 6


def short(found: api.Import) -> str:
    """Return an import's id."""
    return found.name.removeprefix("imports/")


def details(found: api.Import, time: Callable[[Any], str]) -> Iterator[RenderableType]:
    """Show one import."""
    counts = found.counts
    yield output.pairs(
        [
            ("import", short(found)),
            ("state", _state(found)),
            (
                "file",
                f"{found.file_name} ({found.size_bytes:,} bytes, came {found.arrivals} times)",
            ),
            ("for", " ".join((found.channel, found.shop, found.day)).strip()),
            ("template", found.template),
            (
                "read as",
                " ".join((found.encoding, repr(found.delimiter) if found.delimiter else "")),
            ),
            ("rows", f"{counts.rows:,} of {counts.orders:,} orders; {counts.passed} passed over"),
            ("receipts", f"{counts.stored:,} stored, {counts.repeated:,} known before"),
            ("kept", f"{counts.open} open, {counts.fixed} fixed, {counts.dropped} dropped"),
            ("to look at", f"{counts.noted} discounts above 80 %" if counts.noted else ""),
            ("notes", ", ".join(found.notes)),
            ("problem", found.problem),
            ("begun", time(found.begin_time)),
            ("ended", time(found.end_time) if found.HasField("end_time") else ""),
        ]
    )


def import_table(found: Sequence[api.Import]) -> RenderableType:
    """Show imports, a line each."""
    heads = ("Import", "State", "Channel", "Shop", "Day", "Rows", "Orders", "Wrong", "File")
    rows = (
        (
            short(each),
            _state(each),
            each.channel,
            each.shop,
            each.day,
            f"{each.counts.rows:,}",
            f"{each.counts.orders:,}",
            str(each.counts.open or ""),
            each.file_name,
        )
        for each in found
    )
    return output.table(heads, rows, right=(5, 6, 7))


def row_table(whole: api.Import, found: Sequence[api.ImportRow]) -> RenderableType:
    """Show kept rows, a line each, with the beginning of what they say."""
    heads = ("Row", "Reason", "Column", "Order", "State", ", ".join(whole.columns[:SHOWN]))
    rows = (
        (
            str(each.number),
            api.ImportRow.Reason.Name(each.reason).removeprefix("REASON_"),
            each.column,
            each.order_number,
            api.ImportRow.State.Name(each.state).removeprefix("STATE_"),
            ", ".join(text.strip() for text in fields_of(each)[:SHOWN]),
        )
        for each in found
    )
    return output.table(heads, rows, right=(0,))


def expected_table(found: Sequence[api.ExpectedFile]) -> RenderableType:
    """Show expected files, a line each."""
    heads = ("Feed", "Day", "State", "Due", "Import")
    rows = (
        (
            each.feed.removeprefix("feeds/"),
            each.day,
            api.ExpectedFile.State.Name(each.state).removeprefix("STATE_"),
            formats.time(each.due_time),
            each.brought_by.removeprefix("imports/"),
        )
        for each in found
    )
    return output.table(heads, rows)


def row_state(text: str) -> api.ImportRow.State.ValueType:
    """Return the state of a row by its name; all where it is empty."""
    try:
        return api.ImportRow.State.Value(f"STATE_{text.upper() or 'UNSPECIFIED'}")
    except ValueError:
        raise typer.BadParameter(f"{text!r} is none of OPEN, NOTED, FIXED, DROPPED") from None


def _state(found: api.Import) -> str:
    return api.Import.State.Name(found.state).removeprefix("STATE_")

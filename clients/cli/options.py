"""Options that several commands share, and what their texts mean."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

import typer


class Language(StrEnum):
    """Which language names are shown in."""

    ZH = "zh"
    EN = "en"


AsJson = Annotated[bool, typer.Option("--json", help="Print proto JSON instead of a table.")]
In = Annotated[
    Language | None,
    typer.Option("--lang", help="Names in one language; both without.", envvar="CONCORD_LANG"),
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many rows.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; goes into the journal.")]
Etag = Annotated[str, typer.Option("--etag", help="Only if nothing happened since.")]
RequestId = Annotated[
    str, typer.Option("--request-id", help="A UUID; asked again, nothing is done twice.")
]
OrderName = Annotated[
    str, typer.Argument(metavar="ORDER", help="`ord-…`, or a reference such as `douyin:4705…`.")
]

UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


def span_of(text: str) -> timedelta:
    """Return `90s`, `15m`, `2h` or `1d` as a duration.

    Raises:
        typer.BadParameter: it is none of these.
    """
    match = SPAN.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a duration such as 90s, 15m, 2h or 1d")
    return timedelta(seconds=float(match[1]) * UNITS[match[2]])


def time_of(text: str, now: datetime) -> datetime:
    """Return a point in time: so long ago (`2h`), or ISO 8601 with an offset.

    Raises:
        typer.BadParameter: it is neither; a time without an offset is refused, not guessed.
    """
    if SPAN.fullmatch(text.strip()):
        return now - span_of(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither a duration such as 2h nor a time such as "
            "2026-11-22T08:00:00+08:00"
        ) from None
    if at.tzinfo is None:
        raise typer.BadParameter(f"{text!r} has no offset: write {text}+08:00, or {text}Z")
    return at.astimezone(UTC)

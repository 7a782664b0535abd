"""How times, durations, money and shares are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from clients.sdk.money import amount

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


def time(at: Timestamp) -> str:
    """Return the time in the reader's zone, with the offset; empty where there is none."""
    if not at.seconds and not at.nanos:
        return ""
    return f"{moment(at).astimezone():%Y-%m-%d %H:%M:%S%z}"


def moment(at: Timestamp) -> datetime:
    """Return the time as Python has it."""
    return at.ToDatetime(tzinfo=UTC)


def seconds(of: Duration) -> str:
    """Return a stage's time as the board writes it: one decimal."""
    return f"{of.ToTimedelta().total_seconds():,.1f} s"


def rough(span: timedelta) -> str:
    """Return a duration in its two largest units."""
    total = int(span.total_seconds())
    sign, total = ("-", -total) if total < 0 else ("", total)
    if total < MINUTE:
        return f"{sign}{total} s"
    if total < HOUR:
        return f"{sign}{total // MINUTE} min {total % MINUTE} s"
    if total < DAY:
        return f"{sign}{total // HOUR} h {total % HOUR // MINUTE} min"
    return f"{sign}{total // DAY} d {total % DAY // HOUR} h"


def until(due: Timestamp, now: datetime) -> str:
    """Return how long it takes to the time, or for how long it has passed."""
    left = moment(due) - now
    return f"in {rough(left)}" if left >= timedelta() else f"{rough(-left)} overdue"


def money(of: Money) -> str:
    """Return money with its currency, thousands grouped; empty where there is none."""
    if not of.currency_code and not of.units and not of.nanos:
        return ""
    value = amount(of)
    digits = max(2, -int(value.normalize().as_tuple().exponent))
    return f"{of.currency_code} {value:,.{digits}f}"


def share(of: float) -> str:
    """Return a share as the board writes it."""
    return f"{of * 100:.1f} %"

"""What every rival counts: the stages' windows as plain lists, with nothing of ours around them."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

from concord.orders.v1.order_event_pb2 import OrderEvent

RESOLUTIONS_S: Final = (60, 900, 3600, 86_400)
# As long as our windows count as growing.
GRACE_S: Final = 30
_GAMMA_LOG: Final = math.log(1.02)


class Measured(NamedTuple):
    """One stage that ended."""

    stage: str
    end_us: int
    duration_us: int
    cause: str


def measured(value: bytes) -> Measured | None:
    """Read a record; None where it ends no stage. These events end one at most."""
    event = OrderEvent.FromString(value)
    if not event.measures:
        return None
    measure = event.measures[0]
    current = measure.current
    return Measured(
        f"{measure.from_state}:{measure.to_state}|{current.channel}",
        current.end_time.seconds * 1_000_000 + current.end_time.nanos // 1000,
        current.duration.seconds * 1_000_000 + current.duration.nanos // 1000,
        current.cause,
    )


def bucket(duration_us: int) -> int:
    """Return the bucket of a histogram that is true within one per cent."""
    return math.ceil(math.log(duration_us / 1000) / _GAMMA_LOG) if duration_us > 1000 else -1


def nothing() -> list[Any]:
    """Return the numbers of an empty window: count, sum, abnormal, causes, buckets."""
    return [0, 0, 0, {}, {}]


def add(numbers: list[Any], duration_us: int, cause: str, place: Any) -> list[Any]:  # noqa: ANN401
    """Count one; `place` is its bucket, as a text where the numbers are kept as JSON."""
    numbers[0] += 1
    numbers[1] += duration_us
    if cause:
        numbers[2] += 1
        causes = numbers[3]
        causes[cause] = causes.get(cause, 0) + 1
    buckets = numbers[4]
    buckets[place] = buckets.get(place, 0) + 1
    return numbers

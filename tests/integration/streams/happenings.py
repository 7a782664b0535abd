"""Orders' events by the thousand, and what the stage windows must be, computed the plain way."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from concord.insights.v1.stage_pb2 import StageWindow
from concord.orders.v1.order_event_pb2 import Moved, OrderEvent, StageMeasure

CHANNELS = ("douyin", "jd", "pdd")
RESOLUTIONS_S = (60, 900, 3600, 86_400)
Key = tuple[int, int, int, int, str]


@dataclass
class Expected:
    """Count, sum and abnormal ones of each window."""

    windows: dict[Key, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0]))

    def add(self, event: OrderEvent) -> None:
        for measure in event.measures:
            for name, times in (("previous", -1), ("current", 1)):
                if measure.HasField(name):
                    value = getattr(measure, name)
                    for length in RESOLUTIONS_S:
                        start = value.end_time.seconds // length * length
                        at = (length, start, measure.from_state, measure.to_state, event.channel)
                        window = self.windows[at]
                        window[0] += times
                        window[1] += times * micros(value.duration)
                        window[2] += times * bool(value.cause)

    def rows(self) -> dict[Key, tuple[int, int, int]]:
        return {key: (a, b, c) for key, (a, b, c) in self.windows.items() if (a, b, c) != (0, 0, 0)}


def micros(duration: object) -> int:
    return duration.seconds * 1_000_000 + duration.nanos // 1000  # type: ignore[attr-defined]


def rows_of(windows: Iterator[StageWindow] | list[StageWindow]) -> dict[Key, tuple[int, int, int]]:
    """Return the newest revision of each window, in the expectation's shape."""
    newest: dict[Key, StageWindow] = {}
    for each in windows:
        length, start = each.resolution.seconds, each.start_time.seconds
        key = (length, start, each.from_state, each.to_state, each.channel)
        if key not in newest or each.revision > newest[key].revision:
            newest[key] = each
    return {
        key: (each.numbers.count, each.numbers.sum_us, each.numbers.abnormal)
        for key, each in newest.items()
        if each.numbers.count
    }


def events(seed: int, orders: int, *, start_s: int, span_s: int) -> Iterator[OrderEvent]:
    """Make orders with six moves each, some with a measure that is corrected later."""
    dice = random.Random(seed)  # noqa: S311  # Test data.
    open_orders: list[tuple[str, str, int, list[StageMeasure]]] = []
    made = 0
    while made < orders or open_orders:
        if made < orders and (len(open_orders) < 50 or dice.random() < 0.3):
            channel = dice.choice(CHANNELS)
            open_orders.append((f"orders/o-{seed}-{made}", channel, 0, []))
            made += 1
        place = dice.randrange(len(open_orders))
        order, channel, sequence, said = open_orders[place]
        sequence += 1
        event = OrderEvent(
            event_id=f"{order}:{sequence}", order=order, sequence=sequence, channel=channel
        )
        event.event_time.seconds = start_s + dice.randrange(span_s)
        event.moved.CopyFrom(Moved())
        event.measures.append(_measure(dice, event, sequence, said))
        open_orders[place] = (order, channel, sequence, said)
        if sequence >= 6:
            open_orders.pop(place)
        yield event


def _measure(
    dice: random.Random, event: OrderEvent, sequence: int, said: list[StageMeasure]
) -> StageMeasure:
    if said and dice.random() < 0.2:
        before = said.pop(dice.randrange(len(said)))
        measure = StageMeasure(from_state=before.from_state, to_state=before.to_state)
        measure.previous.CopyFrom(before.current)
        if dice.random() < 0.5:
            return measure
    else:
        measure = StageMeasure(
            from_state=sequence,  # type: ignore[arg-type]  # The numbers of the states.
            to_state=sequence + 1,  # type: ignore[arg-type]
        )
    measure.current.duration.nanos = dice.randrange(1, 999_000) * 1000
    measure.current.duration.seconds = dice.randrange(600)
    measure.current.end_time.seconds = event.event_time.seconds
    measure.current.cause = dice.choice(("", "", "", "CALLBACK_FAILED", "MANUAL_PICKING"))
    said.append(measure)
    return measure

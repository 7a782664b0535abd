"""Orders' events as the relay publishes them, made beforehand: the same ones for everybody.

A shop takes orders at a steady rate; each order has one event for its arrival and six for its
moves, and each move ends a stage. The log has them in the order in which they happened, a fifth
of a second later, with a heartbeat in each partition once a second.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from concord.orders.v1.order_event_pb2 import Heartbeat, Moved, OrderEvent, Placed, StageMeasure

SEED: Final = 7
# The steady rate that acceptance speaks of is as many receipts; each makes about one event.
EVENTS_A_SECOND: Final = 500
MOVES: Final = 6
CHANNELS: Final = ("douyin", "jd", "pdd")
CAUSES: Final = ("CALLBACK_FAILED", "NETWORK_JITTER", "MANUAL_PICKING", "OVERDUE")
ACTIONS: Final = ("START_PAYMENT", "CONFIRM_PAYMENT", "ALLOCATE", "SHIP", "DELIVER", "COMPLETE")
# What a shop's traces are by default: one of ten is kept.
SAMPLED: Final = 0.1
LOGGED_AFTER_MS: Final = 200
_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Happening:
    """One event, or one heartbeat: what its record says, and when the log got it."""

    order: str | None
    sequence: int
    value: bytes
    logged_ms: int
    traceparent: str = ""
    # Which stage ended, on which channel; empty where none did.
    stage: str = ""
    partition: int | None = None


def happenings(count: int, *, end_s: int, partitions: int) -> Iterator[Happening]:
    """Return so many events up to `end_s`, and the heartbeats between them."""
    dice = random.Random(SEED)  # noqa: S311  # Test data.
    at_us = (end_s - count // EVENTS_A_SECOND - 1) * _US
    beat_us = at_us
    # By when the next event of an order is due: (time, number of the order, event in the order).
    due: list[tuple[int, int, int, int]] = []
    orders = 0
    for _ in range(count):
        at_us += _US // EVENTS_A_SECOND
        while beat_us < at_us:
            yield from _beats(beat_us, partitions)
            beat_us += _US
        if due and (due[0][0] <= at_us or orders * (MOVES + 1) >= count):
            _, number, sequence, before_us = heapq.heappop(due)
        else:
            number, sequence, before_us = orders, 1, at_us
            orders += 1
        yield _event(dice, number, sequence, at_us, before_us)
        if sequence <= MOVES:
            next_us = at_us + int(dice.lognormvariate(1.5, 1.2) * _US)
            heapq.heappush(due, (next_us, number, sequence + 1, at_us))
    yield from _beats(at_us, partitions)


def _event(
    dice: random.Random, number: int, sequence: int, at_us: int, before_us: int
) -> Happening:
    # Spread as ids are, by Knuth's multiplier.
    name = f"{number * 2654435761 % 2**32:08x}-4b1d-7c3e-9f20-{number:012x}"
    channel = CHANNELS[number % len(CHANNELS)]
    event = OrderEvent(
        event_id=f"{name}:{sequence}",
        order=f"orders/{name}",
        sequence=sequence,
        event_time=_time(at_us),
        record_time=_time(at_us + 100_000),
        channel=channel,
        source=channel,
        voucher=f"{dice.getrandbits(60):019d}",
    )
    stage = ""
    if sequence == 1:
        placed = Placed(customer=f"{dice.getrandbits(128):032x}")
        placed.total.currency_code, placed.total.units = "CNY", dice.randrange(1, 500)
        event.placed.CopyFrom(placed)
    else:
        state = sequence - 1
        action = ACTIONS[state - 1]
        event.moved.CopyFrom(Moved(from_state=state, to_state=state + 1, action=action))  # type: ignore[arg-type]  # The numbers of the states.
        event.measures.append(_measure(dice, state, at_us, before_us, channel))
        stage = f"{state}:{state + 1}|{channel}"
    traceparent = (
        f"00-{dice.getrandbits(128):032x}-{dice.getrandbits(64):016x}"
        f"-{int(dice.random() < SAMPLED):02x}"
    )
    logged_ms = at_us // 1000 + LOGGED_AFTER_MS
    return Happening(name, sequence, event.SerializeToString(), logged_ms, traceparent, stage)


def _measure(
    dice: random.Random, state: int, at_us: int, before_us: int, channel: str
) -> StageMeasure:
    cause = dice.choice(CAUSES) if dice.random() < 0.05 else ""
    spent_us = at_us - before_us
    value = StageMeasure.Value(
        duration=Duration(seconds=spent_us // _US, nanos=spent_us % _US * 1000),
        end_time=_time(at_us),
        cause=cause,
        channel=channel,
    )
    return StageMeasure(from_state=state, to_state=state + 1, current=value)  # type: ignore[arg-type]  # The numbers of the states.


def _beats(at_us: int, partitions: int) -> Iterator[Happening]:
    value = OrderEvent(event_time=_time(at_us), heartbeat=Heartbeat()).SerializeToString()
    for partition in range(partitions):
        yield Happening(None, 0, value, at_us // 1000 + LOGGED_AFTER_MS, partition=partition)


def _time(at_us: int) -> Timestamp:
    return Timestamp(seconds=at_us // _US, nanos=at_us % _US * 1000)

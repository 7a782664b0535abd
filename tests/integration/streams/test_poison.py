"""Records that no agent can take, of every kind that we could think of, on every topic.

All of them go to one worker, among good ones. Each must be set aside with its reason, the offsets
must move past it, the others must be counted, and the worker must be the same one at the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from google.protobuf.message import Message

from concord.insights.v1.flag_pb2 import Flag
from concord.insights.v1.partial_pb2 import ChannelPartial, DeadLetter, StagePartial
from concord.intake.v1.receipt_pb2 import Receipt, ReceiptEvent, ReceiptWeighed
from concord.orders.v1.order_event_pb2 import CustomerEvent, Moved, OrderEvent, Placed, StageMeasure
from streams.topics import READ
from tests.integration.streams.happenings import Expected, events, rows_of
from tests.integration.streams.world import World, eventually, has_all_markers, in_redis, world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

START_S = 1_790_000_000
ORDER = "orders/poison"
FAR_S = 1 << 60


@dataclass(frozen=True)
class Poison:
    """A record, and which agents set it aside for which reason."""

    kind: type[Message]
    value: bytes | None
    told: dict[str, str]
    key: str | None = ORDER
    headers: dict[str, str] = field(default_factory=dict)


def order_event(**given: object) -> OrderEvent:
    event = OrderEvent(order=ORDER, sequence=1, channel="jd", event_id=f"{ORDER}:1", moved=Moved())
    event.event_time.seconds = START_S
    for name, value in given.items():
        setattr(event, name, value)
    return event


def measured(*, ends_s: int = START_S, takes_s: int = 1) -> OrderEvent:
    event = order_event()
    measure = StageMeasure(from_state=2, to_state=3)  # type: ignore[arg-type]  # Their numbers.
    measure.current.duration.seconds = takes_s
    measure.current.end_time.seconds = ends_s
    event.measures.append(measure)
    return event


def at(seconds: int, nanos: int = 0) -> OrderEvent:
    event = order_event()
    event.event_time.seconds, event.event_time.nanos = seconds, nanos
    return event


def stages(value: bytes | Message | None, reason: str, **given: object) -> Poison:
    raw = value.SerializeToString() if isinstance(value, Message) else value
    return Poison(OrderEvent, raw, {"stages": reason}, **given)  # type: ignore[arg-type]


def of_customer(reason: str, *, customer: str = "c-poison", **total: int) -> Poison:
    event = CustomerEvent(event_id="e", customer=customer, sequence=1, order=ORDER, placed=Placed())
    event.placed.total.currency_code = "CNY"
    for name, value in total.items():
        setattr(event.placed.total, name, value)
    return Poison(CustomerEvent, event.SerializeToString(), {"risk": reason}, "c-poison")


def of_receipt(value: bytes, reason: str) -> Poison:
    return Poison(ReceiptEvent, value, {"intake": reason, "channel-repeats": reason})


def of_stage(*, resolution_s: int = 60, count: int = 1) -> StagePartial:
    partial = StagePartial()
    partial.window.resolution.seconds = resolution_s
    partial.window.numbers.count = count
    return partial


def of_minute(start_s: int) -> ChannelPartial:
    partial = ChannelPartial(origin="x")
    partial.minute.start_time.seconds = start_s
    return partial


def late_outcome() -> bytes:
    weighed = ReceiptWeighed(receipt="receipts/1", channel="jd")
    weighed.receive_time.seconds = FAR_S
    return weighed.SerializeToString()


def another_order() -> bytes:
    """Return an event of an order that is counted, too."""
    return next(events(1, 1, start_s=START_S, span_s=900)).SerializeToString()


WHOLE = measured().SerializeToString()
WINDOWS = {"stage-windows": "WINDOW_UNKNOWN"}
MINUTES = {"channel-minutes": "WINDOW_UNKNOWN"}
POISON = {
    "no bytes": stages(b"", "EMPTY"),
    "no value": stages(None, "EMPTY"),
    "not protobuf": stages(b"\xff\xfe\xfd", "UNDECODABLE"),
    "json": stages(b'{"order": "orders/1"}', "UNDECODABLE"),
    "cut short": stages(WHOLE[:-3], "UNDECODABLE"),
    "text that is not UTF-8": stages(b"\x12\x02\xc3\x28", "UNDECODABLE"),
    "groups within groups": stages(b"\xf3\x06" * 5_000, "UNDECODABLE"),
    "huge": stages(b"\xff" * 990_000, "UNDECODABLE"),
    "another message": stages(
        Receipt(name="receipts/1"), "TYPE_UNKNOWN", headers={"ce_type": "concord.intake.v1.Receipt"}
    ),
    "another message, and nobody says so": stages(Receipt(source="x"), "NUMBER_MISSING"),
    "a later version of the contract": stages(
        WHOLE, "TYPE_UNKNOWN", headers={"ce_type": "concord.orders.v2.OrderEvent"}
    ),
    "a life that never began": stages(
        WHOLE, "LIFE_UNDECLARED", headers={"concord-epoch": "4000000000"}
    ),
    "no order": stages(order_event(order=""), "NUMBER_MISSING"),
    "no number": stages(order_event(sequence=0), "NUMBER_MISSING"),
    "a number below zero": stages(order_event(sequence=-5), "NUMBER_MISSING"),
    "the key of another order": stages(another_order(), "KEY_WRONG"),
    "no key": stages(another_order(), "KEY_WRONG", key=None),
    "a time after the last year": stages(at(FAR_S), "TIME_OUT_OF_RANGE"),
    "a time before the first year": stages(at(-FAR_S), "TIME_OUT_OF_RANGE"),
    "a stage that ends after the last year": stages(measured(ends_s=FAR_S), "TIME_OUT_OF_RANGE"),
    "a stage longer than time": stages(measured(takes_s=FAR_S), "DURATION_OUT_OF_RANGE"),
    "a stage longer than time, backwards": stages(
        measured(takes_s=-FAR_S), "DURATION_OUT_OF_RANGE"
    ),
    "money below zero": of_customer("AMOUNT_OUT_OF_RANGE", units=-5),
    "more than a whole in the fraction": of_customer("AMOUNT_OUT_OF_RANGE", nanos=2_000_000_000),
    "a fraction below zero": of_customer("AMOUNT_OUT_OF_RANGE", units=5, nanos=-1),
    "nobody's purchase": of_customer("NUMBER_MISSING", customer="", units=5),
    "a customer who did nothing": Poison(
        CustomerEvent,
        CustomerEvent(customer="c-poison", sequence=1).SerializeToString(),
        {"risk": "PAYLOAD_MISSING"},
        "c-poison",
    ),
    "the key of another customer": Poison(
        CustomerEvent, of_customer("", units=5).value, {"risk": "KEY_WRONG"}, "c-other"
    ),
    "a receipt of a kind of tomorrow": of_receipt(b"\xa2\x06\x00", "PAYLOAD_MISSING"),
    "a repeat of no receipt": of_receipt(b"\x12\x00", "NAME_MISSING"),
    "a receipt without a name": of_receipt(
        ReceiptEvent(received=Receipt(source="x")).SerializeToString(), "NAME_MISSING"
    ),
    "an outcome of no receipt": Poison(
        ReceiptWeighed, b"\x12\x00", {"channel-outcomes": "NAME_MISSING"}
    ),
    "an outcome after the last year": Poison(
        ReceiptWeighed, late_outcome(), {"channel-outcomes": "TIME_OUT_OF_RANGE"}
    ),
    "a window of no size": Poison(
        StagePartial, of_stage(resolution_s=0).SerializeToString(), WINDOWS
    ),
    "a window of seven seconds": Poison(
        StagePartial, of_stage(resolution_s=7).SerializeToString(), WINDOWS
    ),
    "a count beyond all numbers": Poison(
        StagePartial,
        of_stage(count=2**63 - 1).SerializeToString(),
        {"stage-windows": "NUMBER_OUT_OF_RANGE"},
    ),
    "a minute that is none": Poison(ChannelPartial, of_minute(7).SerializeToString(), MINUTES),
    "a flag without a name": Poison(Flag, b"\x12\x00", {"flag-actions": "NAME_MISSING"}),
}
# What looks odd and is none: it must be counted like any other.
ODD_HEADERS: list[dict[str, str]] = [
    {},
    {"traceparent": "no trace at all"},
    {"concord-epoch": "9" * 5_000},
    {"concord-epoch": "soon"},
]


Letters = dict[str, list[DeadLetter]]


@pytest.fixture(scope="module")
def letters() -> Iterator[Letters]:
    """Give all poison and good events to a worker; return what was set aside, by kind."""
    with world() as around:
        worker = around.start_worker()
        expected = Expected()
        with around.heartbeats():
            publish(around, expected)
            eventually(
                lambda: has_all_markers(around) and rows_of(in_redis(around)) == expected.rows(),
                90,
                "the view counts every event that is good",
                [worker],
            )
            # The process of the beginning is still there: nothing was so bad as to end it.
            ends = {place: end for place, end in around.ends(*READ).items() if end}
            eventually(lambda: around.has_committed(ends), 60, "offsets move on", [worker])
        assert worker.stop() == 0
        yield set_aside(around)


def publish(around: World, expected: Expected) -> None:
    """Publish poison and what is good by turns, until both are all there."""
    epoch = {"concord-epoch": str(around.epoch)}
    poison, odd = iter(POISON.items()), iter(ODD_HEADERS)
    for event in events(1, 40, start_s=START_S, span_s=900):
        name, each = next(poison, ("", None))
        if each is not None:
            headers = {**epoch, "traceparent": trace_of(name), **each.headers}
            around.publish_bytes(each.kind, each.value, each.key, headers)  # type: ignore[arg-type]
        expected.add(event)
        headers = next(odd, epoch)
        around.publish_bytes(OrderEvent, event.SerializeToString(), event.order, headers)
    around.producer.flush(10)
    assert next(poison, None) is None


def trace_of(name: str) -> str:
    """Return the trace by which a dead letter is known to be of this poison."""
    number = list(POISON).index(name) + 1
    return f"00-{number:032x}-{'b' * 16}-01"


def set_aside(around: World) -> Letters:
    found: Letters = defaultdict(list)
    names = {trace_of(name): name for name in POISON}
    for letter, headers in around.read_all(DeadLetter):
        (trace,) = headers["traceparent"]
        found[names[trace]].append(letter)
    return found


@pytest.mark.parametrize("name", POISON)
def test_poison_is_set_aside_with_its_reason_as_it_came(name: str, letters: Letters) -> None:
    poison = POISON[name]

    assert {each.agent: each.reason for each in letters[name]} == poison.told
    assert len(letters[name]) == len(poison.told)
    for each in letters[name]:
        assert each.value == (poison.value or b"")
        assert each.key == (poison.key or "").encode()


def test_nothing_else_is_set_aside_and_there_are_thirty_kinds(letters: Letters) -> None:
    assert letters.keys() == POISON.keys()
    assert len(POISON) >= 30

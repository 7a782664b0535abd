"""Bytes of records to what the engines take; anything that does not fit raises `PoisonError`."""

from __future__ import annotations

from typing import Final, NoReturn, TypeVar

from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from concord.customers.v1.profile_change_pb2 import ProfileChange as ProfileMessage
from concord.insights.v1.flag_pb2 import Flag
from concord.insights.v1.partial_pb2 import ChannelPartial, StagePartial
from concord.insights.v1.stage_pb2 import StageNumbers as StageNumbersMessage
from concord.intake.v1 import fact_pb2
from concord.intake.v1.receipt_pb2 import Receipt, ReceiptEvent, ReceiptWeighed
from concord.orders.v1.order_event_pb2 import CustomerEvent, OrderEvent, StageMeasure
from streams.logic.channels import ChannelKey, Repeated, Weighed
from streams.logic.merging import Told
from streams.logic.numbers import ChannelNumbers, StageNumbers
from streams.logic.parts import Part
from streams.logic.profiles import Bought, Cause, ProfileChange
from streams.logic.risk import CustomerAct
from streams.logic.sketch import Sketch
from streams.logic.stages import Beat, Change, Measure, StageKey, Value
from streams.logic.windows import RESOLUTIONS_S
from streams.records import Record

_MS_US: Final = 1000
_MICROS: Final = 1_000_000
# What protobuf allows: the years 1 to 9999, and spans of 10,000 years. Beyond it a number may be
# too large for a row, and the record would end one worker after the other.
_EARLIEST_US: Final = -62_135_596_800 * _MICROS
_LATEST_US: Final = 253_402_300_800 * _MICROS - 1
_LONGEST_US: Final = 315_576_000_000 * _MICROS
_NANOS: Final = 1_000_000_000
# Counts and sums of a window are of some years: 2^62 microseconds are 146,000.
_order_event: Final = OrderEvent.FromString
_NUMBER_MAX: Final = 2**62
_MINUTE_S: Final = 60
_PREFIX_BYTES: Final = b"orders/"
_CAUSES: Final[dict[int, Cause]] = {
    ProfileMessage.CAUSE_BOUGHT: "BOUGHT",
    ProfileMessage.CAUSE_RETURNED: "RETURNED",
    ProfileMessage.CAUSE_CORRECTED: "CORRECTED",
    ProfileMessage.CAUSE_MOVED: "MOVED",
}
M = TypeVar("M", bound=Message)


class PoisonError(Exception):
    """A record that no retry will make readable; `reason` is a short code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse(kind: type[M], record: Record) -> M:
    """Return the record's value as this message."""
    if not record.value:
        raise PoisonError("EMPTY")
    try:
        return kind.FromString(record.value)
    except DecodeError as error:
        raise PoisonError("UNDECODABLE") from error


def refuse_type() -> NoReturn:
    """Refuse what says that it is another message than its topic's; its bytes may fit all the same.

    It may be of a later version of the contract, which means something else by the same fields.
    """
    raise PoisonError("TYPE_UNKNOWN")


def _refuse_key(record: Record, *allowed: str) -> None:
    """Refuse a record of another partition: state is kept by partition, and would count twice."""
    if (record.key or b"").decode(errors="replace") not in allowed:
        raise PoisonError("KEY_WRONG")


def logged_us(record: Record) -> int:
    """Return when the broker's log says the record was written."""
    return record.timestamp * _MS_US


# What follows is done for each event of an order, and is most of what a worker does when it is
# behind: so fields are read once, in place.


def order_record(record: Record) -> Change | Beat:
    """Read a record of the orders' topic."""
    value = record.value
    if not value:
        raise PoisonError("EMPTY")
    try:
        event = _order_event(value)
    except DecodeError as error:
        raise PoisonError("UNDECODABLE") from error
    if event.HasField("heartbeat"):
        return Beat(record.offset, logged_us(record), micros(event.event_time))
    change = order_change(event, record.offset, record.timestamp * _MS_US)
    # As `_refuse_key` does, in a fifth of the time.
    key, order = record.key or b"", change.order.encode()
    if key != order and _PREFIX_BYTES + key != order:
        raise PoisonError("KEY_WRONG")
    return change


def order_change(event: OrderEvent, offset: int, at_us: int) -> Change:
    """Read an order's event; it may also come from the journal."""
    order, sequence, at = event.order, event.sequence, event.event_time
    if not order or sequence < 1:
        raise PoisonError("NUMBER_MISSING")
    event_us = at.seconds * _MICROS + at.nanos // 1000
    if not _EARLIEST_US <= event_us <= _LATEST_US:
        raise PoisonError("TIME_OUT_OF_RANGE")
    measures = []
    for each in event.measures:
        current = _value(each.current) if each.HasField("current") else None
        previous = _value(each.previous) if each.HasField("previous") else None
        measures.append(Measure(each.from_state, each.to_state, current, previous))
    return Change(offset, at_us, order, sequence, event_us, event.channel, measures)


def _value(value: StageMeasure.Value) -> Value:
    took, at = value.duration, value.end_time
    took_us = took.seconds * _MICROS + took.nanos // 1000
    if not -_LONGEST_US <= took_us <= _LONGEST_US:
        raise PoisonError("DURATION_OUT_OF_RANGE")
    end_us = at.seconds * _MICROS + at.nanos // 1000
    if not _EARLIEST_US <= end_us <= _LATEST_US:
        raise PoisonError("TIME_OUT_OF_RANGE")
    return Value(took_us, end_us, value.cause, value.channel)


def customer_record(record: Record) -> CustomerAct | Beat:
    """Read a record of the customers' topic."""
    event = parse(CustomerEvent, record)
    kind = event.WhichOneof("payload")
    if kind == "heartbeat":
        return Beat(record.offset, logged_us(record), micros(event.event_time))
    if kind is None or not event.customer or event.sequence < 1:
        raise PoisonError("NUMBER_MISSING" if kind else "PAYLOAD_MISSING")
    _refuse_key(record, event.customer)
    placed = event.placed
    amount = placed.total if kind == "placed" else event.returned.amount
    same = placed.list_total.currency_code == amount.currency_code
    return CustomerAct(
        offset=record.offset,
        logged_us=logged_us(record),
        event_id=event.event_id,
        customer=event.customer,
        sequence=event.sequence,
        order=event.order,
        event_us=micros(event.event_time),
        kind="PLACED" if kind == "placed" else "RETURNED",
        currency=amount.currency_code,
        amount_micros=_money(amount),
        list_total_micros=_money(placed.list_total) if kind == "placed" and same else 0,
    )


def profile_record(record: Record) -> ProfileChange:
    """Read a record of the changes of profiles."""
    event = parse(ProfileMessage, record)
    if not event.customer or event.sequence < 1:
        raise PoisonError("NUMBER_MISSING")
    _refuse_key(record, event.customer)
    cause = _CAUSES.get(event.cause)
    if cause is None:
        raise PoisonError("CAUSE_UNKNOWN")
    return ProfileChange(
        offset=record.offset,
        logged_us=logged_us(record),
        customer=event.customer,
        sequence=event.sequence,
        event_us=micros(event.event_time),
        cause=cause,
        removed=tuple([_bought(each) for each in event.removed]),
        added=tuple([_bought(each) for each in event.added]),
    )


def _bought(told: ProfileMessage.Bought) -> Bought:
    return Bought(
        order=told.order,
        channel=told.channel,
        shop=told.shop,
        currency=told.total.currency_code,
        amount_micros=_money(told.total),
        day=told.day,
        is_returned=told.returned,
        categories=tuple(told.categories),
    )


def receipt_record(record: Record) -> Receipt | Repeated | Beat:
    """Read a record of the receipts' topic."""
    event = parse(ReceiptEvent, record)
    match event.WhichOneof("payload"):
        case "received":
            if not event.received.name:
                raise PoisonError("NAME_MISSING")
            return event.received
        case "repeated":
            again = event.repeated
            if not again.receipt:
                raise PoisonError("NAME_MISSING")
            at_us = micros(again.receive_time)
            channel = again.channel or again.source
            return Repeated(record.offset, logged_us(record), again.receipt, channel, at_us)
        case "heartbeat_time":
            return Beat(record.offset, logged_us(record), micros(event.heartbeat_time))
    raise PoisonError("PAYLOAD_MISSING")


def outcome_record(record: Record) -> Weighed | Beat:
    """Read a record of the outcomes' topic."""
    event = parse(ReceiptWeighed, record)
    if event.HasField("heartbeat_time"):
        return Beat(record.offset, logged_us(record), micros(event.heartbeat_time))
    if not event.receipt:
        raise PoisonError("NAME_MISSING")
    contradicting = fact_pb2.OUTCOME_CONTRADICTING
    is_rejected = event.outcome == fact_pb2.OUTCOME_REJECTED
    return Weighed(
        offset=record.offset,
        logged_us=logged_us(record),
        receipt=event.receipt,
        revision=max(1, event.revision),
        channel=event.channel or event.source,
        receive_us=micros(event.receive_time),
        event_us=micros(event.event_time) if event.HasField("event_time") else 0,
        facts=len(event.facts),
        contradictions=sum(fact.outcome == contradicting for fact in event.facts),
        is_rejected=is_rejected,
        may_follow=is_rejected
        or any(fact.outcome == fact_pb2.OUTCOME_EARLY for fact in event.facts),
    )


def stage_partial_record(record: Record) -> Told[StageKey, StageNumbers]:
    """Read a record of the stages' partials."""
    partial = parse(StagePartial, record)
    window = partial.window
    part = None
    if partial.HasField("window"):
        key = StageKey(
            window.resolution.seconds,
            window.start_time.seconds,
            window.from_state,
            window.to_state,
            window.channel,
        )
        numbers = stage_numbers(window.numbers)
        if key.resolution_s not in RESOLUTIONS_S or key.start_s % key.resolution_s:
            raise PoisonError("WINDOW_UNKNOWN")
        _refuse_numbers(numbers.count, numbers.sum_us, *numbers.sketch.buckets.values())
        part = Part(key, partial.open_offset, partial.version, logged_us(record), numbers)
    return Told(
        logged_us(record),
        str(partial.partition),
        micros(partial.watermark),
        partial.caught_up,
        part,
    )


def stage_numbers(message: StageNumbersMessage) -> StageNumbers:
    """Read the numbers of a stage."""
    return StageNumbers(
        message.count,
        message.sum_us,
        message.abnormal,
        {each.cause: each.count for each in message.causes},
        Sketch({each.index: each.count for each in message.buckets}),
    )


def channel_partial_record(record: Record) -> Told[ChannelKey, ChannelNumbers]:
    """Read a record of the channels' partials."""
    partial = parse(ChannelPartial, record)
    minute = partial.minute
    part = None
    if partial.HasField("minute"):
        numbers = ChannelNumbers(
            minute.receipts,
            minute.facts,
            minute.duplicates,
            minute.rejects,
            minute.contradictions,
            minute.delay_sum_ms,
            minute.delayed,
            micros(minute.newest_event_time) if minute.HasField("newest_event_time") else 0,
        )
        key = ChannelKey(minute.start_time.seconds, minute.channel)
        if key.start_s % _MINUTE_S:
            raise PoisonError("WINDOW_UNKNOWN")
        _refuse_numbers(*numbers.to_row())
        part = Part(key, partial.open_offset, partial.version, logged_us(record), numbers)
    return Told(
        logged_us(record),
        partial.origin,
        micros(partial.watermark),
        partial.caught_up,
        part,
    )


def _refuse_numbers(*numbers: int) -> None:
    if any(abs(each) > _NUMBER_MAX for each in numbers):
        raise PoisonError("NUMBER_OUT_OF_RANGE")


def flag_record(record: Record) -> Flag:
    """Read a record of the flags' topic."""
    flag = parse(Flag, record)
    if not flag.name or not flag.order:
        raise PoisonError("NAME_MISSING")
    return flag


def micros(at: Timestamp) -> int:
    """Return a time as microseconds since the epoch."""
    at_us = at.seconds * _MICROS + at.nanos // 1000
    if not _EARLIEST_US <= at_us <= _LATEST_US:
        raise PoisonError("TIME_OUT_OF_RANGE")
    return at_us


def _money(amount: Money) -> int:
    """Return an amount in millionths of its currency's unit."""
    if amount.units < 0 or not 0 <= amount.nanos < _NANOS:
        raise PoisonError("AMOUNT_OUT_OF_RANGE")
    return int(amount.units) * _MICROS + int(amount.nanos) // 1000

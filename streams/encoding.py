"""What the engines say, as messages of the contract."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from concord.customers.v1 import profile_change_pb2 as profile_pb2
from concord.insights.v1 import stage_pb2
from concord.insights.v1.flag_pb2 import Flag
from concord.insights.v1.partial_pb2 import ChannelPartial, DeadLetter, StagePartial
from concord.orders.v1 import order_pb2
from streams.logic.channels import ChannelKey, ChannelPart
from streams.logic.merging import Whole
from streams.logic.numbers import ChannelNumbers, StageNumbers
from streams.logic.profiles import Kept
from streams.logic.risk import Finding
from streams.logic.stages import Progress, StageKey, StagePart
from streams.records import Record

_MICROS: Final = 1_000_000
# Most windows have the same few buckets with small counts; a message for each takes ten times as
# long as to look its bytes up. Of 100 bytes each: 3 MB.
BUCKETS_KEPT: Final = 1 << 15


def stage_key(key: StageKey) -> bytes:
    """Return the record key of a stage window, on both of its topics."""
    stage = f"{key.from_state}:{key.to_state}"
    return f"{stage}|{key.channel}|{key.resolution_s}|{key.start_s}".encode()


def stage_partial(part: StagePart, source: int, epoch: int, progress: Progress) -> StagePartial:
    """Return a part of a stage window."""
    return StagePartial(
        partition=source,
        epoch=epoch,
        offset=progress.offset,
        open_offset=part.opened,
        version=part.version,
        watermark=time(progress.watermark_us),
        window=_stage_window(part.key, part.numbers),
    )


def stage_progress(progress: Progress, source: int, epoch: int) -> StagePartial:
    """Return how far a partition of the orders' topic has come."""
    return StagePartial(
        partition=source,
        epoch=epoch,
        offset=progress.offset,
        watermark=time(progress.watermark_us),
        caught_up=progress.caught_up,
    )


def stage_window(whole: Whole[StageKey, StageNumbers]) -> stage_pb2.StageWindow:
    """Return a whole stage window."""
    window = _stage_window(whole.key, whole.numbers)
    window.revision = whole.revision
    window.final = whole.is_final
    window.idle_partitions.extend(int(source) for source in whole.idle)
    return window


def _stage_window(key: StageKey, numbers: StageNumbers) -> stage_pb2.StageWindow:
    return stage_pb2.StageWindow(
        start_time=Timestamp(seconds=key.start_s),
        resolution=Duration(seconds=key.resolution_s),
        from_state=order_pb2.Order.State.ValueType(key.from_state),
        to_state=order_pb2.Order.State.ValueType(key.to_state),
        channel=key.channel,
        numbers=_stage_numbers(numbers),
    )


def _stage_numbers(numbers: StageNumbers) -> stage_pb2.StageNumbers:
    most_first = sorted(numbers.causes.items(), key=lambda each: (-each[1], each[0]))
    message = stage_pb2.StageNumbers(
        count=numbers.count,
        sum_us=numbers.sum_us,
        abnormal=numbers.abnormal,
        causes=[stage_pb2.StageNumbers.Cause(cause=c, count=n) for c, n in most_first],
    )
    buckets = sorted(numbers.sketch.buckets.items())
    message.MergeFromString(b"".join([_bucket(*each) for each in buckets]))
    return message


@lru_cache(maxsize=BUCKETS_KEPT)
def _bucket(index: int, count: int) -> bytes:
    """Return numbers that have only this bucket, as bytes: those of several add up by joining."""
    bucket = stage_pb2.StageNumbers.Bucket(index=index, count=count)
    return stage_pb2.StageNumbers(buckets=[bucket]).SerializeToString()


def channel_key(key: ChannelKey) -> bytes:
    """Return the record key of a channel's minute, on both of its topics."""
    return f"{key.channel}|{key.start_s}".encode()


def channel_partial(
    part: ChannelPart, origin: str, epoch: int, progress: Progress
) -> ChannelPartial:
    """Return a part of a channel's minute."""
    return ChannelPartial(
        origin=origin,
        epoch=epoch,
        offset=progress.offset,
        open_offset=part.opened,
        version=part.version,
        watermark=time(progress.watermark_us),
        minute=_channel_minute(part.key, part.numbers),
    )


def channel_progress(progress: Progress, origin: str, epoch: int) -> ChannelPartial:
    """Return how far a partition has come that channels are counted from."""
    return ChannelPartial(
        origin=origin,
        epoch=epoch,
        offset=progress.offset,
        watermark=time(progress.watermark_us),
        caught_up=progress.caught_up,
    )


def channel_minute(whole: Whole[ChannelKey, ChannelNumbers]) -> stage_pb2.ChannelMinute:
    """Return a channel's whole minute."""
    minute = _channel_minute(whole.key, whole.numbers)
    minute.revision = whole.revision
    return minute


def _channel_minute(key: ChannelKey, numbers: ChannelNumbers) -> stage_pb2.ChannelMinute:
    newest = numbers.newest_event_us
    return stage_pb2.ChannelMinute(
        start_time=Timestamp(seconds=key.start_s),
        channel=key.channel,
        receipts=numbers.receipts,
        facts=numbers.facts,
        duplicates=numbers.duplicates,
        rejects=numbers.rejects,
        contradictions=numbers.contradictions,
        newest_event_time=time(newest) if newest else None,
        delay_sum_ms=numbers.delay_sum_ms,
        delayed=numbers.delayed,
    )


def customer_profile(kept: Kept) -> profile_pb2.CustomerProfile:
    """Return a customer's whole profile."""
    told, numbers = profile_pb2.CustomerProfile, kept.numbers
    return told(
        customer=kept.key,
        sequence=numbers.sequence,
        spent=[
            told.Spent(orders=many, sum=_money(total, currency))
            for currency, (many, total) in sorted(numbers.spent.items())
        ],
        places=[
            told.Place(channel=channel, shop=shop, orders=many, returned=back)
            for (channel, shop), (many, back) in sorted(numbers.places.items())
        ],
        categories=[
            told.Category(category=name, orders=many)
            for name, many in sorted(numbers.categories.items())
        ],
        days=[
            told.Day(day=day, orders=many, returned=back)
            for day, (many, back) in sorted(numbers.days.items())
        ],
    )


def _money(micros: int, currency: str) -> Money:
    units, part = divmod(micros, _MICROS)
    return Money(currency_code=currency, units=units, nanos=part * 1000)


def flag(finding: Finding) -> Flag:
    """Return a finding as the flag that it raises."""
    act = finding.act
    return Flag(
        name=f"flags/{finding.flag_id}",
        order=act.order if act.order.startswith("orders/") else f"orders/{act.order}",
        customer=act.customer,
        rule=finding.rule,
        rule_version=finding.rule_version,
        action=Flag.Action.Value(f"ACTION_{finding.action}"),
        inputs=[Flag.Input(name=name, value=value) for name, value in finding.inputs],
        event_time=time(act.event_us),
    )


def dead_letter(record: Record, agent: str, reason: str) -> DeadLetter:
    """Return the record as it came, with where it was and why it was set aside."""
    return DeadLetter(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        agent=agent,
        reason=reason,
        value=record.value or b"",
        key=record.key or b"",
    )


def time(at_us: int) -> Timestamp:
    """Return microseconds since the epoch as a timestamp."""
    return Timestamp(seconds=at_us // _MICROS, nanos=at_us % _MICROS * 1000)

"""Writes what insights read: the view as the streams do, journal rows as the service does."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from redis import Redis

from concord.insights.v1.stage_pb2 import ChannelMinute, StageNumbers, StageWindow
from concord.orders.v1.order_event_pb2 import OrderEvent, StageMeasure
from concord.orders.v1.order_pb2 import Order
from service.domain.boards import Numbers, WindowKey, buckets
from service.domain.lifecycle import State
from service.domain.recount import Measured
from service.postgres import tables
from tests.unit.service.insights.fakes import NOON

PARTITIONS = 4


def number(state: State) -> int:
    return Order.State.Value(f"STATE_{state.value}")


def mark_complete(redis: Redis, view: str) -> None:
    """Say that every partition's rows are there."""
    redis.mset({f"concord:views:{view}:{each}": "worker-1" for each in range(PARTITIONS)})


def write_stages(redis: Redis, windows: Mapping[WindowKey, Numbers]) -> None:
    """Put windows into the view, and mark it complete."""
    for key, numbers in windows.items():
        begin, end = (number(each) for each in key.stage)
        redis.hset(
            f"concord:stages:{key.resolution_s}:{key.start_s}",
            f"{begin}:{end}:{key.channel}",
            encode(numbers).SerializeToString(),
        )
        redis.zadd(f"concord:stages:index:{key.resolution_s}", {str(key.start_s): key.start_s})
    redis.set("concord:stages:watermark", int(NOON.timestamp() * 1_000_000))
    mark_complete(redis, "stages")


def encode(numbers: Numbers) -> StageWindow:
    return StageWindow(
        numbers=StageNumbers(
            count=numbers.count,
            sum_us=numbers.sum_us,
            abnormal=numbers.abnormal,
            causes=[
                StageNumbers.Cause(cause=cause, count=count)
                for cause, count in numbers.causes.items()
            ],
            buckets=[
                StageNumbers.Bucket(index=index, count=count)
                for index, count in buckets(numbers).items()
            ],
        )
    )


def write_channel_minute(redis: Redis, at: datetime, minute: ChannelMinute) -> None:
    """Put one minute of one channel into the view."""
    start_s = int(at.timestamp()) // 60 * 60
    redis.hset(f"concord:channels:{start_s}", minute.channel, minute.SerializeToString())
    redis.zadd("concord:channels:index", {str(start_s): start_s})


def tell(engine: sa.Engine, *told: Measured, recorded_at: datetime = NOON) -> None:
    """Commit a journal row for each of these measures."""
    rows = [_journal_row(each, recorded_at) for each in told]
    with engine.begin() as connection:
        connection.execute(sa.insert(tables.journal), rows)


def _journal_row(told: Measured, recorded_at: datetime) -> dict[str, Any]:
    return {
        "order_id": told.order_id,
        "sequence": told.sequence,
        "kind": "MOVED",
        "occurred_at": recorded_at,
        "recorded_at": recorded_at,
        "event": _event(told).SerializeToString(),
        "measured": True,
        "record": b"",
        "hash": b"",
    }


def _event(told: Measured) -> OrderEvent:
    begin, end = (number(each) for each in told.stage)
    measure = StageMeasure(from_state=begin, to_state=end)  # type: ignore[arg-type]  # An int.
    if told.value is not None:
        measure.current.duration.FromMicroseconds(told.value.duration_us)
        measure.current.end_time.FromMicroseconds(told.value.ended_us)
        measure.current.cause = told.value.cause
    else:
        measure.previous.cause = "withdrawn"
    return OrderEvent(channel=told.channel, measures=[measure])


def an_order(order_id: str, state: State, since: datetime, **more: object) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(
        ("total_minor", "list_total_minor", "paid_minor", "refunded_minor", "sequence"), 0
    )
    row |= {key: [] for key in ("discrepancies", "refs", "lines", "holds", "hold_reasons")}
    row |= {"refund_state": "NONE", "currency": "CNY", "chain_head": b""}
    row |= {"order_id": order_id, "state": state.value, "state_since": since}
    row |= {"placed_at": since, "updated_at": since, "outbound_approved": False}
    closed = since if state in {State.CANCELLED, State.COMPLETED} else None
    return {**row, "closed_at": closed, **more}


def a_case(case_id: str, order_id: str, **more: object) -> dict[str, object]:
    row = {"case_id": case_id, "order_id": order_id, "type": "STAGE_OVERDUE", "state": "OPEN"}
    times = {"opened_at": NOON, "due_at": NOON}
    return {**row, **times, "owner_role": "operations", "version": 1, **more}

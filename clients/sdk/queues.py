"""Queues: what waits at the exception desk, for whom, and where the time goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypedDict, Unpack

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from clients.sdk.calls import Call, Feed, M, SubClient, unary, watched
from clients.sdk.names import resource
from clients.sdk.policy import LONG_DEADLINE_S
from concord.cases.v1 import queue_service_pb2 as api
from concord.cases.v1.case_service_pb2 import Case
from concord.cases.v1.queue_service_pb2_grpc import QueueServiceStub


class QueueFilter(TypedDict, total=False):
    """Which open cases; all that are given must hold."""

    order: str
    owner_role: str
    type: str
    # Which side must act: `class` in the contract, which is a word of Python's.
    side: Case.Class.ValueType
    states: Sequence[Case.State.ValueType]
    assignee: str
    unassigned: bool
    channel: str
    due_within: timedelta | None
    open_for: timedelta | None


class Queues(SubClient[M]):
    """`QueueService`."""

    @unary
    def count(self, **where: Unpack[QueueFilter]) -> Call[api.QueueCounts]:
        """Count what is open, by role and type, most in breach first."""
        return _call("CountQueue", api.CountQueueRequest(filter=_filter(where)))

    @watched
    def watch(self, size: int = 0, **where: Unpack[QueueFilter]) -> Feed[api.Queue]:
        """Iterate over a queue as it stands: once at first, then whole with each change."""
        request = api.WatchQueueRequest(filter=_filter(where), size=size)
        return Feed(_call("WatchQueue", request), has_cursor=False)

    @unary
    def statistics(
        self,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        type: str = "",
        owner_role: str = "",
        long_wait: timedelta | None = None,
    ) -> Call[api.DeskStatistics]:
        """Return the time used, the share in breach and who waits; without times, of a week."""
        request = api.GetDeskStatisticsRequest(
            start_time=timestamp(start),
            end_time=timestamp(end),
            type=type,
            owner_role=owner_role,
            long_wait=duration(long_wait),
        )
        return _call("GetDeskStatistics", request, LONG_DEADLINE_S)


def plain(where: Any) -> dict[str, Any]:  # noqa: ANN401  # a filter of cases
    """Return a filter as the contract's fields."""
    fields: dict[str, Any] = dict(where)
    if "order" in fields:
        fields["order"] = resource("orders", fields["order"])
    if "side" in fields:
        fields["class"] = fields.pop("side")
    for span in ("due_within", "open_for"):
        if span in fields:
            fields[span] = duration(fields[span])
    return fields


def duration(span: timedelta | None) -> Duration | None:
    """Return a time span as a message."""
    if span is None:
        return None
    message = Duration()
    message.FromTimedelta(span)
    return message


def _filter(where: QueueFilter) -> api.QueueFilter:
    return api.QueueFilter(**plain(where))


def timestamp(at: datetime | None) -> Timestamp | None:
    """Return the time as a message; a naive one would be off by the zone, and is refused."""
    if at is None:
        return None
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def _call(method: str, request: Message, timeout_s: float | None = None) -> Call[Any]:
    return Call(QueueServiceStub, method, request, timeout_s)

"""Reads requests for queues of cases into plain values; all bad fields are refused at once."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration

from concord.cases.v1 import case_service_pb2 as case_pb
from concord.cases.v1 import queue_service_pb2 as pb
from service.application.queues import LONG_WAIT
from service.application.reading import CaseQuery
from service.domain.cases import CaseState
from service.domain.desk.taxonomy import Side
from service.rpc.violations import Violations

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 500
# What a screen shows, and what is sent each time something in it changes.
QUEUE_SIZE_MAX: Final = 200
CODE_MAX: Final = 64
# No case waits for longer, and no column is asked for moments before there was time.
SPAN_MAX: Final = timedelta(days=3_660)

_STATES: Final = {case_pb.Case.State.Value(f"STATE_{each.value}"): each for each in CaseState}
_SIDES: Final = {case_pb.Case.Class.Value(f"CLASS_{each.value}"): each for each in Side}
_ANY_TIME: Final = datetime.min.replace(tzinfo=UTC)
_NANOS: Final = 1_000_000_000


def list_query(request: case_pb.ListCasesRequest, at: datetime) -> CaseQuery:
    """Return which page of which cases is asked for."""
    read = Violations()
    size = read.number("page_size", request.page_size, most=PAGE_SIZE_MAX, default=PAGE_SIZE)
    query = _query(
        request,
        read,
        "",
        page_size=size,
        page_token=request.page_token,
        include_resolved=request.include_resolved,
        at=at,
    )
    read.refuse()
    return query


def count_query(request: pb.CountQueueRequest) -> CaseQuery:
    """Return which cases are to be counted."""
    read = Violations()
    query = _queue(request, read, size=0)
    read.refuse()
    return query


def watch_query(request: pb.WatchQueueRequest) -> CaseQuery:
    """Return which queue is watched."""
    read = Violations()
    size = read.number("size", request.size, most=QUEUE_SIZE_MAX, default=PAGE_SIZE)
    query = _queue(request, read, size=size)
    read.refuse()
    return query


@dataclass(frozen=True, slots=True)
class StatisticsAsked:
    """What the desk's numbers are asked for."""

    start: datetime | None
    end: datetime | None
    type: str
    owner_role: str
    long_wait: timedelta


def statistics_asked(request: pb.GetDeskStatisticsRequest) -> StatisticsAsked:
    """Return which of the desk's numbers are asked for."""
    read = Violations()
    start = read.moment("start_time", request.start_time, default=_ANY_TIME)
    end = read.moment("end_time", request.end_time, default=_ANY_TIME)
    if start is not _ANY_TIME and end is not _ANY_TIME and start >= end:
        read.add("end_time", "send a time after start_time")
    asked = StatisticsAsked(
        None if start is _ANY_TIME else start,
        None if end is _ANY_TIME else end,
        read.text("type", request.type, longest=CODE_MAX),
        read.text("owner_role", request.owner_role, longest=CODE_MAX),
        _span("long_wait", request, read) or LONG_WAIT,
    )
    read.refuse()
    return asked


def _queue(request: Any, read: Violations, *, size: int) -> CaseQuery:  # noqa: ANN401
    query = _query(request.filter, read, "filter.", page_size=size)
    if CaseState.RESOLVED in query.states:
        read.add("filter.states", "send states of open cases; ListCases shows those that ended")
    return query


def _query(
    asked: Any,  # noqa: ANN401  # ListCasesRequest or QueueFilter: their fields have one meaning
    read: Violations,
    path: str,
    **more: Any,  # noqa: ANN401  # further fields of the query
) -> CaseQuery:
    side = getattr(asked, "class")
    if side and side not in _SIDES:
        read.add(f"{path}class", "send CLASS_CUSTOMER, CLASS_SYSTEM or CLASS_SUPPLY")
    states = [_STATES.get(each) for each in asked.states]
    if None in states:
        read.add(f"{path}states", "send states that the contract knows")
    if asked.assignee and asked.unassigned:
        read.add(f"{path}unassigned", "send a person, or unassigned, and not both")
    return CaseQuery(
        order_id=read.resource(f"{path}order", asked.order, "orders") if asked.order else "",
        owner_role=read.text(f"{path}owner_role", asked.owner_role, longest=CODE_MAX),
        type=read.text(f"{path}type", asked.type, longest=CODE_MAX),
        side=_SIDES.get(side),
        states=tuple(each for each in states if each),
        assignee=read.text(f"{path}assignee", asked.assignee, longest=CODE_MAX),
        is_unassigned=asked.unassigned,
        channel=read.word(f"{path}channel", asked.channel, needed=False),
        due_within=_span("due_within", asked, read, path),
        open_for=_span("open_for", asked, read, path),
        **more,
    )


def _span(field: str, asked: Any, read: Violations, path: str = "") -> timedelta | None:  # noqa: ANN401
    if not asked.HasField(field):
        return None
    value: Duration = getattr(asked, field)
    if not 0 <= value.seconds <= SPAN_MAX.total_seconds() or not 0 <= value.nanos < _NANOS:
        read.add(f"{path}{field}", "send a duration of 0 s to ten years")
        return None
    return timedelta(seconds=value.seconds, microseconds=value.nanos // 1_000)

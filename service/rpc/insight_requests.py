"""Reads requests of `InsightService` into plain values; all bad fields are refused at once."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.duration_pb2 import Duration

from concord.customers.v1.customer_service_pb2 import VerifyProfilesRequest
from concord.insights.v1 import insight_service_pb2 as api
from concord.orders.v1.order_pb2 import Order
from service.application.insights import DEFAULT_SPAN, StageQuery
from service.domain.lifecycle import FINAL, State
from service.rpc.violations import Violations

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 500
# Longer than any back-off of the streams; a caller who waits longer should ask again.
WAIT_MAX: Final = timedelta(seconds=60)
# A watched board reads its windows every second: a year is 365 days' windows and some edges.
SPAN_MAX: Final = timedelta(days=366)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NANOS: Final = 1_000_000_000

_STATES: Final = {
    Order.State.Value(f"STATE_{each.value}"): each for each in State if each not in FINAL
}


def stage_query(request: api.GetStageBoardRequest) -> StageQuery:
    """Return what the board is asked for."""
    violations = Violations()
    start, end = _times(request, violations)
    channel = violations.text("channel", request.channel)
    violations.refuse()
    return StageQuery(start, end, channel, request.from_journal, request.all_time)


def watch(request: api.WatchStageBoardRequest) -> tuple[timedelta, str]:
    """Return how far back the watched board goes, and its channel."""
    violations = Violations()
    length = DEFAULT_SPAN
    if request.HasField("span"):
        length = _length("span", request.span, timedelta(minutes=1), SPAN_MAX, violations)
    channel = violations.text("channel", request.channel)
    violations.refuse()
    return length, channel


def board_times(
    request: api.GetChannelBoardRequest,
) -> tuple[datetime | None, datetime | None]:
    """Return start and end."""
    violations = Violations()
    times = _times(request, violations)
    violations.refuse()
    return times


def verify_wait(request: api.VerifyInsightsRequest | VerifyProfilesRequest) -> timedelta:
    """Return how long to wait for the streams."""
    violations = Violations()
    wait = _length("wait", request.wait, timedelta(), WAIT_MAX, violations)
    violations.refuse()
    return wait


@dataclass(frozen=True, slots=True)
class OverduePage:
    """Which overdue orders are asked for."""

    state: State | None
    page_size: int


def overdue_page(request: api.ListOverdueOrdersRequest) -> OverduePage:
    """Return which overdue orders are asked for."""
    violations = Violations()
    state = _STATES.get(request.state)
    if request.state and state is None:
        violations.add("state", "send a state that is not final, or none")
    page = OverduePage(state, _page_size(request.page_size, violations))
    violations.refuse()
    return page


@dataclass(frozen=True, slots=True)
class FlagPage:
    """Which flags are asked for."""

    order_id: str
    page_size: int


def flag_page(request: api.ListFlagsRequest) -> FlagPage:
    """Return which flags are asked for."""
    violations = Violations()
    order_id = violations.resource("order", request.order, "orders") if request.order else ""
    page = FlagPage(order_id, _page_size(request.page_size, violations))
    violations.refuse()
    return page


def _page_size(told: int, violations: Violations) -> int:
    return violations.number("page_size", told, most=PAGE_SIZE_MAX, default=PAGE_SIZE)


def _times(
    request: api.GetStageBoardRequest | api.GetChannelBoardRequest, violations: Violations
) -> tuple[datetime | None, datetime | None]:
    start = end = None
    # The epoch itself reads as unset, and is what it then means.
    if request.HasField("start_time"):
        start = violations.moment("start_time", request.start_time, default=_EPOCH)
    if request.HasField("end_time"):
        end = violations.moment("end_time", request.end_time, default=_EPOCH)
    if start is not None and end is not None and end <= start:
        violations.add("end_time", "send a time after start_time")
    return start, end


def _length(
    path: str, told: Duration, least: timedelta, most: timedelta, violations: Violations
) -> timedelta:
    is_readable = abs(told.seconds) < most.total_seconds() * 2 and abs(told.nanos) < _NANOS
    if is_readable and least <= (length := told.ToTimedelta()) <= most:
        return length
    violations.add(path, f"send a duration from {least} to {most}")
    return most

"""Reads requests of `InsightService` into plain values; all bad fields are refused at once."""

import base64
import binascii
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from concord.insights.v1 import insight_service_pb2 as api
from concord.orders.v1.order_pb2 import Order
from service.application.insights import DEFAULT_SPAN, StageQuery
from service.domain.errors import CursorInvalidError, InvalidRequestError
from service.domain.lifecycle import FINAL, State

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 500
# Longer than any back-off of the streams; a caller who waits longer should ask again.
WAIT_MAX: Final = timedelta(seconds=60)
# A watched board reads its windows every second: a year is 365 days' windows and some edges.
SPAN_MAX: Final = timedelta(days=366)
# The day after must still be a time that protobuf can say.
TIME_MAX: Final = datetime(9999, 12, 30, tzinfo=UTC)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NANOS: Final = 1_000_000_000
_TOKEN_SHOWN: Final = 100

_STATES: Final = {
    Order.State.Value(f"STATE_{each.value}"): each for each in State if each not in FINAL
}


@dataclass(slots=True)
class _Fields:
    """Reads fields one by one and remembers what was wrong with each."""

    request: Message
    violations: list[tuple[str, str]] = field(default_factory=list)

    def refuse(self, name: str, advice: str) -> None:
        self.violations.append((name, advice))

    def time(self, name: str) -> datetime | None:
        if not self.request.HasField(name):
            return None
        told: Timestamp = getattr(self.request, name)
        latest_s = (TIME_MAX - _EPOCH) // timedelta(seconds=1)
        if 0 <= told.seconds <= latest_s and 0 <= told.nanos < _NANOS:
            return told.ToDatetime(tzinfo=UTC)
        self.refuse(name, f"Send a time between {_EPOCH:%Y-%m-%d} and {TIME_MAX:%Y-%m-%d}.")
        return None

    def length(self, name: str, least: timedelta, most: timedelta) -> timedelta:
        told: Duration = getattr(self.request, name)
        is_readable = abs(told.seconds) < most.total_seconds() * 2 and abs(told.nanos) < _NANOS
        if is_readable and least <= (length := told.ToTimedelta()) <= most:
            return length
        self.refuse(name, f"Send a duration from {least} to {most}.")
        return most

    def page_size(self) -> int:
        told: int = getattr(self.request, "page_size")  # noqa: B009  # Not every message has it.
        if told < 0:
            self.refuse("page_size", f"Send 0 for {PAGE_SIZE}, or 1 to {PAGE_SIZE_MAX}.")
        return min(told or PAGE_SIZE, PAGE_SIZE_MAX)

    def close(self) -> None:
        if self.violations:
            raise InvalidRequestError(tuple(self.violations))


def stage_query(request: api.GetStageBoardRequest) -> StageQuery:
    """Return what the board is asked for."""
    fields = _Fields(request)
    start, end = _times(fields)
    fields.close()
    return StageQuery(start, end, request.channel, request.from_journal, request.all_time)


def watch_length(request: api.WatchStageBoardRequest) -> timedelta:
    """Return how far back the watched board goes."""
    if not request.HasField("span"):
        return DEFAULT_SPAN
    fields = _Fields(request)
    length = fields.length("span", timedelta(minutes=1), SPAN_MAX)
    fields.close()
    return length


def board_times(
    request: api.GetChannelBoardRequest,
) -> tuple[datetime | None, datetime | None]:
    """Return start and end."""
    fields = _Fields(request)
    times = _times(fields)
    fields.close()
    return times


def verify_wait(request: api.VerifyInsightsRequest) -> timedelta:
    """Return how long to wait for the streams."""
    fields = _Fields(request)
    wait = fields.length("wait", timedelta(), WAIT_MAX)
    fields.close()
    return wait


@dataclass(frozen=True, slots=True)
class OverduePage:
    """Which overdue orders are asked for."""

    size: int
    state: State | None
    after: tuple[datetime, str] | None


def overdue_page(request: api.ListOverdueOrdersRequest) -> OverduePage:
    """Return which overdue orders are asked for."""
    fields = _Fields(request)
    size = fields.page_size()
    state = _STATES.get(request.state)
    if request.state and state is None:
        fields.refuse("state", "Send a state that is not final, or none.")
    fields.close()
    return OverduePage(size, state, _overdue_place(request.page_token))


@dataclass(frozen=True, slots=True)
class FlagPage:
    """Which flags are asked for."""

    size: int
    order_id: str
    is_review_pool: bool
    before: int | None


def flag_page(request: api.ListFlagsRequest) -> FlagPage:
    """Return which flags are asked for."""
    fields = _Fields(request)
    size = fields.page_size()
    order_id = request.order.removeprefix("orders/")
    if request.order and (order_id in {"", request.order} or "/" in order_id):
        fields.refuse("order", "Send `orders/{order}`, or nothing.")
    fields.close()
    return FlagPage(size, order_id, request.review_pool, _flag_place(request.page_token))


def overdue_token(since: datetime, order_id: str) -> str:
    """Return the token of the page after this order."""
    return _token("overdue", (since - _EPOCH) // timedelta(microseconds=1), order_id)


def flag_token(position: int) -> str:
    """Return the token of the page after this flag."""
    return _token("flags", position)


def _times(fields: _Fields) -> tuple[datetime | None, datetime | None]:
    start, end = fields.time("start_time"), fields.time("end_time")
    if start is not None and end is not None and end <= start:
        fields.refuse("end_time", "Send a time after start_time.")
    return start, end


def _token(method: str, *place: int | str) -> str:
    return base64.urlsafe_b64encode(json.dumps([method, *place]).encode()).decode().rstrip("=")


def _overdue_place(token: str) -> tuple[datetime, str] | None:
    match _place(token):
        case None:
            return None
        case ["overdue", int(micros), str(order_id)] if abs(micros) < TIME_MAX.timestamp() * 1e6:
            return _EPOCH + timedelta(microseconds=micros), order_id
    raise CursorInvalidError(token=token[:_TOKEN_SHOWN])


def _flag_place(token: str) -> int | None:
    match _place(token):
        case None:
            return None
        case ["flags", int(position)] if 0 <= position < 2**63:
            return position
    raise CursorInvalidError(token=token[:_TOKEN_SHOWN])


def _place(token: str) -> object:
    if not token:
        return None
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        return json.loads(text) or []
    except (binascii.Error, ValueError, RecursionError):
        raise CursorInvalidError(token=token[:_TOKEN_SHOWN]) from None

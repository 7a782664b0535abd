"""What requests are refused, and tokens that only their own method takes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from concord.insights.v1 import insight_service_pb2 as api
from concord.orders.v1.order_pb2 import Order
from service.domain.errors import CursorInvalidError, InvalidRequestError
from service.domain.lifecycle import State
from service.rpc import insight_requests as requests
from tests.unit.service.insights.fakes import NOON

REFUSED: list[tuple[Callable[..., object], object, set[str]]] = [
    (
        requests.stage_query,
        api.GetStageBoardRequest(start_time=Timestamp(seconds=-1), end_time=Timestamp(nanos=-1)),
        {"start_time", "end_time"},
    ),
    (
        requests.stage_query,
        api.GetStageBoardRequest(start_time=Timestamp(seconds=9), end_time=Timestamp(seconds=9)),
        {"end_time"},
    ),
    (
        requests.board_times,
        api.GetChannelBoardRequest(end_time=Timestamp(seconds=2**62)),
        {"end_time"},
    ),
    (requests.watch_length, api.WatchStageBoardRequest(span=Duration()), {"span"}),
    (requests.watch_length, api.WatchStageBoardRequest(span=Duration(seconds=2**62)), {"span"}),
    (requests.verify_wait, api.VerifyInsightsRequest(wait=Duration(seconds=61)), {"wait"}),
    (requests.verify_wait, api.VerifyInsightsRequest(wait=Duration(seconds=-1)), {"wait"}),
    (requests.verify_wait, api.VerifyInsightsRequest(wait=Duration(nanos=2**31 - 1)), {"wait"}),
    (
        requests.overdue_page,
        api.ListOverdueOrdersRequest(page_size=-1, state=Order.STATE_COMPLETED),
        {"page_size", "state"},
    ),
    (requests.overdue_page, api.ListOverdueOrdersRequest(state=99), {"state"}),
    (requests.flag_page, api.ListFlagsRequest(order="ord-1", page_size=-5), {"order", "page_size"}),
    (requests.flag_page, api.ListFlagsRequest(order="orders/"), {"order"}),
]


@pytest.mark.parametrize(("read", "request_", "fields"), REFUSED)
def test_all_bad_fields_of_a_request_are_refused_at_once(
    read: Callable[..., object], request_: object, fields: set[str]
) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read(request_)

    assert {path for path, _ in refused.value.violations} == fields


def test_defaults_are_the_documented_ones() -> None:
    assert requests.watch_length(api.WatchStageBoardRequest()) == timedelta(hours=1)
    assert requests.verify_wait(api.VerifyInsightsRequest()) == timedelta()
    assert requests.overdue_page(api.ListOverdueOrdersRequest()) == requests.OverduePage(
        50, None, None
    )
    assert requests.flag_page(api.ListFlagsRequest(page_size=501)).size == 500
    assert requests.flag_page(api.ListFlagsRequest(order="orders/ord-1")).order_id == "ord-1"
    state = requests.overdue_page(api.ListOverdueOrdersRequest(state=Order.STATE_PAID)).state
    assert state is State.PAID


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1)), st.text())  # noqa: DTZ001
def test_a_token_brings_back_the_place(since: datetime, order_id: str) -> None:
    token = requests.overdue_token(since, order_id)

    page = requests.overdue_page(api.ListOverdueOrdersRequest(page_token=token))

    assert page.after == (since, order_id)


@pytest.mark.parametrize(
    "token",
    ["x", "!!", "eyJ9", "W10", "bnVsbA", requests.flag_token(7), requests.overdue_token(NOON, "o")],
)
def test_a_token_of_another_method_or_of_nobody_is_refused(token: str) -> None:
    readers = [
        lambda: requests.overdue_page(api.ListOverdueOrdersRequest(page_token=token)),
        lambda: requests.flag_page(api.ListFlagsRequest(page_token=token)),
    ]
    refused = 0
    for read in readers:
        try:
            read()
        except CursorInvalidError:
            refused += 1

    assert refused == (2 if len(token) < 8 else 1)

"""What requests are refused, and what they mean where they say nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from concord.insights.v1 import insight_service_pb2 as api
from concord.orders.v1.order_pb2 import Order
from service.domain.errors import InvalidRequestError
from service.domain.lifecycle import State
from service.rpc import insight_requests as requests

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
    (requests.watch, api.WatchStageBoardRequest(span=Duration()), {"span"}),
    (requests.watch, api.WatchStageBoardRequest(span=Duration(seconds=2**62)), {"span"}),
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
    assert requests.watch(api.WatchStageBoardRequest()) == (timedelta(hours=1), "")
    assert requests.verify_wait(api.VerifyInsightsRequest()) == timedelta()
    assert requests.overdue_page(api.ListOverdueOrdersRequest()) == requests.OverduePage(None, 50)
    assert requests.flag_page(api.ListFlagsRequest(page_size=501)).page_size == 500
    assert requests.flag_page(api.ListFlagsRequest(order="orders/ord-1")).order_id == "ord-1"
    state = requests.overdue_page(api.ListOverdueOrdersRequest(state=Order.STATE_PAID)).state
    assert state is State.PAID


def test_the_epoch_is_a_time_like_any_other() -> None:
    request = api.GetStageBoardRequest(start_time=Timestamp(), end_time=Timestamp(seconds=60))

    assert requests.stage_query(request).start == datetime(1970, 1, 1, tzinfo=UTC)

"""Insights: where time goes, which channel is quiet, what looks risky."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from clients.sdk.calls import Call, Feed, M, Pages, SubClient, listed, unary, watched
from clients.sdk.names import resource
from clients.sdk.policy import LONG_DEADLINE_S
from concord.insights.v1 import flag_pb2
from concord.insights.v1 import insight_service_pb2 as api
from concord.insights.v1.insight_service_pb2_grpc import InsightServiceStub
from concord.orders.v1 import order_pb2


class Insights(SubClient[M]):
    """`InsightService`."""

    @unary
    def get_stage_board(
        self,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        channel: str = "",
        from_journal: bool = False,
        all_time: bool = False,
    ) -> Call[api.StageBoard]:
        """Return the stage board; without times, of the last hour."""
        request = api.GetStageBoardRequest(
            start_time=_timestamp(start),
            end_time=_timestamp(end),
            channel=channel,
            from_journal=from_journal,
            all_time=all_time,
        )
        deadline = LONG_DEADLINE_S if from_journal or all_time else None
        return _call("GetStageBoard", request, deadline)

    @watched
    def watch_stage_board(
        self, *, span: timedelta | None = None, channel: str = ""
    ) -> Feed[api.StageBoard]:
        """Iterate over boards: one at first, then one with each change."""
        request = api.WatchStageBoardRequest(span=_duration(span), channel=channel)
        return Feed(_call("WatchStageBoard", request), has_cursor=False)

    @listed
    def list_overdue_orders(
        self,
        *,
        state: order_pb2.Order.State.ValueType = order_pb2.Order.STATE_UNSPECIFIED,
        page_size: int = 0,
        page_token: str = "",
    ) -> Pages[api.ListOverdueOrdersResponse.Overdue]:
        """Iterate over orders that outlived the limit of their state, longest first."""
        request = api.ListOverdueOrdersRequest(
            state=state, page_size=page_size, page_token=page_token
        )
        return Pages(_call("ListOverdueOrders", request), lambda page: page.overdue)

    @unary
    def get_channel_board(
        self, *, start: datetime | None = None, end: datetime | None = None
    ) -> Call[api.ChannelBoard]:
        """Return channel health; without times, of the last hour."""
        request = api.GetChannelBoardRequest(start_time=_timestamp(start), end_time=_timestamp(end))
        return _call("GetChannelBoard", request)

    @listed
    def list_flags(
        self,
        *,
        order: str = "",
        review_pool: bool = False,
        page_size: int = 0,
        page_token: str = "",
    ) -> Pages[flag_pb2.Flag]:
        """Iterate over flags, newest first."""
        request = api.ListFlagsRequest(
            order=resource("orders", order),
            review_pool=review_pool,
            page_size=page_size,
            page_token=page_token,
        )
        return Pages(_call("ListFlags", request), lambda page: page.flags)

    @unary
    def act_on_flag(
        self,
        flag: flag_pb2.Flag,
        action: flag_pb2.Flag.Action.ValueType,
        *,
        request_id: str = "",
        traceparent: str = "",
    ) -> Call[flag_pb2.Flag]:
        """Store a flag and do what it asks for, once.

        Raises:
            FlagNotFoundError: a dismissal of a flag that is not stored.
            OrderNotFoundError: the flag's order is not there.
        """
        request = api.ActOnFlagRequest(
            flag=flag,
            action=action,
            request_id=request_id or self.ids(),
            traceparent=traceparent,
        )
        return _call("ActOnFlag", request)

    @unary
    def verify(self, *, wait: timedelta = timedelta()) -> Call[api.VerifyInsightsResponse]:
        """Compute every window anew from the journal and compare it with the streams' view."""
        return _call(
            "VerifyInsights", api.VerifyInsightsRequest(wait=_duration(wait)), LONG_DEADLINE_S
        )


def _timestamp(at: datetime | None) -> Timestamp | None:
    """Return the time as a message; a naive one would be off by the zone, and is refused."""
    if at is None:
        return None
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def _duration(span: timedelta | None) -> Duration | None:
    if span is None:
        return None
    duration = Duration()
    duration.FromTimedelta(span)
    return duration


def _call(method: str, request: Message, timeout_s: float | None = None) -> Call[Any]:
    return Call(InsightServiceStub, method, request, timeout_s)

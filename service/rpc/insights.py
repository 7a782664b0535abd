"""`InsightService`: boards, overdue orders, flags, and the proof of the boards."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import BoundedSemaphore

import grpc

from concord.insights.v1 import insight_service_pb2 as api
from concord.insights.v1.flag_pb2 import Flag
from concord.insights.v1.insight_service_pb2_grpc import InsightServiceServicer
from service.application.insights import (
    ChannelBoards,
    Flags,
    OverdueOrders,
    StageBoards,
    Verifier,
)
from service.rpc import insight_answers as answers
from service.rpc import insight_requests as requests
from service.rpc.flags import flag_message
from service.rpc.watching import place

# Acting on a flag is a command: idempotent, in one transaction, journalled. It is given as the
# rpc edge of commands makes them.
ActOnFlag = Callable[[api.ActOnFlagRequest, grpc.ServicerContext], Flag]


@dataclass(frozen=True, slots=True)
class InsightUseCases:
    """What the servicer asks."""

    stages: StageBoards
    channels: ChannelBoards
    overdue: OverdueOrders
    flags: Flags
    verifier: Verifier


class InsightServicer(InsightServiceServicer):
    """Maps calls to use cases; refusals and outages pass through to the interceptor."""

    def __init__(
        self, use_cases: InsightUseCases, act_on_flag: ActOnFlag, watchers: BoundedSemaphore
    ) -> None:
        self._ask = use_cases
        self._act_on_flag = act_on_flag
        self._watchers = watchers

    def GetStageBoard(
        self, request: api.GetStageBoardRequest, context: grpc.ServicerContext
    ) -> api.StageBoard:
        """Return the stage board over a time range."""
        return answers.stage_board(self._ask.stages.board(requests.stage_query(request)))

    def WatchStageBoard(
        self, request: api.WatchStageBoardRequest, context: grpc.ServicerContext
    ) -> Iterator[api.StageBoard]:
        """Stream the stage board, once at first and then when it changes."""
        length, channel = requests.watch(request)
        with place(self._watchers):
            for board in self._ask.stages.watch(length, channel, context.is_active):
                yield answers.stage_board(board)

    def ListOverdueOrders(
        self, request: api.ListOverdueOrdersRequest, context: grpc.ServicerContext
    ) -> api.ListOverdueOrdersResponse:
        """List orders that outlived the limit of their state."""
        asked = requests.overdue_page(request)
        found = self._ask.overdue.page(
            asked.state, page_size=asked.page_size, page_token=request.page_token
        )
        limits = self._ask.overdue.limits
        return api.ListOverdueOrdersResponse(
            overdue=[answers.overdue(each, limits[each.evidence.state]) for each in found.rows],
            next_page_token=found.next_token,
        )

    def GetChannelBoard(
        self, request: api.GetChannelBoardRequest, context: grpc.ServicerContext
    ) -> api.ChannelBoard:
        """Return channel health over a time range."""
        return answers.channel_board(self._ask.channels.board(*requests.board_times(request)))

    def ListFlags(
        self, request: api.ListFlagsRequest, context: grpc.ServicerContext
    ) -> api.ListFlagsResponse:
        """List flags, newest first."""
        asked = requests.flag_page(request)
        found = self._ask.flags.page(
            order_id=asked.order_id,
            is_review_pool=request.review_pool,
            page_size=asked.page_size,
            page_token=request.page_token,
        )
        return api.ListFlagsResponse(
            flags=[flag_message(each) for each in found.rows],
            next_page_token=found.next_token,
        )

    def ActOnFlag(self, request: api.ActOnFlagRequest, context: grpc.ServicerContext) -> Flag:
        """Store a flag and do what it asks for, once."""
        return self._act_on_flag(request, context)

    def VerifyInsights(
        self, request: api.VerifyInsightsRequest, context: grpc.ServicerContext
    ) -> api.VerifyInsightsResponse:
        """Compute all windows anew from the journal and compare them with the view."""
        return answers.verification(self._ask.verifier.verify(requests.verify_wait(request)))

"""`InsightService`: boards, overdue orders, flags, and the proof of the boards."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

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

    def __init__(self, use_cases: InsightUseCases, act_on_flag: ActOnFlag) -> None:
        self._ask = use_cases
        self._act_on_flag = act_on_flag

    def GetStageBoard(
        self, request: api.GetStageBoardRequest, context: grpc.ServicerContext
    ) -> api.StageBoard:
        """Return the stage board over a time range."""
        return answers.stage_board(self._ask.stages.board(requests.stage_query(request)))

    def WatchStageBoard(
        self, request: api.WatchStageBoardRequest, context: grpc.ServicerContext
    ) -> Iterator[api.StageBoard]:
        """Stream the stage board, once at first and then when it changes."""
        length = requests.watch_length(request)
        boards = self._ask.stages.watch(length, request.channel, context.is_active)
        return map(answers.stage_board, boards)

    def ListOverdueOrders(
        self, request: api.ListOverdueOrdersRequest, context: grpc.ServicerContext
    ) -> api.ListOverdueOrdersResponse:
        """List orders that outlived the limit of their state."""
        page = requests.overdue_page(request)
        found = self._ask.overdue.page(page.state, page.after, page.size + 1)
        shown = found[: page.size]
        limits = self._ask.overdue.limits
        return api.ListOverdueOrdersResponse(
            overdue=[answers.overdue(each, limits[each.evidence.state]) for each in shown],
            next_page_token=requests.overdue_token(shown[-1].since, shown[-1].order_id)
            if len(found) > len(shown)
            else "",
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
        page = requests.flag_page(request)
        found = self._ask.flags.page(
            order_id=page.order_id,
            is_review_pool=page.is_review_pool,
            before=page.before,
            limit=page.size + 1,
        )
        shown = found[: page.size]
        return api.ListFlagsResponse(
            flags=[answers.flag(each) for _, each in shown],
            next_page_token=requests.flag_token(shown[-1][0]) if len(found) > len(shown) else "",
        )

    def ActOnFlag(self, request: api.ActOnFlagRequest, context: grpc.ServicerContext) -> Flag:
        """Store a flag and do what it asks for, once."""
        return self._act_on_flag(request, context)

    def VerifyInsights(
        self, request: api.VerifyInsightsRequest, context: grpc.ServicerContext
    ) -> api.VerifyInsightsResponse:
        """Compute all windows anew from the journal and compare them with the view."""
        return answers.verification(self._ask.verifier.verify(requests.verify_wait(request)))

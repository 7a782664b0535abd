"""Serves `CaseService`: exception orders in handling."""

from collections.abc import Callable
from typing import Any, Final

import grpc

from concord.cases.v1 import case_service_pb2 as pb
from concord.cases.v1 import case_service_pb2_grpc
from service.application.cases import Desk
from service.application.ports import Clock
from service.application.reading import Reader
from service.domain.cases import Case
from service.rpc.calling import Mutations, Work
from service.rpc.queue_requests import list_query
from service.rpc.violations import Violations
from service.telemetry import annotate
from service.wire import case_message, timestamp

NOTE_MAX: Final = 4_000
CODE_MAX: Final = 64


class CaseServicer(case_service_pb2_grpc.CaseServiceServicer):
    """Reads requests, asks the use cases, writes answers. Refusals pass through."""

    def __init__(self, mutations: Mutations, reader: Reader, clock: Clock) -> None:
        """Take the use cases."""
        self._mutations = mutations
        self._reader = reader
        self._clock = clock

    def OpenCase(self, request: pb.OpenCaseRequest, context: grpc.ServicerContext) -> pb.Case:
        """Open a case on an order."""

        def act(desk: Desk, tools: Work, read: Violations) -> Case:
            order_id = read.resource("order", request.order, "orders")
            kind = read.text("type", request.type, longest=CODE_MAX, needed=True)
            note = read.text("note", request.note, longest=NOTE_MAX)
            read.refuse()
            return desk.open(order_id, kind, note, tools.fresh_id)

        return self._act(request, context, act)

    def GetCase(self, request: pb.GetCaseRequest, context: grpc.ServicerContext) -> pb.Case:
        """Return one case with its log."""
        read = Violations()
        case_id = read.resource("name", request.name, "cases")
        read.refuse()
        case, acts = self._reader.case(case_id)
        annotate(order=case.order_id)
        message = case_message(case)
        message.log.extend(
            pb.Case.LogEntry(
                act=each.act, actor=each.actor, act_time=timestamp(each.at), text=each.text
            )
            for each in acts
        )
        return message

    def ListCases(
        self, request: pb.ListCasesRequest, context: grpc.ServicerContext
    ) -> pb.ListCasesResponse:
        """List cases, most urgent first."""
        query = list_query(request, self._clock())
        page = self._reader.cases(query)
        return pb.ListCasesResponse(
            cases=[case_message(each) for each in page.rows], next_page_token=page.next_token
        )

    def AddCaseNote(self, request: pb.AddCaseNoteRequest, context: grpc.ServicerContext) -> pb.Case:
        """Write a note into the case's log."""

        def act(desk: Desk, _tools: Work, read: Violations) -> Case:
            case_id = read.resource("name", request.name, "cases")
            text = read.text("text", request.text, longest=NOTE_MAX, needed=True)
            read.refuse()
            return desk.note(case_id, text)

        return self._act(request, context, act)

    def AssignCase(self, request: pb.AssignCaseRequest, context: grpc.ServicerContext) -> pb.Case:
        """Give the case to somebody."""

        def act(desk: Desk, _tools: Work, read: Violations) -> Case:
            case_id = read.resource("name", request.name, "cases")
            assignee = read.text("assignee", request.assignee, longest=CODE_MAX, needed=True)
            read.refuse()
            return desk.assign(case_id, assignee)

        return self._act(request, context, act)

    def ResolveCase(self, request: pb.ResolveCaseRequest, context: grpc.ServicerContext) -> pb.Case:
        """End the case."""

        def act(desk: Desk, _tools: Work, read: Violations) -> Case:
            case_id = read.resource("name", request.name, "cases")
            outcome = read.text("outcome", request.outcome, longest=CODE_MAX, needed=True)
            note = read.text("note", request.note, longest=NOTE_MAX)
            read.refuse()
            return desk.resolve(case_id, outcome, note)

        return self._act(request, context, act)

    def _act(
        self,
        request: Any,  # noqa: ANN401  # the request of any act
        context: grpc.ServicerContext,
        act: Callable[[Desk, Work, Violations], Case],
    ) -> pb.Case:
        def work(tools: Work) -> pb.Case:
            desk = Desk(tools.unit, tools.encoder, tools.origin, tools.at)
            return case_message(act(desk, tools, Violations()))

        case = self._mutations.run(request, context, pb.Case, work)
        annotate(order=case.order.removeprefix("orders/"))
        return case

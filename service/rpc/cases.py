"""Serves `CaseService`: exception orders in handling."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import grpc

from concord.cases.v1 import case_service_pb2 as pb
from concord.cases.v1 import case_service_pb2_grpc
from service.application.cases import Desk
from service.application.conditions import Conditions
from service.application.documents import Documents
from service.application.handlings import CaseView
from service.application.ports import Clock
from service.application.reading import Reader
from service.domain.cases import Case
from service.domain.desk.errors import DocumentNotFoundError
from service.domain.terms import Terms
from service.rpc import case_requests as asked
from service.rpc.calling import Mutations, Work
from service.rpc.case_answers import case_answer, case_line, document_message, purchase_message
from service.rpc.case_requests import CODE_MAX, NOTE_MAX
from service.rpc.queue_requests import list_query
from service.rpc.violations import Violations
from service.telemetry import annotate

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class CaseUseCases:
    """What cases are served with."""

    mutations: Mutations
    reader: Reader
    clock: Clock
    terms: Terms
    conditions: Conditions
    documents: Documents


class CaseServicer(case_service_pb2_grpc.CaseServiceServicer):
    """Reads requests, asks the use cases, writes answers. Refusals pass through."""

    def __init__(self, use_cases: CaseUseCases) -> None:
        """Take the use cases."""
        self._of = use_cases

    def OpenCase(self, request: pb.OpenCaseRequest, context: grpc.ServicerContext) -> pb.Case:
        """Open a case on an order."""
        read = Violations()
        order_id = read.resource("order", request.order, "orders")
        kind = read.text("type", request.type, longest=CODE_MAX, needed=True)
        note = read.text("note", request.note, longest=NOTE_MAX)

        def act(desk: Desk, fresh_id: str) -> Case:
            read.refuse()
            return desk.open(order_id, kind, note, fresh_id)

        return self._act(request, context, act)

    def GetCase(self, request: pb.GetCaseRequest, context: grpc.ServicerContext) -> pb.Case:
        """Return one case with its log, its steps, and what may be done."""
        read = Violations()
        case_id = read.resource("name", request.name, "cases")
        read.refuse()
        view = self._view(case_id)
        annotate(order=view.handling.case.order_id)
        return case_answer(view)

    def ListCases(
        self, request: pb.ListCasesRequest, context: grpc.ServicerContext
    ) -> pb.ListCasesResponse:
        """List cases, most urgent first."""
        page = self._of.reader.cases(list_query(request, at=self._of.clock()))
        return pb.ListCasesResponse(
            cases=[case_line(each) for each in page.rows], next_page_token=page.next_token
        )

    def ActOnCase(self, request: pb.ActOnCaseRequest, context: grpc.ServicerContext) -> pb.Case:
        """Do what a step of the case's workflow allows."""
        read = Violations()
        case_id = read.resource("name", request.name, "cases")
        step = read.text("step", request.step, longest=CODE_MAX)
        name = read.text("act", request.act, longest=CODE_MAX, needed=True)
        note = read.text("note", request.note, longest=NOTE_MAX)
        given = asked.given(read, request.documents)

        def act(desk: Desk, _fresh_id: str) -> Case:
            read.refuse()
            return desk.act(case_id, step, name, given, note=note, etag=request.etag)

        return self._act(request, context, act)

    def AddCaseNote(self, request: pb.AddCaseNoteRequest, context: grpc.ServicerContext) -> pb.Case:
        """Write a note into the case's log."""
        return self._say(request, context, "text", Desk.note)

    def AddCaseDocument(
        self, request: pb.AddCaseDocumentRequest, context: grpc.ServicerContext
    ) -> pb.Case:
        """Add a document; its file is kept before anybody hears of it."""
        read, documents = Violations(), self._of.documents
        case_id = read.resource("name", request.name, "cases")
        told = asked.document(read, request, documents, self._of.clock())
        if request.content:
            # Kept under its digest: should the call end here, a repeat keeps it again.
            told = replace(told, location=documents.put(told.digest, request.content))
        return self._act(request, context, lambda desk, _id: desk.document(case_id, told))

    def GetCaseDocument(
        self, request: pb.GetCaseDocumentRequest, context: grpc.ServicerContext
    ) -> pb.CaseDocument:
        """Return a document with its content."""
        read = Violations()
        case_id = read.resource("name", request.name, "cases")
        read.refuse()
        known = {each.number: each for each in self._view(case_id).handling.documents}
        found = known.get(request.number)
        if found is None:
            raise DocumentNotFoundError(case=case_id, number=request.number)
        content = self._of.documents.get(found.location) if found.location else b""
        return document_message(found, content)

    def AssignCase(self, request: pb.AssignCaseRequest, context: grpc.ServicerContext) -> pb.Case:
        """Give the case to somebody."""
        return self._say(request, context, "assignee", Desk.assign, longest=CODE_MAX)

    def EscalateCase(
        self, request: pb.EscalateCaseRequest, context: grpc.ServicerContext
    ) -> pb.Case:
        """Bring the case before the next role that its type names."""
        return self._say(request, context, "note", Desk.escalate)

    def PauseCase(self, request: pb.PauseCaseRequest, context: grpc.ServicerContext) -> pb.Case:
        """Let the case's clocks stand still."""
        return self._say(request, context, "reason", Desk.pause)

    def ResumeCase(self, request: pb.ResumeCaseRequest, context: grpc.ServicerContext) -> pb.Case:
        """Let the case's clocks run again."""
        return self._say(request, context, "note", Desk.resume, needed=False)

    def MergeCases(self, request: pb.MergeCasesRequest, context: grpc.ServicerContext) -> pb.Case:
        """End the case as a duplicate of another."""
        read = Violations()
        into = read.resource("into", request.into, "cases")
        return self._say(
            request,
            context,
            "note",
            lambda desk, case_id, note, etag: desk.merge(case_id, into, note, etag=etag),
            needed=False,
            read=read,
        )

    def LinkCases(self, request: pb.LinkCasesRequest, context: grpc.ServicerContext) -> pb.Case:
        """Say that two cases belong together."""
        read = Violations()
        other = read.resource("other", request.other, "cases")
        return self._say(
            request,
            context,
            "note",
            lambda desk, case_id, note: desk.link(case_id, other, note),
            needed=False,
            read=read,
        )

    def ResolveCase(self, request: pb.ResolveCaseRequest, context: grpc.ServicerContext) -> pb.Case:
        """End the case."""
        read = Violations()
        outcome = read.text("outcome", request.outcome, longest=CODE_MAX, needed=True)
        return self._say(
            request,
            context,
            "note",
            lambda desk, case_id, note, etag: desk.resolve(case_id, outcome, note, etag=etag),
            needed=False,
            read=read,
        )

    def ReopenCase(self, request: pb.ReopenCaseRequest, context: grpc.ServicerContext) -> pb.Case:
        """Open an ended case again."""
        return self._say(request, context, "note", Desk.reopen)

    def ListPurchaseRequests(
        self, request: pb.ListPurchaseRequestsRequest, context: grpc.ServicerContext
    ) -> pb.ListPurchaseRequestsResponse:
        """List what purchasing was asked for, oldest first."""
        read = Violations()
        case_id = read.resource("case", request.case, "cases") if request.case else ""
        size = read.number("page_size", request.page_size, most=PAGE_SIZE_MAX, default=PAGE_SIZE)
        read.refuse()
        page = self._of.reader.purchases(
            case_id=case_id,
            include_closed=request.include_closed,
            page_size=size,
            page_token=request.page_token,
        )
        return pb.ListPurchaseRequestsResponse(
            purchase_requests=[purchase_message(each) for each in page.rows],
            next_page_token=page.next_token,
        )

    def AnswerPurchaseRequest(
        self, request: pb.AnswerPurchaseRequestRequest, context: grpc.ServicerContext
    ) -> pb.PurchaseRequest:
        """Say what becomes of a purchase request."""

        def work(tools: Work) -> pb.PurchaseRequest:
            read = Violations()
            name = read.resource("name", request.name, "purchaseRequests")
            state = asked.answer(read, request.state)
            note = read.text("note", request.note, longest=NOTE_MAX)
            expected = read.moment("expect_time", request.expect_time, default=tools.at)
            read.refuse()
            when = expected if request.HasField("expect_time") else None
            return purchase_message(self._desk(tools).answer_purchase(name, state, when, note))

        return self._of.mutations.run(request, context, pb.PurchaseRequest, work)

    def _say(
        self,
        request: Any,  # noqa: ANN401  # the request of any act
        context: grpc.ServicerContext,
        field: str,
        act: Callable[..., Case],
        *,
        longest: int = NOTE_MAX,
        needed: bool = True,
        read: Violations | None = None,
    ) -> pb.Case:
        """Do an act that takes the case, some words, and the etag where the request has one."""
        read = read or Violations()
        case_id = read.resource("name", request.name, "cases")
        words = read.text(field, getattr(request, field), longest=longest, needed=needed)
        guard = {"etag": request.etag} if "etag" in request.DESCRIPTOR.fields_by_name else {}

        def work(desk: Desk, _fresh_id: str) -> Case:
            read.refuse()
            return act(desk, case_id, words, **guard)

        return self._act(request, context, work)

    def _act(
        self,
        request: Any,  # noqa: ANN401  # as above
        context: grpc.ServicerContext,
        act: Callable[[Desk, str], Case],
    ) -> pb.Case:
        def work(tools: Work) -> pb.Case:
            desk = self._desk(tools)
            case = act(desk, tools.fresh_id)
            return case_answer(desk.view(case.case_id))

        case = self._of.mutations.run(request, context, pb.Case, work)
        annotate(order=case.order.removeprefix("orders/"))
        return case

    def _desk(self, tools: Work) -> Desk:
        return Desk(
            tools.unit, tools.encoder, tools.origin, tools.at, tools.terms, self._of.conditions
        )

    def _view(self, case_id: str) -> CaseView:
        return self._of.reader.case_view(case_id, self._of.terms)

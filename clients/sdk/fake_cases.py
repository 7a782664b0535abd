"""The fake service's exception desk: cases by hand, without a workflow and without clocks."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import grpc

from clients.sdk.fake_memory import TICK_S, Memory, page_of, refusal, stamp
from concord.cases.v1 import case_service_pb2 as cases
from concord.cases.v1 import queue_service_pb2 as queues
from concord.orders.v1.order_pb2 import Order

QUEUE: Final = 50
RESOLVED: Final = cases.Case.STATE_RESOLVED
CLOSED: Final = (cases.PurchaseRequest.STATE_ARRIVED, cases.PurchaseRequest.STATE_DROPPED)


class FakeCases(Memory):
    """`CaseService` and `QueueService`."""

    orders: dict[str, Order]

    def __init__(self) -> None:
        super().__init__()
        self.cases: dict[str, cases.Case] = {}
        self.contents: dict[str, bytes] = {}
        self.purchases: dict[str, cases.PurchaseRequest] = {}

    def open_case(self, request: cases.OpenCaseRequest) -> cases.Case:
        if request.order not in self.orders:
            raise refusal("ORDER_NOT_FOUND", order=request.order)
        case = cases.Case(
            name=f"cases/case-{len(self.cases) + 1}",
            order=request.order,
            type=request.type,
            state=cases.Case.STATE_OPEN,
            owner_role="operations",
            open_time=stamp(self._now()),
            due_time=stamp(self._now() + timedelta(hours=4)),
        )
        self.cases[case.name] = case
        return self._act(case, "OPENED", request.note)

    def get_case(self, request: cases.GetCaseRequest) -> cases.Case:
        return self._case(request.name)

    def list_cases(self, request: cases.ListCasesRequest) -> cases.ListCasesResponse:
        chosen = [
            case
            for case in self._chosen(request)
            if request.include_resolved or case.state != RESOLVED
        ]
        page, following = page_of(chosen, request)
        return cases.ListCasesResponse(cases=page, next_page_token=following)

    def add_case_note(self, request: cases.AddCaseNoteRequest) -> cases.Case:
        return self._act(self._case(request.name), "NOTED", request.text)

    def act_on_case(self, request: cases.ActOnCaseRequest) -> cases.Case:
        """Do an allowed act that a test put into the case; what follows is for the test to put."""
        case = self._open_case(request.name, request.etag)
        given = {each.kind for each in request.documents}
        for allowed in case.allowed_acts:
            if allowed.act == request.act and request.step in {"", allowed.step}:
                if missing := [each for each in allowed.missing_documents if each not in given]:
                    raise refusal("DOCUMENTS_MISSING", case=case.name, missing=", ".join(missing))
                for document in request.documents:
                    self._add(case, document.kind, document.text, b"")
                return self._act(case, "ACTED", request.note, f"{allowed.step}.{allowed.act}")
        raise refusal("STEP_NOT_ACTIVE", case=case.name, step=request.step, act=request.act)

    def add_case_document(self, request: cases.AddCaseDocumentRequest) -> cases.Case:
        case = self._open_case(request.name)
        added = self._add(case, request.kind, request.text, request.content)
        added.file_name, added.media_type = request.file_name, request.media_type
        return self._act(case, "DOCUMENTED", "")

    def get_case_document(self, request: cases.GetCaseDocumentRequest) -> cases.CaseDocument:
        for document in self._case(request.name).documents:
            if document.number == request.number:
                found = cases.CaseDocument()
                found.CopyFrom(document)
                found.content = self.contents.get(document.digest, b"")
                return found
        raise refusal("DOCUMENT_NOT_FOUND", case=request.name, number=str(request.number))

    def assign_case(self, request: cases.AssignCaseRequest) -> cases.Case:
        case = self._open_case(request.name, request.etag)
        case.assignee, case.state = request.assignee, cases.Case.STATE_ASSIGNED
        return self._act(case, "ASSIGNED", request.assignee)

    def escalate_case(self, request: cases.EscalateCaseRequest) -> cases.Case:
        case = self._open_case(request.name, request.etag)
        case.level += 1
        return self._act(case, "ESCALATED", request.note)

    def pause_case(self, request: cases.PauseCaseRequest) -> cases.Case:
        case = self._open_case(request.name, request.etag)
        if case.HasField("pause_time"):
            raise refusal("CASE_PAUSED", case=case.name)
        case.pause_time.CopyFrom(stamp(self._now()))
        case.pause_reason = request.reason
        return self._act(case, "PAUSED", request.reason)

    def resume_case(self, request: cases.ResumeCaseRequest) -> cases.Case:
        case = self._open_case(request.name, request.etag)
        if not case.HasField("pause_time"):
            raise refusal("CASE_NOT_PAUSED", case=case.name)
        case.ClearField("pause_time")
        case.ClearField("pause_reason")
        return self._act(case, "RESUMED", request.note)

    def merge_cases(self, request: cases.MergeCasesRequest) -> cases.Case:
        case, into = self._open_case(request.name, request.etag), self._open_case(request.into)
        case.state, case.outcome, case.merged_into = RESOLVED, "MERGED", into.name
        return self._act(case, "MERGED", request.note)

    def link_cases(self, request: cases.LinkCasesRequest) -> cases.Case:
        case, other = self._case(request.name), self._case(request.other)
        case.links.add(case=other.name, kind="RELATED")
        other.links.add(case=case.name, kind="RELATED")
        return self._act(case, "LINKED", request.note)

    def resolve_case(self, request: cases.ResolveCaseRequest) -> cases.Case:
        case = self._open_case(request.name, request.etag)
        case.outcome, case.state = request.outcome, RESOLVED
        return self._act(case, "RESOLVED", request.note)

    def reopen_case(self, request: cases.ReopenCaseRequest) -> cases.Case:
        case = self._case(request.name)
        if case.state != RESOLVED:
            raise refusal("CASE_NOT_RESOLVED", case=case.name)
        case.state, case.outcome = cases.Case.STATE_OPEN, ""
        case.reopened += 1
        return self._act(case, "REOPENED", request.note)

    def list_purchase_requests(
        self, request: cases.ListPurchaseRequestsRequest
    ) -> cases.ListPurchaseRequestsResponse:
        chosen = [
            each
            for each in self.purchases.values()
            if request.case in {"", each.case}
            and (request.include_closed or not each.HasField("close_time"))
        ]
        page, following = page_of(chosen, request)
        return cases.ListPurchaseRequestsResponse(purchase_requests=page, next_page_token=following)

    def answer_purchase_request(
        self, request: cases.AnswerPurchaseRequestRequest
    ) -> cases.PurchaseRequest:
        if request.name not in self.purchases:
            raise refusal("PURCHASE_REQUEST_NOT_FOUND", purchaseRequest=request.name)
        purchase = self.purchases[request.name]
        purchase.state = request.state
        purchase.expect_time.CopyFrom(request.expect_time)
        if request.state in CLOSED:
            purchase.close_time.CopyFrom(stamp(self._now()))
        return purchase

    def count_queue(self, request: queues.CountQueueRequest) -> queues.QueueCounts:
        by_role: dict[tuple[str, str], list[cases.Case]] = defaultdict(list)
        for case in self._queue(request.filter):
            by_role[case.owner_role, case.type].append(case)
        rows = [
            queues.QueueCounts.Row(
                owner_role=role,
                type=kind,
                open=len(found),
                unassigned=sum(not case.assignee for case in found),
                oldest_time=min((case.open_time for case in found), key=lambda at: at.seconds),
            )
            for (role, kind), found in sorted(by_role.items())
        ]
        return queues.QueueCounts(rows=rows, read_time=stamp(self._now()))

    def watch_queue(
        self, request: queues.WatchQueueRequest, context: grpc.ServicerContext
    ) -> Iterator[queues.Queue]:
        shown: list[cases.Case] | None = None
        while not self._closed and context.is_active():
            with self._changed:
                found = list(self._queue(request.filter))[: request.size or QUEUE]
                counts = self.count_queue(queues.CountQueueRequest(filter=request.filter))
                if found == shown:
                    self._changed.wait(TICK_S)
                    continue
            queue = queues.Queue(cases=found, counts=counts)
            shown = list(queue.cases)
            yield queue

    def get_desk_statistics(
        self, request: queues.GetDeskStatisticsRequest
    ) -> queues.DeskStatistics:
        return queues.DeskStatistics(
            start_time=stamp(self._now() - timedelta(days=7)), end_time=stamp(self._now())
        )

    def _queue(self, asked: queues.QueueFilter) -> Iterator[cases.Case]:
        return (case for case in self._chosen(asked) if case.state != RESOLVED)

    def _chosen(self, asked: Any) -> Iterator[cases.Case]:  # noqa: ANN401  # any filter of cases
        side = getattr(asked, "class")
        for case in self.cases.values():
            if (
                asked.order in {"", case.order}
                and asked.owner_role in {"", case.owner_role}
                and asked.type in {"", case.type}
                and asked.assignee in {"", case.assignee}
                and side in {0, getattr(case, "class")}
                and (not asked.states or case.state in asked.states)
                and not (asked.unassigned and case.assignee)
            ):
                yield case

    def _case(self, name: str) -> cases.Case:
        if name not in self.cases:
            raise refusal("CASE_NOT_FOUND", case=name)
        return self.cases[name]

    def _open_case(self, name: str, etag: str = "") -> cases.Case:
        case = self._case(name)
        if case.state == RESOLVED:
            raise refusal("CASE_CLOSED", case=case.name)
        if etag not in {"", case.etag}:
            raise refusal("CASE_CHANGED", case=case.name, etag=case.etag)
        return case

    def _add(self, case: cases.Case, kind: str, text: str, content: bytes) -> cases.CaseDocument:
        held = content or text.encode()
        added = case.documents.add(
            number=len(case.documents) + 1,
            kind=kind,
            text=text,
            size=len(held),
            digest=hashlib.sha256(held).hexdigest(),
            actor="fake",
            add_time=stamp(self._now()),
        )
        self.contents[added.digest] = held
        return added

    def _act(self, case: cases.Case, act: str, text: str, step: str = "") -> cases.Case:
        case.log.add(act=act, actor="fake", act_time=stamp(self._now()), text=text, step=step)
        case.etag = str(len(case.log))
        return case

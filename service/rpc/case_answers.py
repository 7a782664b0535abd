"""Writes cases, with how they are handled, as messages."""

from collections.abc import Sequence

from concord.cases.v1 import case_service_pb2 as pb
from service.application.desk_ports import CaseLink
from service.application.handlings import CaseView
from service.domain.cases import Case, CaseAct
from service.domain.desk.handling import AllowedAct, Document, StepRun, allowed
from service.domain.desk.purchases import PurchaseRequest
from service.wire import case_message, timestamp


def case_line(case: Case) -> pb.Case:
    """Return a case as lists show it."""
    message = case_message(case)
    message.severity = pb.Case.Severity.Value(f"SEVERITY_{case.severity.value}")
    message.workflow = case.workflow
    message.level = case.level
    message.pause_reason = case.pause_reason
    message.merged_into = f"cases/{case.merged_into}" if case.merged_into else ""
    message.reopened = case.reopened
    message.awaits.extend(case.awaits)
    for field, moment in (
        (message.respond_by_time, case.respond_by),
        (message.respond_time, case.responded_at),
        (message.warn_time, case.warned_at),
        (message.breach_time, case.breached_at),
        (message.pause_time, case.paused_at),
    ):
        if moment is not None:
            field.CopyFrom(timestamp(moment))
    return message


def case_answer(view: CaseView) -> pb.Case:
    """Return a case with its steps, its documents, and what may be done."""
    handling = view.handling
    message = case_line(handling.case)
    message.steps.extend(_step(each) for each in handling.runs)
    message.documents.extend(document_message(each) for each in handling.documents)
    if not handling.case.is_resolved:
        message.allowed_acts.extend(_allowed(each) for each in allowed(handling))
    message.links.extend(_links(handling.case.case_id, view.links))
    message.purchase_requests.extend(purchase_message(each) for each in view.purchases)
    message.log.extend(_entry(each) for each in view.log)
    return message


def document_message(document: Document, content: bytes = b"") -> pb.CaseDocument:
    """Return a document, with its content where that was asked for."""
    return pb.CaseDocument(
        number=document.number,
        kind=document.name,
        text=document.text,
        file_name=document.file_name,
        media_type=document.media_type,
        size=document.size,
        digest=document.digest,
        actor=document.actor,
        role=document.role,
        add_time=timestamp(document.added_at),
        content=content,
    )


def purchase_message(request: PurchaseRequest) -> pb.PurchaseRequest:
    """Return what purchasing was asked for."""
    message = pb.PurchaseRequest(
        name=f"purchaseRequests/{request.purchase_id}",
        case=f"cases/{request.case_id}" if request.case_id else "",
        order=f"orders/{request.order_id}",
        lines=[
            pb.PurchaseRequest.Line(sku=sku, quantity=quantity) for sku, quantity in request.lines
        ],
        state=pb.PurchaseRequest.State.Value(f"STATE_{request.state.value}"),
        request_time=timestamp(request.requested_at),
    )
    if request.expected_at:
        message.expect_time.CopyFrom(timestamp(request.expected_at))
    if request.closed_at:
        message.close_time.CopyFrom(timestamp(request.closed_at))
    return message


def _step(run: StepRun) -> pb.Case.Step:
    message = pb.Case.Step(
        step=run.step,
        number=run.number,
        role=run.role,
        begin_time=timestamp(run.begun_at),
        act=run.act,
        actor=run.actor,
    )
    if run.timer_at:
        message.timer_time.CopyFrom(timestamp(run.timer_at))
    if run.ended_at:
        message.end_time.CopyFrom(timestamp(run.ended_at))
    return message


def _allowed(act: AllowedAct) -> pb.Case.AllowedAct:
    message = pb.Case.AllowedAct(
        step=act.step,
        act=act.act,
        roles=act.roles,
        missing_documents=act.missing,
        condition=act.condition,
    )
    if act.until:
        message.until_time.CopyFrom(timestamp(act.until))
    return message


def _links(case_id: str, links: Sequence[CaseLink]) -> list[pb.Case.Link]:
    return [
        pb.Case.Link(
            case=f"cases/{each.other_id if each.case_id == case_id else each.case_id}",
            kind=each.kind,
        )
        for each in links
    ]


def _entry(act: CaseAct) -> pb.Case.LogEntry:
    return pb.Case.LogEntry(
        act=act.act,
        actor=act.actor,
        act_time=timestamp(act.at),
        text=act.text,
        role=act.role,
        address=act.address,
        step=act.step,
        document=act.document,
        automatic=act.is_automatic,
    )

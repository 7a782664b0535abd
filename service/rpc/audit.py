"""Serves `AuditService`: the register of invariants, and what violates them."""

from typing import Final

import grpc

from concord.audit.v1 import audit_service_pb2 as pb
from concord.audit.v1 import audit_service_pb2_grpc
from service.application.invariants import Audit, AuditPage
from service.domain.invariants import REGISTER, Finding, Invariant, Told
from service.rpc.violations import Violations

_TOLD: Final = {each: pb.Invariant.Told.Value(f"TOLD_{each.value}") for each in Told}


class AuditServicer(audit_service_pb2_grpc.AuditServiceServicer):
    """Translates between the contract and the `Audit` port."""

    def __init__(self, audit: Audit) -> None:
        """Take what looks."""
        self._audit = audit

    def ListInvariants(
        self, request: pb.ListInvariantsRequest, context: grpc.ServicerContext
    ) -> pb.ListInvariantsResponse:
        """List the register."""
        return pb.ListInvariantsResponse(
            invariants=[_invariant(each) for each in REGISTER.values()]
        )

    def CheckInvariants(
        self, request: pb.CheckInvariantsRequest, context: grpc.ServicerContext
    ) -> pb.CheckInvariantsResponse:
        """Look at the next rows, or at one order."""
        read = Violations()
        order_id = read.resource("order", request.order, "orders") if request.order else ""
        read.refuse()
        if order_id:
            return _response(self._audit.order(order_id))
        return _response(self._audit.page(request.page_token, size=max(request.page_size, 0)))


def _invariant(each: Invariant) -> pb.Invariant:
    return pb.Invariant(
        invariant_id=each.id,
        name_en=each.name[0],
        name_zh=each.name[1],
        statement_en=each.statement[0],
        statement_zh=each.statement[1],
        owner_role=each.owner_role,
        told_by=[_TOLD[told] for told in each.told_by],
        suites=each.suites,
        advice_en=each.advice[0],
        advice_zh=each.advice[1],
    )


def _response(page: AuditPage) -> pb.CheckInvariantsResponse:
    return pb.CheckInvariantsResponse(
        findings=[_finding(each) for each in page.findings], next_page_token=page.next_token
    )


def _finding(found: Finding) -> pb.Finding:
    return pb.Finding(
        invariant_id=found.invariant,
        checked=found.checked,
        violation_count=found.count,
        violations=[
            pb.Violation(subject=each.subject, problem=each.problem) for each in found.violations
        ],
    )

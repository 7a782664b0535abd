"""Names of the domain and names on the wire are the same names."""

from __future__ import annotations

from enum import Enum

import pytest
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper

from concord.audit.v1 import audit_service_pb2
from concord.batches.v1 import batch_service_pb2
from concord.cases.v1 import case_service_pb2
from concord.channels.v1 import feed_pb2, run_pb2
from concord.intake.v1 import fact_pb2
from concord.inventory.v1 import planning_pb2
from concord.notices.v1 import notice_service_pb2
from concord.orders.v1 import order_pb2, order_service_pb2
from concord.probes.v1 import probe_service_pb2
from concord.reconciliations.v1 import reconciliation_pb2
from service.domain.cases import CaseState
from service.domain.channels.feeds import FeedState, Mode
from service.domain.channels.health import HealthState
from service.domain.channels.incidents import IncidentState
from service.domain.channels.runs import Purpose, RunState
from service.domain.channels.runs import Result as RunResult
from service.domain.claims import Standing
from service.domain.desk.batches import BatchState, MemberState
from service.domain.desk.notices import DeliveryState, NoticeState, SendResult
from service.domain.desk.purchases import PurchaseState
from service.domain.desk.taxonomy import Severity, Side
from service.domain.facts import Circumstance, FactKind, Outcome
from service.domain.inquiries import InquiryKind
from service.domain.invariants import Told
from service.domain.lifecycle import Action, State
from service.domain.probing import ProbeState, Result
from service.domain.reconciling.differences import DifferenceState
from service.domain.reconciling.judging import DifferenceKind
from service.domain.stock_plans import PlanState
from service.domain.truth import RefundState

SAME: dict[str, tuple[type[Enum], EnumTypeWrapper, str]] = {
    "state": (State, order_pb2.Order.State, "STATE_"),
    "refund state": (RefundState, order_pb2.Order.RefundState, "REFUND_STATE_"),
    "fact": (FactKind, fact_pb2.Fact.Kind, "KIND_"),
    "circumstance": (Circumstance, fact_pb2.Fact.Circumstance, "CIRCUMSTANCE_"),
    "outcome": (Outcome, fact_pb2.Outcome, "OUTCOME_"),
    "case state": (CaseState, case_service_pb2.Case.State, "STATE_"),
    "batch state": (BatchState, batch_service_pb2.Batch.State, "STATE_"),
    "batch member": (MemberState, batch_service_pb2.BatchMember.State, "STATE_"),
    "case class": (Side, case_service_pb2.Case.Class, "CLASS_"),
    "case severity": (Severity, case_service_pb2.Case.Severity, "SEVERITY_"),
    "purchase plan": (PlanState, planning_pb2.PurchasePlan.State, "STATE_"),
    "purchase state": (PurchaseState, case_service_pb2.PurchaseRequest.State, "STATE_"),
    "difference kind": (DifferenceKind, reconciliation_pb2.Difference.Kind, "KIND_"),
    "difference state": (DifferenceState, reconciliation_pb2.Difference.State, "STATE_"),
    "probe kind": (InquiryKind, probe_service_pb2.Probe.Kind, "KIND_"),
    "probe state": (ProbeState, probe_service_pb2.Probe.State, "STATE_"),
    "told": (Told, audit_service_pb2.Invariant.Told, "TOLD_"),
    "notice state": (NoticeState, notice_service_pb2.Notice.State, "STATE_"),
    "notice severity": (Severity, notice_service_pb2.Notice.Severity, "SEVERITY_"),
    "delivery state": (DeliveryState, notice_service_pb2.Delivery.State, "STATE_"),
    "send result": (SendResult, notice_service_pb2.ReportDeliveryRequest.Result, "RESULT_"),
    "feed mode": (Mode, feed_pb2.Feed.Mode, "MODE_"),
    "feed state": (FeedState, feed_pb2.Feed.State, "STATE_"),
    "feed health": (HealthState, feed_pb2.FeedHealth.State, "STATE_"),
    "run purpose": (Purpose, run_pb2.Run.Purpose, "PURPOSE_"),
    "run state": (RunState, run_pb2.Run.State, "STATE_"),
    "run result": (RunResult, run_pb2.ReportRunRequest.Result, "RESULT_"),
    "incident state": (IncidentState, run_pb2.Incident.State, "STATE_"),
    "probe result": (Result, probe_service_pb2.ReportProbeRequest.Result, "RESULT_"),
}  # type: ignore[dict-item]  # generated enums are wrappers at run time


@pytest.mark.parametrize("name", SAME)
def test_the_wire_has_a_value_for_every_member_and_no_other(name: str) -> None:
    members, wire, prefix = SAME[name]

    expected = {f"{prefix}{each.value}" for each in members} | {f"{prefix}UNSPECIFIED"}
    assert set(wire.keys()) == expected
    assert wire.Value(f"{prefix}UNSPECIFIED") == 0


@pytest.mark.parametrize("members", [State, RefundState, FactKind, Circumstance, Outcome, Action])
def test_a_member_is_stored_by_its_name(members: type[Enum]) -> None:
    assert all(each.value == each.name for each in members)


def test_a_claim_has_the_standings_that_the_contract_lists() -> None:
    explanation = order_service_pb2.OrderExplanation.DESCRIPTOR
    standing = explanation.nested_types_by_name["Claim"].enum_types_by_name["Standing"]

    assert {each.name.removeprefix("STANDING_") for each in standing.values} == {
        "UNSPECIFIED",
        *(each.value for each in Standing),
    }

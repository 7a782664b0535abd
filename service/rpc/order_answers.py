"""Writes explanations and journals as messages."""

from concord.orders.v1 import order_service_pb2 as pb
from service.application.reading import Explanation, JournalLine
from service.domain.cases import case_id_for
from service.domain.claims import Claim
from service.domain.contradictions import POLICY, Discrepancy
from service.domain.expectations import Expectation
from service.rpc.handling import handling_entry
from service.rpc.probe_answers import verification
from service.wire import order_message, state_number, timestamp


def journal_message(line: JournalLine, *, with_event: bool) -> pb.JournalEntry:
    """Return one journal row."""
    return pb.JournalEntry(
        order=f"orders/{line.order_id}",
        sequence=line.sequence,
        kind=line.kind,
        source=line.source,
        actor=line.actor,
        role=line.role,
        address=line.address,
        voucher=line.voucher,
        reason=line.reason,
        old_value=line.old_value,
        new_value=line.new_value,
        occurred_time=timestamp(line.occurred_at),
        record_time=timestamp(line.recorded_at),
        trace_id=line.trace_id,
        hash=line.hash.hex(),
        event=line.event if with_event else b"",
    )


def explanation_message(told: Explanation) -> pb.OrderExplanation:
    """Return an explanation."""
    open_cases = {case.case_id for case in told.cases}
    order = order_message(told.order)
    order.verifications.extend(verification(each) for each in told.verifications)
    order.handling.extend(handling_entry(each) for each in told.handling)
    return pb.OrderExplanation(
        order=order,
        summary_en=told.summary_en,
        summary_zh=told.summary_zh,
        evidence=told.evidence,
        claims=[_claim(each) for each in told.claims],
        expectations=[_expectation(each) for each in told.awaited],
        discrepancies=[
            _discrepancy(each, told.order.order_id, open_cases) for each in told.discrepancies
        ],
        open_cases=[f"cases/{case.case_id}" for case in told.cases],
        flags=[f"flags/{each}" for each in told.flags],
        trace_ids=told.trace_ids,
        allowed_actions=told.allowed_actions,
    )


def _claim(claim: Claim) -> pb.OrderExplanation.Claim:
    message = pb.OrderExplanation.Claim(
        source=claim.source,
        state=state_number(claim.state),
        occurred_time=timestamp(claim.occurred_at),
        voucher=claim.voucher,
        standing=pb.OrderExplanation.Claim.Standing.Value(f"STANDING_{claim.standing.value}"),
        learnt=claim.learnt.value,
    )
    if claim.recorded_at:
        message.record_time.CopyFrom(timestamp(claim.recorded_at))
    return message


def _expectation(awaited: Expectation) -> pb.OrderExplanation.Expectation:
    message = pb.OrderExplanation.Expectation(
        kind=awaited.kind.value, due_time=timestamp(awaited.due_at), then=awaited.case_type
    )
    # `from` is a Python word, so the field has no plain name.
    setattr(message, "from", awaited.waits_for)
    return message


def _discrepancy(
    found: Discrepancy, order_id: str, open_cases: set[str]
) -> pb.OrderExplanation.Discrepancy:
    policy = POLICY[found.kind]
    case_id = case_id_for(order_id, found.kind.value)
    return pb.OrderExplanation.Discrepancy(
        kind=found.kind.value,
        text_en=policy.text_en,
        text_zh=policy.text_zh,
        owner_role=policy.owner_role,
        case=f"cases/{case_id}" if case_id in open_cases else "",
    )

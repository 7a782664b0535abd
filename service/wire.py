"""Domain values as messages of the contract; what RPC answers and published events share."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money as MoneyProto

from concord.cases.v1 import case_service_pb2 as case_pb
from concord.intake.v1 import fact_pb2
from concord.orders.v1 import order_pb2
from service.domain.cases import Case
from service.domain.facts import Fact, Outcome
from service.domain.lifecycle import State
from service.domain.money import Money, exponent
from service.domain.order import Hold, Order
from service.domain.truth import RefundState

NANO_DIGITS: Final = 9
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_S: Final = 86_400
_STATES: Final[Mapping[State, order_pb2.Order.State.ValueType]] = {
    each: order_pb2.Order.State.Value(f"STATE_{each.value}") for each in State
}
_REFUND_STATES: Final[Mapping[RefundState, order_pb2.Order.RefundState.ValueType]] = {
    each: order_pb2.Order.RefundState.Value(f"REFUND_STATE_{each.value}") for each in RefundState
}
_OUTCOMES: Final[Mapping[Outcome, fact_pb2.Outcome.ValueType]] = {
    each: fact_pb2.Outcome.Value(f"OUTCOME_{each.value}") for each in Outcome
}


def timestamp(moment: datetime) -> Timestamp:
    """Return an aware moment as a Timestamp."""
    since = moment - _EPOCH
    return Timestamp(seconds=since.days * _DAY_S + since.seconds, nanos=since.microseconds * 1_000)


def duration(delta: timedelta) -> Duration:
    """Return a time span as a Duration."""
    span = Duration()
    span.FromTimedelta(delta)
    return span


def money(amount: Money) -> MoneyProto:
    """Return money as units and nanos of the same sign."""
    scale = 10 ** exponent(amount.currency)
    sign = -1 if amount.minor < 0 else 1
    units, part = divmod(abs(amount.minor), scale)
    nanos = part * 10**NANO_DIGITS // scale
    return MoneyProto(currency_code=amount.currency, units=sign * units, nanos=sign * nanos)


def state_number(state: State) -> order_pb2.Order.State.ValueType:
    """Return a state as its wire number."""
    return _STATES[state]


def outcome_number(outcome: Outcome) -> fact_pb2.Outcome.ValueType:
    """Return an outcome as its wire number."""
    return _OUTCOMES[outcome]


def weighed_fact(fact: Fact, outcome: Outcome) -> fact_pb2.WeighedFact:
    """Return a fact's id, kind and outcome."""
    return fact_pb2.WeighedFact(
        fact_id=fact.fact_id,
        kind=fact_pb2.Fact.Kind.Value(f"KIND_{fact.kind.value}"),
        outcome=outcome_number(outcome),
    )


def case_message(case: Case) -> case_pb.Case:
    """Return a case without its log."""
    message = case_pb.Case(
        name=f"cases/{case.case_id}",
        order=f"orders/{case.order_id}" if case.order_id else "",
        subject=case.subject,
        type=case.type,
        state=case_pb.Case.State.Value(f"STATE_{case.state.value}"),
        owner_role=case.owner_role,
        assignee=case.assignee,
        open_time=timestamp(case.opened_at),
        due_time=timestamp(case.due_at),
        outcome=case.outcome,
        etag=str(case.version),
    )
    # `class` is a Python word, so the field has no plain name.
    setattr(message, "class", case_pb.Case.Class.Value(f"CLASS_{case.side.value}"))
    if case.resolved_at:
        message.resolve_time.CopyFrom(timestamp(case.resolved_at))
    return message


def hold_message(hold: Hold) -> order_pb2.Hold:
    """Return a hold."""
    return order_pb2.Hold(
        hold_id=hold.hold_id,
        reason=hold.reason,
        actor=hold.actor,
        place_time=timestamp(hold.placed_at),
    )


def order_message(order: Order) -> order_pb2.Order:
    """Return an order."""
    return order_pb2.Order(
        name=f"orders/{order.order_id}",
        state=state_number(order.state),
        refund_state=_REFUND_STATES[order.refund_state],
        channel=order.channel,
        refs=[
            order_pb2.OrderRef(namespace=each.namespace, value=each.value) for each in order.refs
        ],
        total=money(order.total),
        paid=money(order.paid),
        refunded=money(order.refunded),
        etag=order.etag,
        sequence=order.sequence,
        place_time=timestamp(order.placed_at),
        state_time=timestamp(order.state_since),
        update_time=timestamp(order.updated_at),
        list_total=money(order.list_total),
        customer=order.customer,
        lines=[
            order_pb2.OrderLine(
                sku=each.sku,
                quantity=each.quantity,
                unit_price=money(each.unit_price) if each.unit_price else None,
            )
            for each in order.lines
        ],
        holds=[hold_message(each) for each in order.holds],
        milestone=order.milestone,
        tags=order.tags,
        outbound_approved=order.outbound_approved,
        discrepancies=[each.value for each in order.discrepancies],
    )

"""Changes as the bytes that are published; nothing here knows storage or RPC."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from concord.cases.v1 import case_service_pb2 as case_pb
from concord.intake.v1 import receipt_pb2
from concord.orders.v1 import order_event_pb2 as event_pb
from concord.orders.v1 import order_pb2
from service.application.outbox import Stream
from service.application.ports import Message, NewReceipt, WaitingReceipt
from service.domain.cases import CaseAct
from service.domain.changes import (
    Change,
    ChangeKind,
    HoldChanged,
    MoneyMoved,
    Moved,
    Named,
    Placed,
)
from service.domain.facts import Fact, Outcome
from service.domain.order import Order
from service.domain.stages import Measure, MeasureChange
from service.kafka.topics import NAMES, PUBLISHED
from service.wire import (
    case_message,
    duration,
    money,
    outcome_number,
    state_number,
    timestamp,
    weighed_fact,
)


class ProtobufEncoder:
    """Implements `service.application.ports.Encoder`."""

    def order_event(self, order: Order, sequence: int, change: Change, *, at: datetime) -> bytes:
        """Encode one journal row's event."""
        event = event_pb.OrderEvent(
            event_id=f"{order.order_id}:{sequence}",
            order=f"orders/{order.order_id}",
            sequence=sequence,
            event_time=timestamp(change.occurred_at),
            record_time=timestamp(at),
            channel=order.channel,
            source=change.source,
            voucher=change.voucher,
            measures=[_measure(each) for each in change.measures],
        )
        _PAYLOADS[change.kind](event, change)
        return event.SerializeToString(deterministic=True)

    def customer_event(self, order: Order, n: int, change: Change) -> bytes:
        """Encode what a customer did."""
        event = event_pb.CustomerEvent(
            event_id=f"{order.customer}:{n}",
            customer=order.customer,
            sequence=n,
            order=f"orders/{order.order_id}",
            event_time=timestamp(change.occurred_at),
        )
        if isinstance(change.detail, Placed):
            event.placed.CopyFrom(_placed(change.detail))
        elif isinstance(change.detail, MoneyMoved):
            event.returned.amount.CopyFrom(money(change.detail.returned))
        return event.SerializeToString(deterministic=True)

    def case_event(self, act: CaseAct, n: int) -> bytes:
        """Encode one act on a case, without what was said: it may name people."""
        event = case_pb.CaseEvent(
            event_id=f"{act.case.case_id}:{act.case.version}",
            sequence=n,
            event_time=timestamp(act.at),
            act=act.act,
            case=case_message(act.case),
        )
        return event.SerializeToString(deterministic=True)

    def receipt_event(self, receipt_id: str, receipt: NewReceipt) -> bytes:
        """Encode the arrival of a receipt."""
        event = receipt_pb2.ReceiptEvent(
            received=receipt_pb2.Receipt(
                name=f"receipts/{receipt_id}",
                source=receipt.source,
                message_id=receipt.message_id,
                template=receipt.template,
                channel=receipt.channel,
                body=receipt.body,
                content_type=receipt.content_type,
                receive_time=timestamp(receipt.received_at),
                order_hint=receipt.order_hint,
                account=receipt.account,
                address=receipt.address,
            )
        )
        return event.SerializeToString(deterministic=True)

    def repeat_event(self, receipt_id: str, receipt: NewReceipt) -> bytes:
        """Encode that a receipt came again."""
        event = receipt_pb2.ReceiptEvent()
        event.repeated.receipt = f"receipts/{receipt_id}"
        event.repeated.source = receipt.source
        event.repeated.channel = receipt.channel
        event.repeated.receive_time.CopyFrom(timestamp(receipt.received_at))
        return event.SerializeToString(deterministic=True)

    def weighed_event(
        self,
        receipt: WaitingReceipt,
        outcome: Outcome,
        facts: Sequence[tuple[Fact, Outcome]],
        *,
        revision: int,
        template_version: int,
    ) -> bytes:
        """Encode what became of a receipt, and which version of its template read it."""
        event = receipt_pb2.ReceiptWeighed(
            receipt=f"receipts/{receipt.receipt_id}",
            source=receipt.source,
            channel=receipt.channel or next((fact.channel for fact, _ in facts), ""),
            receive_time=timestamp(receipt.received_at),
            outcome=outcome_number(outcome),
            facts=[weighed_fact(fact, each) for fact, each in facts],
            revision=revision,
            template_version=template_version,
        )
        if facts:
            event.event_time.CopyFrom(timestamp(max(fact.occurred_at for fact, _ in facts)))
        return event.SerializeToString(deterministic=True)


class ProtobufEnvelopes:
    """Implements `service.application.ports.Envelopes`."""

    def topic(self, stream: Stream) -> str:
        """Return the topic's name, as the contract declares it."""
        return NAMES[stream]

    def headers(self, message: Message) -> dict[str, str]:
        """Return what is peculiar to this record; the relay adds the rest."""
        return {
            "ce_id": message.event_id,
            "ce_subject": message.subject,
            "ce_time": message.happened_at.isoformat(),
            "ce_type": PUBLISHED[message.stream].message_name,
            "traceparent": message.traceparent,
        }


def _placed(detail: Placed) -> event_pb.Placed:
    return event_pb.Placed(
        total=money(detail.total),
        list_total=money(detail.list_total),
        customer=detail.customer,
    )


def _measure(change: MeasureChange) -> event_pb.StageMeasure:
    begin, end = change.stage
    return event_pb.StageMeasure(
        from_state=state_number(begin),
        to_state=state_number(end),
        current=_value(change.new) if change.new else None,
        previous=_value(change.old) if change.old else None,
    )


def _value(measure: Measure) -> event_pb.StageMeasure.Value:
    return event_pb.StageMeasure.Value(
        duration=duration(measure.duration),
        end_time=timestamp(measure.ended_at),
        cause=measure.cause,
        channel=measure.channel,
    )


def _put_placed(event: event_pb.OrderEvent, change: Change) -> None:
    assert isinstance(change.detail, Placed)  # noqa: S101
    event.placed.CopyFrom(_placed(change.detail))


def _put_moved(event: event_pb.OrderEvent, change: Change) -> None:
    detail = change.detail
    assert isinstance(detail, Moved)  # noqa: S101
    event.moved.from_state = state_number(detail.begin)
    event.moved.to_state = state_number(detail.end)
    event.moved.action = detail.action.value
    event.moved.implied = detail.implied


def _put_money(event: event_pb.OrderEvent, change: Change) -> None:
    detail = change.detail
    assert isinstance(detail, MoneyMoved)  # noqa: S101
    event.money_moved.paid.CopyFrom(money(detail.paid))
    event.money_moved.refunded.CopyFrom(money(detail.refunded))
    event.money_moved.refund_state = order_pb2.Order.RefundState.Value(
        f"REFUND_STATE_{detail.refund_state.value}"
    )


def _put_hold(event: event_pb.OrderEvent, change: Change) -> None:
    detail = change.detail
    assert isinstance(detail, HoldChanged)  # noqa: S101
    hold = event.hold_changed.hold
    hold.hold_id, hold.reason, hold.actor = detail.hold_id, detail.hold_reason, detail.actor
    hold.place_time.CopyFrom(timestamp(detail.placed_at))
    event.hold_changed.released = detail.released


def _put_milestone(event: event_pb.OrderEvent, change: Change) -> None:
    event.milestone_changed.milestone = _named(change).name


def _put_discrepancy(event: event_pb.OrderEvent, change: Change) -> None:
    event.discrepancy_changed.kind = _named(change).name


def _put_case(event: event_pb.OrderEvent, change: Change) -> None:
    named = _named(change)
    event.case_changed.case, event.case_changed.act = f"cases/{named.name}", named.act


def _put_flag(event: event_pb.OrderEvent, change: Change) -> None:
    named = _named(change)
    event.flag_changed.flag, event.flag_changed.act = f"flags/{named.name}", named.act


def _put_note(event: event_pb.OrderEvent, change: Change) -> None:
    event.noted.note = _named(change).name


def _put_tags(event: event_pb.OrderEvent, change: Change) -> None:
    named = _named(change)
    event.tags_changed.tag, event.tags_changed.act = named.name, named.act
    event.tags_changed.tags.extend(filter(None, change.new.split(",")))


def _named(change: Change) -> Named:
    assert isinstance(change.detail, Named)  # noqa: S101
    return change.detail


_PAYLOADS: Final[Mapping[ChangeKind, Callable[[event_pb.OrderEvent, Change], None]]] = {
    ChangeKind.PLACED: _put_placed,
    ChangeKind.MOVED: _put_moved,
    ChangeKind.MONEY_MOVED: _put_money,
    ChangeKind.HOLD_CHANGED: _put_hold,
    ChangeKind.MILESTONE_CHANGED: _put_milestone,
    ChangeKind.DISCREPANCY_CHANGED: _put_discrepancy,
    ChangeKind.CASE_CHANGED: _put_case,
    ChangeKind.FLAG_CHANGED: _put_flag,
    ChangeKind.NOTED: _put_note,
    ChangeKind.TAGS_CHANGED: _put_tags,
}

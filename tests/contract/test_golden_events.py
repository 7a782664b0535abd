"""The bytes of every published event, as they were first published.

A difference here is a change of what consumers and the journal's hashes already hold: not of a
test. Add to the contract; never make these bytes agree with other code.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from google.protobuf.message import Message

from concord.cases.v1 import case_service_pb2
from concord.intake.v1 import receipt_pb2
from concord.orders.v1 import order_event_pb2
from service.application.outbox import Stream
from service.application.ports import Message as Published
from service.application.ports import NewReceipt, WaitingReceipt
from service.domain.cases import Case, CaseAct, CaseState
from service.domain.changes import ChangeKind, HoldChanged, MoneyMoved, Moved, Named, Placed
from service.domain.facts import Circumstance, FactKind, OrderRef, Outcome
from service.domain.lifecycle import Action, State
from service.domain.money import Money
from service.domain.stages import Measure, MeasureChange
from service.domain.truth import RefundState
from service.kafka.encoding import ProtobufEncoder, ProtobufEnvelopes
from tests.builders import EVENING, NOON, TOTAL, a_change, a_fact, an_order

ENCODER = ProtobufEncoder()
ORDER = an_order(State.PAID)
RECEIPT = NewReceipt(
    source="wechatpay",
    message_id="msg-1",
    template="wechatpay.v3.transaction",
    channel="mini",
    body=b'{"id":"1"}\xff',
    content_type="application/json",
    received_at=NOON,
    order_hint="M-1",
    address="203.0.113.7",
    traceparent="",
)
WAITING = WaitingReceipt("rcp-1", "wechatpay", "mini", "M-1", NOON, None, 0)
MEASURED = MeasureChange(
    (State.PAID, State.AWAITING_OUTBOUND),
    Measure(timedelta(minutes=5), NOON, "", "douyin"),
    Measure(timedelta(minutes=7, microseconds=1), EVENING, "STOCK_LOCK_CONFLICT", "douyin"),
)
CASE = Case(
    case_id="case-1",
    order_id="ord-1",
    type="PAID_AFTER_CANCEL",
    state=CaseState.OPEN,
    opened_at=NOON,
    due_at=NOON + timedelta(hours=4),
    owner_role="finance",
)
PAYMENT = a_fact(
    FactKind.PAYMENT_SUCCEEDED,
    minute=2,
    circumstances=frozenset({Circumstance.LEARNT_BY_QUERY}),
    more_refs=(OrderRef("merchant", "M-1"),),
)


def order_event(kind: ChangeKind, detail: object, **given: object) -> Callable[[], bytes]:
    change = a_change(kind=kind, detail=detail, voucher="v-1", **given)
    return lambda: ENCODER.order_event(ORDER, 7, change, at=EVENING)


EVENTS: dict[str, Callable[[], bytes]] = {
    "order placed": order_event(ChangeKind.PLACED, Placed(TOTAL, Money(12_000, "CNY"), "c-1")),
    "order moved": order_event(
        ChangeKind.MOVED,
        Moved(State.PAID, State.AWAITING_OUTBOUND, Action.ALLOCATE, implied=True),
        measures=(MEASURED,),
    ),
    "order money moved": order_event(
        ChangeKind.MONEY_MOVED,
        MoneyMoved(TOTAL, Money(1, "CNY"), RefundState.PARTIAL, Money(1, "CNY")),
    ),
    "order hold changed": order_event(
        ChangeKind.HOLD_CHANGED, HoldChanged("hold-1", "RISK", "risk", NOON, released=True)
    ),
    "order milestone changed": order_event(ChangeKind.MILESTONE_CHANGED, Named("packed")),
    "order discrepancy changed": order_event(
        ChangeKind.DISCREPANCY_CHANGED, Named("PAID_AFTER_CANCEL")
    ),
    "order case changed": order_event(ChangeKind.CASE_CHANGED, Named("case-1", "OPENED")),
    "order flag changed": order_event(ChangeKind.FLAG_CHANGED, Named("flg-1", "HELD")),
    "order noted": order_event(ChangeKind.NOTED, Named("汉字")),
    "order tags changed": order_event(
        ChangeKind.TAGS_CHANGED, Named("清关", "ADDED"), new="late,清关"
    ),
    "customer placed": lambda: ENCODER.customer_event(
        ORDER, 3, a_change(kind=ChangeKind.PLACED, detail=Placed(TOTAL, TOTAL, "c-1"))
    ),
    "customer returned": lambda: ENCODER.customer_event(
        ORDER,
        4,
        a_change(
            kind=ChangeKind.MONEY_MOVED,
            detail=MoneyMoved(TOTAL, TOTAL, RefundState.FULL, TOTAL),
        ),
    ),
    "case opened": lambda: ENCODER.case_event(CaseAct(CASE, "OPENED", "system", NOON, "text"), 1),
    "case resolved": lambda: ENCODER.case_event(
        CaseAct(CASE.resolve("REFUNDED", at=EVENING), "RESOLVED", "wang", EVENING, "text"), 2
    ),
    "receipt received": lambda: ENCODER.receipt_event("rcp-1", RECEIPT),
    "receipt repeated": lambda: ENCODER.repeat_event("rcp-1", RECEIPT),
    "receipt weighed": lambda: ENCODER.weighed_event(
        WAITING, Outcome.APPLIED, [(PAYMENT, Outcome.APPLIED)], revision=1, template_version=0
    ),
    "receipt rejected": lambda: ENCODER.weighed_event(
        WAITING, Outcome.REJECTED, [], revision=2, template_version=0
    ),
    "receipt read by a version": lambda: ENCODER.weighed_event(
        WAITING, Outcome.REJECTED, [], revision=2, template_version=3
    ),
}
GOLDEN = {
    "order tags changed": (
        "0a076f72642d313a37120c6f72646572732f6f72642d311807220608c0b28bd8062a0608c0938dd8063206"
        "646f7579696e3a06646f7579696e4203762d319a011d0a06e6b885e585b3120541444445441a046c617465"
        "1a06e6b885e585b3"
    ),
    "order placed": (
        "0a076f72642d313a37120c6f72646572732f6f72642d311807220608c0b28bd8062a0608c0938dd8063206"
        "646f7579696e3a06646f7579696e4203762d314a1d0a0d0a03434e5910631880d293ad0312070a03434e59"
        "10781a03632d31"
    ),
    "order moved": (
        "0a076f72642d313a37120c6f72646572732f6f72642d311807220608c0b28bd8062a0608c0938dd8063206"
        "646f7579696e3a06646f7579696e4203762d315210080310041a08414c4c4f434154452001f2014a080310"
        "041a2d0a0608a40310e807120608c0938dd8061a1353544f434b5f4c4f434b5f434f4e464c494354220664"
        "6f7579696e22150a0308ac02120608c0b28bd8062206646f7579696e"
    ),
    "order money moved": (
        "0a076f72642d313a37120c6f72646572732f6f72642d311807220608c0b28bd8062a0608c0938dd8063206"
        "646f7579696e3a06646f7579696e4203762d315a1d0a0d0a03434e5910631880d293ad03120a0a03434e59"
        "1880ade2041803"
    ),
    "order hold changed": (
        "0a076f72642d313a37120c6f72646572732f6f72642d311807220608c0b28bd8062a0608c0938dd8063206"
        "646f7579696e3a06646f7579696e4203762d3162200a1c0a06686f6c642d3112045249534b1a047269736b"
        "220608c0b28bd8061001"
    ),
    "order milestone changed": (
        "0a076f72642d313a37120c6f72646572732f6f72642d311807220608c0b28bd8062a0608c0938dd8063206"
        "646f7579696e3a06646f7579696e4203762d316a080a067061636b6564"
    ),
    "order discrepancy changed": (
        "0a076f72642d313a37120c6f72646572732f6f72642d311807220608c0b28bd8062a0608c0938dd8063206"
        "646f7579696e3a06646f7579696e4203762d3172130a11504149445f41465445525f43414e43454c"
    ),
    "order case changed": (
        "0a076f72642d313a37120c6f72646572732f6f72642d311807220608c0b28bd8062a0608c0938dd8063206"
        "646f7579696e3a06646f7579696e4203762d317a160a0c63617365732f636173652d3112064f50454e4544"
    ),
    "order flag changed": (
        "0a076f72642d313a37120c6f72646572732f6f72642d311807220608c0b28bd8062a0608c0938dd8063206"
        "646f7579696e3a06646f7579696e4203762d318a01130a0b666c6167732f666c672d31120448454c44"
    ),
    "order noted": (
        "0a076f72642d313a37120c6f72646572732f6f72642d311807220608c0b28bd8062a0608c0938dd8063206"
        "646f7579696e3a06646f7579696e4203762d318201080a06e6b189e5ad97"
    ),
    "customer placed": (
        "0a05632d313a331203632d311803220c6f72646572732f6f72642d312a0608c0b28bd80632230a0d0a0343"
        "4e5910631880d293ad03120d0a03434e5910631880d293ad031a03632d31"
    ),
    "customer returned": (
        "0a05632d313a341203632d311804220c6f72646572732f6f72642d312a0608c0b28bd8063a0f0a0d0a0343"
        "4e5910631880d293ad03"
    ),
    "case opened": (
        "0a08636173652d313a3110011a0608c0b28bd80622064f50454e45442a4f0a0c63617365732f636173652d"
        "31120c6f72646572732f6f72642d3118022211504149445f41465445525f43414e43454c2801320766696e"
        "616e6365420608c0b28bd8064a060880a38cd8066a0131"
    ),
    "case resolved": (
        "0a08636173652d313a3210021a0608c0938dd80622085245534f4c5645442a610a0c63617365732f636173"
        "652d31120c6f72646572732f6f72642d3118022211504149445f41465445525f43414e43454c2803320766"
        "696e616e6365420608c0b28bd8064a060880a38cd806520608c0938dd8065a08524546554e4445446a0132"
    ),
    "receipt received": (
        "0a7b0a0e72656365697074732f7263702d3112097765636861747061791a056d73672d3122187765636861"
        "747061792e76332e7472616e73616374696f6e2a046d696e69320b7b226964223a2231227dff3a10617070"
        "6c69636174696f6e2f6a736f6e420608c0b28bd8064a034d2d31520b3230332e302e3131332e37"
    ),
    "receipt repeated": (
        "12290a0e72656365697074732f7263702d3112097765636861747061791a046d696e69220608c0b28bd806"
    ),
    "receipt weighed": (
        "0a0e72656365697074732f7263702d3112097765636861747061791a046d696e69220608c0b28bd8062a06"
        "08b8b38bd80630013a190a137061796d656e745f7375636365656465642d32100318014001"
    ),
    "receipt rejected": (
        "0a0e72656365697074732f7263702d3112097765636861747061791a046d696e69220608c0b28bd80630054002"
    ),
    "receipt read by a version": (
        "0a0e72656365697074732f7263702d3112097765636861747061791a046d696e69220608c0b28bd80630054002"
        "5003"
    ),
}
KINDS: dict[str, type[Message]] = {
    "order": order_event_pb2.OrderEvent,
    "customer": order_event_pb2.CustomerEvent,
    "case": case_service_pb2.CaseEvent,
    "receipt": receipt_pb2.ReceiptEvent,
    "receipt weighed": receipt_pb2.ReceiptWeighed,
    "receipt rejected": receipt_pb2.ReceiptWeighed,
    "receipt read by a version": receipt_pb2.ReceiptWeighed,
}


def parsed(name: str) -> Message:
    kind = KINDS.get(name) or KINDS[name.partition(" ")[0]]
    return kind.FromString(bytes.fromhex(GOLDEN[name]))


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_published_as_the_bytes_that_it_always_was(name: str) -> None:
    assert EVENTS[name]().hex() == GOLDEN[name]


@pytest.mark.parametrize("name", EVENTS)
def test_old_bytes_are_read_without_an_unknown_field(name: str) -> None:
    message = parsed(name)

    assert message.SerializeToString(deterministic=True).hex() == GOLDEN[name]
    known = type(message)()
    known.CopyFrom(message)
    known.DiscardUnknownFields()
    assert known == message


def test_every_kind_of_change_has_its_event() -> None:
    told = {parsed(name).WhichOneof("payload") for name in GOLDEN if name.startswith("order ")}

    assert {each.upper() for each in told if each} == {each.value for each in ChangeKind}


def test_every_variant_of_the_order_event_but_the_heartbeat_is_sent() -> None:
    variants = order_event_pb2.OrderEvent.DESCRIPTOR.oneofs_by_name["payload"].fields
    sent = {parsed(name).WhichOneof("payload") for name in GOLDEN if name.startswith("order ")}

    assert {each.name for each in variants} - sent == {"heartbeat"}


def test_what_was_said_on_a_case_is_not_published() -> None:
    assert b"text" not in EVENTS["case opened"]()
    assert b"wang" not in EVENTS["case resolved"]()


@pytest.mark.parametrize("stream", Stream)
def test_a_record_says_what_it_is(stream: Stream) -> None:
    message = Published(stream, "k", 1, b"", "id-1", "ord-1", NOON, "00-a-b-01")

    headers = ProtobufEnvelopes().headers(message)

    assert headers["ce_id"] == "id-1"
    assert headers["ce_subject"] == "ord-1"
    assert headers["ce_time"].startswith("2026-11-22T12:00:00")
    assert headers["ce_type"].startswith("concord.")
    assert ProtobufEnvelopes().topic(stream).startswith("concord.")

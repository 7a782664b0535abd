"""What cannot be read is refused with reason, place and advice, and with none of its values."""

import json

import pytest

from streams.logic.normalising import Receipt, RejectionReason, Templates, read
from tests.unit.streams.normalising.builders import (
    RECEIVED,
    TEMPLATES,
    a_push,
    a_receipt,
    a_transaction,
    an_amazon_order,
    an_event,
    facts_of,
    reading_of,
    rejection_of,
)

SYNTAX = RejectionReason.SYNTAX_INVALID
MISSING = RejectionReason.FIELD_MISSING
INVALID = RejectionReason.FIELD_INVALID
ENCODING = RejectionReason.ENCODING_INVALID


def _without(message: dict[str, object], *names: str) -> dict[str, object]:
    return {key: value for key, value in message.items() if key not in names}


def _paid(**fields: object) -> dict[str, object]:
    return a_push(110, **{"pay_time": 1_618_990_587, "pay_amount": 2990, **fields})


def _raw(**fields: str) -> bytes:
    """A push whose fields are JSON as written, to send what `json.dumps` would not."""
    written = {"p_id": "7001", "pay_time": "1618990587", "pay_amount": "2990", **fields}
    data = ",".join(f'"{key}":{value}' for key, value in written.items())
    return f'{{"tag":110,"data":{{{data}}}}}'.encode()


BAD = {
    "nothing": ("douyin.push", b"", SYNTAX, "body"),
    "truncated": ("douyin.push", json.dumps(_paid())[:-3], SYNTAX, "body"),
    "two documents": ("douyin.push", b"{}{}", SYNTAX, "body"),
    "xml": ("wechatpay.v3.transaction", b"<xml></xml>", SYNTAX, "body"),
    "a form": ("wechatpay.v3.transaction", b"trade_state=SUCCESS", SYNTAX, "body"),
    "a number": ("douyin.push", b"17", SYNTAX, "body"),
    "null": ("concord.event", b"null", SYNTAX, "body"),
    "text": ("concord.event", b'"text"', SYNTAX, "body"),
    "a list of numbers": ("douyin.push", b"[1]", SYNTAX, "[0]"),
    "bad utf-8": ("douyin.push", b'{"tag": "\xff"}', ENCODING, "body"),
    "gbk": ("douyin.push", '{"tag": "已支付"}'.encode("gbk"), ENCODING, "body"),
    "utf-16": ("douyin.push", '{"tag": 110}'.encode("utf-16"), ENCODING, "body"),
    "a key twice": ("douyin.push", b'{"tag":110,"tag":0}', SYNTAX, "tag"),
    "nan": ("douyin.push", _raw(pay_amount="NaN"), SYNTAX, "body"),
    "too deep": ("douyin.push", b"[" * 40 + b"]" * 40, SYNTAX, "body"),
    "far too deep": ("douyin.push", b"[" * 500_000, SYNTAX, "body"),
    "a huge number": ("douyin.push", _raw(pay_amount="9" * 5000), SYNTAX, "body"),
    "data that is broken JSON text": ("douyin.push", {"tag": 110, "data": "{"}, SYNTAX, "data"),
    "no tag": ("douyin.push", {"data": {}}, MISSING, "tag"),
    "no order": ("douyin.push", {"tag": 110, "data": {}}, MISSING, "data.p_id"),
    "an empty order": ("douyin.push", _paid(p_id=""), MISSING, "data.p_id"),
    "an order that went through a float": (
        "douyin.push",
        _raw(p_id="4.705288465508533e+18"),
        INVALID,
        "data.p_id",
    ),
    "an order that is an object": ("douyin.push", _paid(p_id={}), INVALID, "data.p_id"),
    "an order with a line break": ("douyin.push", _paid(p_id="7\n1"), INVALID, "data.p_id"),
    "an order with half a character": ("douyin.push", _raw(p_id='"\\ud800"'), INVALID, "data.p_id"),
    "milliseconds": ("douyin.push", _paid(pay_time=1_618_990_587_000), INVALID, "data.pay_time"),
    "a time of zero": ("douyin.push", _paid(pay_time=0), MISSING, "data.pay_time"),
    "negative money": ("douyin.push", _paid(pay_amount=-1), INVALID, "data.pay_amount"),
    "yuan where fen belong": ("douyin.push", _paid(pay_amount="29.90"), INVALID, "data.pay_amount"),
    "float fen": ("douyin.push", _raw(pay_amount="2990.0"), INVALID, "data.pay_amount"),
    "no amount": ("douyin.push", a_push(110, pay_time=1_618_990_587), MISSING, "data.pay_amount"),
    "a bad message within a list": (
        "douyin.push",
        [a_push(0), _paid(pay_amount=True)],
        INVALID,
        "[1].data.pay_amount",
    ),
    "an unknown trade state": (
        "wechatpay.v3.transaction",
        a_transaction(trade_state="PAID"),
        INVALID,
        "trade_state",
    ),
    "a naive time": (
        "wechatpay.v3.transaction",
        a_transaction(success_time="2026-01-01T07:30:00"),
        INVALID,
        "success_time",
    ),
    "no transaction number": (
        "wechatpay.v3.transaction",
        _without(a_transaction(), "transaction_id"),
        MISSING,
        "transaction_id",
    ),
    "an unknown currency": (
        "wechatpay.v3.transaction",
        a_transaction(amount={"total": 1, "currency": "rmb"}),
        INVALID,
        "amount.currency",
    ),
    "a sealed envelope": (
        "wechatpay.v3.transaction",
        {"id": "n-1", "resource": {"ciphertext": "AAAA", "nonce": "n"}},
        INVALID,
        "resource.ciphertext",
    ),
    "an error for an answer": (
        "amazon.orders.v0",
        {"errors": [{"code": "InvalidInput"}]},
        INVALID,
        "errors",
    ),
    "no orders": ("amazon.orders.v0", {"other": 1}, MISSING, "payload.Orders"),
    "an unknown order state": (
        "amazon.orders.v0",
        an_amazon_order("Lost"),
        INVALID,
        "payload.Orders[0].OrderStatus",
    ),
    "more digits than yen have": (
        "amazon.orders.v0",
        an_amazon_order(OrderTotal={"CurrencyCode": "JPY", "Amount": "25.99"}),
        INVALID,
        "payload.Orders[0].OrderTotal.Amount",
    ),
    "money without a currency": (
        "amazon.orders.v0",
        an_amazon_order(OrderTotal={"Amount": "25.99"}),
        MISSING,
        "payload.Orders[0].OrderTotal.CurrencyCode",
    ),
    "an unknown type": ("concord.event", an_event(type="paid"), INVALID, "type"),
    "a namespace of another alphabet": (
        "concord.event",
        an_event(order={"namespace": "抖音", "value": "1"}),
        INVALID,
        "order.namespace",
    ),
    "a customer who is a person": (
        "concord.event",
        an_event(type="order.created", customer="周一 13678643212"),
        INVALID,
        "customer",
    ),
    "an unknown circumstance": (
        "concord.event",
        an_event(circumstances=["network_retry", "bad_luck"]),
        INVALID,
        "circumstances[1]",
    ),
    "no pieces": (
        "concord.event",
        an_event(type="order.created", lines=[{"sku": "a", "quantity": 0}]),
        INVALID,
        "lines[0].quantity",
    ),
    "a bad event within a list": (
        "concord.event",
        {"events": [an_event(occurred_at="yesterday")]},
        INVALID,
        "events[0].occurred_at",
    ),
}


@pytest.mark.parametrize(("template", "body", "reason", "field"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_with_reason_place_and_advice(
    template: str, body: object, reason: RejectionReason, field: str
) -> None:
    rejection = rejection_of(template, body)

    assert (rejection.reason, rejection.field) == (reason, field)
    assert rejection.advice.endswith(".")


def test_an_unknown_template_is_refused() -> None:
    rejection = rejection_of("taobao.push", b"{}")

    assert rejection.reason is RejectionReason.TEMPLATE_UNKNOWN
    assert rejection.field == "template"


def test_a_defect_of_the_reader_is_a_rejection_too() -> None:
    def broken(_namespace: str, value: str) -> str:
        raise KeyError(value)

    order = an_amazon_order(BuyerInfo={"BuyerEmail": "user@example.com"})
    reading = read(a_receipt("amazon.orders.v0", order), Templates(TEMPLATES.by_name, broken))

    assert reading.facts == ()
    assert reading.rejection is not None
    assert reading.rejection.reason is RejectionReason.READER_FAILED
    assert "KeyError in broken" in reading.rejection.advice
    assert "user@example.com" not in reading.rejection.advice


def test_no_rejection_repeats_a_value_of_the_message() -> None:
    canary = "周一13678643212"

    for field in ("p_id", "pay_time", "pay_amount"):
        rejection = rejection_of("douyin.push", _paid(**{field: [canary]}))
        assert canary not in repr(rejection)


def test_a_bad_message_does_not_spoil_the_others_of_its_batch() -> None:
    bad = _paid(pay_amount=-5)
    other_bad = a_push(999, p_id="", create_time=1)
    good = _paid()

    reading = reading_of("douyin.push", [bad, good, other_bad])

    assert reading.facts == facts_of("douyin.push", good)
    assert reading.rejection is not None
    assert reading.rejection.field == "[0].data.pay_amount"


@pytest.mark.parametrize("template", sorted(TEMPLATES.by_name))
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"[{}]", b"null", b'{"payload":[]}', b"\x00"])
def test_every_template_survives_the_simplest_of_messages(template: str, body: bytes) -> None:
    reading = read(Receipt("receipts/1", "x", template, "", body, "", RECEIVED), TEMPLATES)

    assert reading.facts == ()


def test_a_message_of_many_megabytes_is_read_or_refused_like_any_other() -> None:
    huge = json.dumps(_paid(note="x" * 5_000_000))

    assert len(facts_of("douyin.push", huge)) == 1
    assert rejection_of("douyin.push", _paid(p_id="x" * 5_000_000)).field == "data.p_id"

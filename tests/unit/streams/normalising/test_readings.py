"""The border to the contract: every name has its twin, no digit is lost."""

from datetime import UTC, datetime
from enum import EnumMeta

import pytest

from concord.intake.v1 import fact_pb2, receipt_pb2
from streams.logic.normalising import (
    Circumstance,
    Fact,
    FactKind,
    Identity,
    IdentityKind,
    Money,
    OrderLine,
    OrderRef,
    Reading,
    Rejection,
    RejectionReason,
)
from streams.readings import reading_message, receipt_of, statement_of

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def a_fact(**fields: object) -> Fact:
    known: dict[str, object] = {
        "fact_id": "f-1",
        "kind": FactKind.ORDER_CREATED,
        "ref": OrderRef("douyin", "4705288465508532862"),
        "source": "douyin",
        "occurred_at": datetime(2026, 11, 22, 8, 0, 0, 123_456, tzinfo=UTC),
    }
    return Fact(**(known | fields))  # type: ignore[arg-type]  # a builder


def _message(fact: Fact) -> fact_pb2.Fact:
    return reading_message(Reading("receipts/r", (fact,)), None).facts[0]


@pytest.mark.parametrize(
    ("ours", "theirs", "prefix"),
    [
        (FactKind, fact_pb2.Fact.Kind, "KIND_"),
        (IdentityKind, fact_pb2.Identity.Kind, "KIND_"),
        (Circumstance, fact_pb2.Fact.Circumstance, "CIRCUMSTANCE_"),
        (RejectionReason, receipt_pb2.Rejection.Reason, "REASON_"),
    ],
)
def test_our_names_are_those_of_the_contract(ours: EnumMeta, theirs: object, prefix: str) -> None:
    names = theirs.keys()  # type: ignore[attr-defined]  # an enum wrapper

    assert [prefix + each for each in ours.__members__] == list(names)[1:]


def test_a_fact_keeps_every_field() -> None:
    fact = a_fact(
        channel="douyin_mall",
        amount=Money(1234, "CNY"),
        voucher="V",
        circumstances=(Circumstance.NETWORK_RETRY, Circumstance.MANUAL_PICKING),
        more_refs=(OrderRef("merchant", "T-1"),),
        list_amount=Money(9900, "CNY"),
        customer="c-1",
        lines=(OrderLine("a", 2, Money(617, "CNY"), category="50010850"), OrderLine("b", 1)),
        coupons=("SPRING",),
        note="word",
        provider="unionpay",
        account="union-main",
        payment="P",
        identities=(
            Identity(IdentityKind.PHONE, "d"),
            Identity(IdentityKind.NAME, "", is_masked=True),
        ),
    )

    message = _message(fact)

    assert {field.name for field, _ in message.ListFields()} == set(
        fact_pb2.Fact.DESCRIPTOR.fields_by_name
    )
    assert (message.ref.namespace, message.ref.value) == ("douyin", "4705288465508532862")
    assert (message.occurred_time.seconds, message.occurred_time.nanos) == (
        1_795_334_400,
        123_456_000,
    )
    assert (message.provider, message.account, message.payment) == ("unionpay", "union-main", "P")
    assert [line.quantity for line in message.lines] == [2, 1]
    assert message.lines[0].unit_price.nanos == 170_000_000
    assert not message.lines[1].HasField("unit_price")


@pytest.mark.parametrize(
    ("money", "units", "nanos"),
    [
        (Money(1234, "CNY"), 12, 340_000_000),
        (Money(500, "JPY"), 500, 0),
        (Money(1234, "KWD"), 1, 234_000_000),
        (Money(10**15, "CNY"), 10**13, 0),
    ],
)
def test_money_is_exact_whatever_its_exponent(money: Money, units: int, nanos: int) -> None:
    amount = _message(a_fact(amount=money)).amount

    assert (amount.units, amount.nanos, amount.currency_code) == (units, nanos, money.currency)


def test_no_amount_is_no_field() -> None:
    assert not _message(a_fact()).HasField("amount")


def test_a_rejection_goes_with_its_reading_and_trace() -> None:
    rejection = Rejection(RejectionReason.FIELD_INVALID, "data.p_id", "Advice.")

    message = reading_message(Reading("receipts/r", (a_fact(),), rejection), TRACE)

    assert message.rejection.reason == receipt_pb2.Rejection.REASON_FIELD_INVALID
    assert (message.rejection.field, message.rejection.advice) == ("data.p_id", "Advice.")
    assert (message.receipt, message.traceparent, len(message.facts)) == ("receipts/r", TRACE, 1)
    assert not reading_message(Reading("receipts/r"), None).HasField("rejection")


def test_a_receipt_comes_in_with_its_time_to_the_microsecond() -> None:
    message = receipt_pb2.Receipt(
        name="receipts/r",
        source="douyin",
        template="douyin.push",
        channel="douyin",
        body=b"{}",
        content_type="application/json",
        account="wechat-main",
    )
    message.receive_time.seconds = 1_795_334_400
    message.receive_time.nanos = 123_456_789

    receipt = receipt_of(message)

    assert receipt.receive_time == datetime(2026, 11, 22, 8, 0, 0, 123_456, tzinfo=UTC)
    assert receipt.account == "wechat-main"
    assert (receipt.name, receipt.body, receipt.template) == ("receipts/r", b"{}", "douyin.push")


FILE = b'{"day":"2025-12-28","rows":[{}]}'


@pytest.mark.parametrize(
    ("template", "body", "day"),
    [
        ("douyin.orders.file", FILE, "2025-12-28"),
        # Files of returns tell of an order again, and what is asked for is of no day.
        ("douyin.aftersales.file", FILE, None),
        ("douyin.orders", FILE, None),
        ("douyin.orders.file", b'{"day":"","rows":[]}', None),
        ("douyin.orders.file", b'{"day":"28.12.2025","rows":[]}', None),
        ("douyin.orders.file", b'{"day":20251228}', None),
        ("douyin.orders.file", b"[1]", None),
        ("douyin.orders.file", b"{", None),
        ("douyin.orders.file", b"\xff", None),
    ],
)
def test_rows_of_a_file_of_orders_are_a_line_of_that_day(
    template: str, body: bytes, day: str | None
) -> None:
    told = statement_of(
        receipt_pb2.Receipt(
            source="douyin", template=template, account="shop-1", order_hint="4705", body=body
        )
    )

    assert (told.day if told else None) == day
    if told:
        assert (told.channel, told.shop, told.order_hint) == ("douyin", "shop-1", "4705")

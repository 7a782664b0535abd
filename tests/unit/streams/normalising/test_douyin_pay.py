"""What the payment notices of a Douyin mini app mean."""

import json
from datetime import UTC, datetime

import pytest

from streams.logic.normalising import FactKind, Money, OrderRef
from tests.unit.streams.normalising.builders import RECEIVED, fact_of, facts_of, rejection_of

AT = datetime(2024, 8, 4, 11, 13, 6, tzinfo=UTC)


def _notice(kind: str = "payment", **fields: object) -> dict[str, object]:
    told = {
        "cp_orderno": "T-1",
        "order_id": "7398108028895054107",
        "status": "SUCCESS",
        "total_amount": 2345,
        "paid_at": int(AT.timestamp()),
        **fields,
    }
    return {"type": kind, "msg": json.dumps(told), "msg_signature": "00", "nonce": "1"}


def test_a_payment_is_its_total_under_the_platforms_number() -> None:
    fact = fact_of("douyin_pay.notice", _notice())

    assert (fact.kind, fact.ref) == (FactKind.PAYMENT_SUCCEEDED, OrderRef("merchant", "T-1"))
    assert (fact.amount, fact.voucher) == (Money(2345, "CNY"), "7398108028895054107")
    assert (fact.occurred_at, fact.source) == (AT, "douyin_pay")


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("PROCESSING", FactKind.PAYMENT_STARTED),
        ("FAIL", FactKind.PAYMENT_FAILED),
        ("TIMEOUT", FactKind.PAYMENT_CLOSED),
    ],
)
def test_each_other_state_is_no_money(state: str, kind: FactKind) -> None:
    fact = fact_of("douyin_pay.notice", _notice(status=state, paid_at=0))

    assert (fact.kind, fact.amount, fact.occurred_at) == (kind, None, RECEIVED)


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("SUCCESS", FactKind.REFUND_SUCCEEDED),
        ("PROCESSING", FactKind.REFUND_REQUESTED),
        ("FAIL", FactKind.REFUND_FAILED),
    ],
)
def test_a_refund_is_told_under_our_number_and_for_our_order(state: str, kind: FactKind) -> None:
    fields = {"cp_orderno": None, "cp_extra": "T-1", "cp_refundno": "R-1", "refund_amount": 300}

    fact = fact_of("douyin_pay.notice", _notice("refund", status=state, **fields))

    assert (fact.kind, fact.voucher, fact.amount) == (kind, "R-1", Money(300, "CNY"))
    assert (fact.ref.value, fact.payment) == ("T-1", "7398108028895054107")


def test_a_settlement_means_nothing() -> None:
    assert facts_of("douyin_pay.notice", _notice("settle")) == ()


def test_what_is_said_must_be_whole() -> None:
    assert rejection_of("douyin_pay.notice", _notice() | {"msg": '{"status":'}).field == "msg"
    assert rejection_of("douyin_pay.notice", _notice(status="PAID")).field == "msg.status"

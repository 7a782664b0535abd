"""What Adyen's notices mean. `success` is text there."""

from datetime import UTC, datetime

import pytest

from streams.logic.normalising import FactKind, Money, OrderRef, RejectionReason
from tests.unit.streams.normalising.builders import fact_of, facts_of, reading_of, rejection_of


def _item(code: str = "AUTHORISATION", **fields: object) -> dict[str, object]:
    known = {
        "eventCode": code,
        "success": "true",
        "eventDate": "2026-01-01T01:30:00.121+02:00",
        "merchantReference": "T-1",
        "pspReference": "P-2",
        "amount": {"currency": "EUR", "value": 1130},
    }
    if code != "AUTHORISATION":
        known["originalReference"] = "P-1"
    return {"NotificationRequestItem": known | fields}


def _notice(*items: dict[str, object]) -> dict[str, object]:
    return {"live": "false", "notificationItems": list(items)}


def test_an_authorisation_is_the_money_under_the_payments_number() -> None:
    fact = fact_of("adyen.notice", _notice(_item()))

    assert (fact.kind, fact.ref) == (FactKind.PAYMENT_SUCCEEDED, OrderRef("merchant", "T-1"))
    assert (fact.amount, fact.voucher) == (Money(1130, "EUR"), "P-2")
    assert fact.occurred_at == datetime(2025, 12, 31, 23, 30, 0, 121_000, tzinfo=UTC)


def test_an_authorisation_that_waits_for_a_hand_is_reserved_until_it_is_captured() -> None:
    by_hand = _item(pspReference="P-1", additionalData={"manualCapture": "true"})

    reserved = fact_of("adyen.notice", _notice(by_hand))
    captured = fact_of("adyen.notice", _notice(_item("CAPTURE")))

    assert (reserved.kind, captured.kind) == (
        FactKind.PAYMENT_AUTHORISED,
        FactKind.PAYMENT_SUCCEEDED,
    )
    assert reserved.voucher == captured.voucher == "P-1"


EVENTS = [
    ("AUTHORISATION", "false", FactKind.PAYMENT_FAILED, "P-2", ""),
    ("PENDING", "true", FactKind.PAYMENT_STARTED, "", ""),
    ("CAPTURE", "true", FactKind.PAYMENT_SUCCEEDED, "P-1", ""),
    ("CAPTURE", "false", FactKind.PAYMENT_FAILED, "P-1", "capture_failed"),
    ("CAPTURE_FAILED", "true", FactKind.PAYMENT_FAILED, "P-1", "capture_failed"),
    ("CANCELLATION", "true", FactKind.PAYMENT_CLOSED, "P-1", "trade_closed"),
    ("CANCELLATION", "false", FactKind.NOTED, "P-1", "cancellation_failed"),
    ("TECHNICAL_CANCEL", "true", FactKind.PAYMENT_CLOSED, "P-1", "trade_closed"),
    ("EXPIRE", "true", FactKind.PAYMENT_CLOSED, "P-1", "trade_closed"),
    ("OFFER_CLOSED", "true", FactKind.PAYMENT_CLOSED, "P-1", "trade_closed"),
    ("CANCEL_OR_REFUND", "true", FactKind.NOTED, "P-2", "cancelled_or_refunded"),
    ("REFUND", "true", FactKind.REFUND_SUCCEEDED, "P-2", ""),
    ("REFUND", "false", FactKind.REFUND_FAILED, "P-2", ""),
    ("REFUND_FAILED", "true", FactKind.REFUND_FAILED, "P-2", ""),
    ("REFUNDED_REVERSED", "true", FactKind.REFUND_FAILED, "P-2", ""),
    ("CHARGEBACK", "true", FactKind.NOTED, "P-2", "chargeback"),
    ("NOTIFICATION_OF_CHARGEBACK", "true", FactKind.NOTED, "P-2", "chargeback_announced"),
    ("CHARGEBACK_REVERSED", "true", FactKind.NOTED, "P-2", "chargeback_reversed"),
]


@pytest.mark.parametrize(("code", "success", "kind", "voucher", "note"), EVENTS)
def test_each_event_is_what_it_proves(
    code: str, success: str, kind: FactKind, voucher: str, note: str
) -> None:
    fact = fact_of("adyen.notice", _notice(_item(code, success=success)))

    assert (fact.kind, fact.voucher, fact.note) == (kind, voucher, note)


def test_a_refund_names_the_payment_that_it_gives_back() -> None:
    assert fact_of("adyen.notice", _notice(_item("REFUND"))).payment == "P-1"


@pytest.mark.parametrize("code", ["REPORT_AVAILABLE", "SOMETHING_NEW"])
def test_an_event_that_we_do_not_follow_means_nothing(code: str) -> None:
    assert facts_of("adyen.notice", _notice(_item(code, merchantReference=None))) == ()


@pytest.mark.parametrize("success", [True, "True", "yes", None])
def test_success_is_one_of_two_words_and_nothing_is_guessed(success: object) -> None:
    rejection = rejection_of("adyen.notice", _notice(_item(success=success)))

    assert rejection.field == "notificationItems[0].NotificationRequestItem.success"


def test_a_capture_by_hand_is_one_of_two_words_too() -> None:
    odd = _item(additionalData={"manualCapture": True})

    assert rejection_of("adyen.notice", _notice(odd)).reason is RejectionReason.FIELD_INVALID


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [(500, "JPY", 500), (500, "ISK", 5), (500, "CLP", 5), (5, "IDR", 500), (1234, "KWD", 1234)],
)
def test_amounts_are_counted_by_adyens_own_digits(value: int, currency: str, minor: int) -> None:
    item = _item(amount={"currency": currency, "value": value})

    assert fact_of("adyen.notice", _notice(item)).amount == Money(minor, currency)


def test_a_bad_item_does_not_spoil_the_others() -> None:
    reading = reading_of("adyen.notice", _notice(_item(eventDate="now"), _item("REFUND")))

    assert [fact.kind for fact in reading.facts] == [FactKind.REFUND_SUCCEEDED]
    assert reading.rejection is not None

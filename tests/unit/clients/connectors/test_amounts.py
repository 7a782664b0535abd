"""Amounts reach providers exactly, or not at all."""

from __future__ import annotations

import pytest

from clients.connectors.amounts import Amount, UnfitAmountError
from clients.sdk import money


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("0.01", "CNY", 1), ("99.90", "CNY", 9990), ("500", "JPY", 500), ("1.234", "KWD", 1234)],
)
def test_an_amount_is_read_and_written_exactly(text: str, currency: str, minor: int) -> None:
    amount = Amount.of(money(text, currency))

    assert amount == Amount(minor, currency)
    assert amount.text() == text


@pytest.mark.parametrize(("text", "currency"), [("0.001", "CNY"), ("0.5", "JPY")])
def test_what_is_finer_than_the_currency_is_refused(text: str, currency: str) -> None:
    with pytest.raises(UnfitAmountError):
        Amount.of(money(text, currency))


def test_a_provider_may_count_otherwise() -> None:
    digits = {"ISK": 2, "KWD": 2}

    assert Amount(5, "ISK").counted_in(digits) == 500
    assert Amount(1230, "KWD").counted_in(digits) == 123
    assert Amount(5, "USD").counted_in(digits) == 5
    with pytest.raises(UnfitAmountError):
        Amount(1234, "KWD").counted_in(digits)

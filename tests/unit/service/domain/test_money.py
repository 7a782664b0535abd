"""Money adds up in minor units, within one currency."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.money import AMOUNT_MINOR_MAX, EXPONENTS, Money, exponent
from service.rpc.violations import Violations
from service.wire import money as money_message

CURRENCIES = st.sampled_from(["CNY", "JPY", "KWD", "USD", *EXPONENTS])
AMOUNTS = st.builds(Money, st.integers(0, AMOUNT_MINOR_MAX), CURRENCIES)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Money(1234, "CNY"), "12.34 CNY"),
        (Money(-5, "CNY"), "-0.05 CNY"),
        (Money(1234, "JPY"), "1234 JPY"),
        (Money(1234, "KWD"), "1.234 KWD"),
        (Money(0, "CNY"), "0.00 CNY"),
    ],
)
def test_money_is_rendered_with_the_digits_of_its_currency(amount: Money, text: str) -> None:
    assert str(amount) == text


@pytest.mark.parametrize(
    ("currency", "digits"), [("CNY", 2), ("JPY", 0), ("KWD", 3), ("XXX", 2), ("VND", 0)]
)
def test_a_currency_has_its_own_number_of_digits(currency: str, digits: int) -> None:
    assert exponent(currency) == digits


def test_two_currencies_do_not_add_up() -> None:
    for join in (Money.__add__, Money.__sub__):
        with pytest.raises(ValueError, match="do not add up"):
            join(Money(1, "CNY"), Money(1, "USD"))


@given(AMOUNTS, st.integers(0, AMOUNT_MINOR_MAX))
def test_what_is_added_can_be_taken_away_again(amount: Money, minor: int) -> None:
    other = Money(minor, amount.currency)

    assert amount + other - other == amount


@given(AMOUNTS)
def test_money_survives_the_wire_to_the_last_digit(amount: Money) -> None:
    read = Violations()

    assert read.money("amount", money_message(amount)) == amount
    read.refuse()


@given(st.integers(-AMOUNT_MINOR_MAX, -1), CURRENCIES)
def test_a_negative_difference_has_units_and_nanos_of_one_sign(minor: int, currency: str) -> None:
    told = money_message(Money(minor, currency))

    assert told.units <= 0
    assert told.nanos <= 0
    scale = 10 ** exponent(currency)
    assert told.units * scale + told.nanos * scale // 10**9 == minor


def test_a_column_holds_the_sum_of_ten_thousand_of_the_largest_amounts() -> None:
    assert AMOUNT_MINOR_MAX * 10_000 <= 2**63 - 1

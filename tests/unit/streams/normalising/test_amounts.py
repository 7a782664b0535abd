"""Money: units as declared, exponents by currency, never a rounded digit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.logic.normalising import Money
from streams.logic.normalising.amounts import MINOR_MAX, counted_apart, decimal, minor_units
from streams.logic.normalising.currencies import lower, numeric, upper
from streams.logic.normalising.json_text import Fraction
from streams.logic.normalising.refusals import InexactError, UnfitError


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [
        ("12.34", "CNY", 1234),
        ("0.01", "CNY", 1),
        ("148", "CNY", 14_800),
        ("8.2", "CNY", 820),
        (Fraction("8.29"), "CNY", 829),
        (12, "CNY", 1200),
        ("11.010", "USD", 1101),
        ("500", "JPY", 500),
        ("10.00", "JPY", 10),
        ("1.234", "KWD", 1234),
        ("5", "KWD", 5000),
        ("0", "CNY", 0),
    ],
)
def test_a_decimal_becomes_minor_units_by_the_exponent_of_its_currency(
    value: object, currency: str, minor: int
) -> None:
    assert decimal(value, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("value", "currency"),
    [
        ("12.345", "CNY"),
        ("25.99", "JPY"),
        ("1.2345", "KWD"),
        ("-1.00", "CNY"),
        ("1,234.00", "CNY"),
        ("1e3", "CNY"),
        (Fraction("1E+3"), "CNY"),
        (Fraction("8.290000000000001"), "CNY"),
        (" 1.00", "CNY"),
        ("1.", "CNY"),
        (".5", "CNY"),
        ("١٢", "CNY"),
        ("NaN", "CNY"),
        ("9" * 17, "CNY"),
        ("9999999999999999", "CNY"),
        (10**400, "CNY"),
        (True, "CNY"),
        ({}, "CNY"),
    ],
)
def test_a_decimal_that_would_need_rounding_or_guessing_is_refused(
    value: object, currency: str
) -> None:
    with pytest.raises(UnfitError):
        decimal(value, currency)


@pytest.mark.parametrize("value", [2990, "2990"])
def test_minor_units_are_whole_numbers(value: object) -> None:
    assert minor_units(value, "CNY") == Money(2990, "CNY")


@pytest.mark.parametrize(
    "value", ["29.90", Fraction("29.9"), Fraction("2990.0"), -1, "-1", True, None, MINOR_MAX + 1]
)
def test_an_amount_in_another_unit_is_refused_and_not_converted(value: object) -> None:
    with pytest.raises(UnfitError):
        minor_units(value, "CNY")


@pytest.mark.parametrize("code", ["cny", "RMB¥", "CN", "", 156, None])
def test_a_currency_is_three_capital_letters(code: object) -> None:
    with pytest.raises(UnfitError):
        upper(code)


@pytest.mark.parametrize("code", ["ABC", "RMB", "BTC", "CLF", "XAU"])
def test_nobody_guesses_the_digits_of_a_currency_that_is_none(code: str) -> None:
    with pytest.raises(UnfitError, match="ISO 4217"):
        upper(code)
    with pytest.raises(UnfitError, match="ISO 4217"):
        lower(code.lower())


@pytest.mark.parametrize("code", ["CNY", "JPY", "KWD", "HKD", "TWD", "VND", "EUR", "HRK"])
def test_a_currency_that_is_or_was_one_is_read(code: str) -> None:
    assert upper(code) == lower(code.lower()) == code


def test_a_currency_may_be_written_small_or_as_its_number() -> None:
    assert (lower("usd"), numeric("156"), numeric("036")) == ("USD", "CNY", "AUD")


@pytest.mark.parametrize("code", ["USD", "us", "", 156, None])
def test_a_currency_in_small_letters_is_not_written_otherwise(code: object) -> None:
    with pytest.raises(UnfitError):
        lower(code)


@pytest.mark.parametrize("code", ["CNY", "000", "999", 156, "", None])
def test_a_number_that_is_no_currency_that_we_know_is_refused(code: object) -> None:
    with pytest.raises(UnfitError):
        numeric(code)


OWN_DIGITS = {"ISK": 2, "MGA": 0}


@pytest.mark.parametrize(
    ("sent", "currency", "minor"),
    [(1099, "USD", 1099), (500, "JPY", 500), (500, "ISK", 5), (5, "MGA", 500), ("0", "ISK", 0)],
)
def test_a_sender_may_count_the_digits_of_a_currency_its_own_way(
    sent: object, currency: str, minor: int
) -> None:
    assert counted_apart(sent, currency, OWN_DIGITS) == Money(minor, currency)


@pytest.mark.parametrize(
    ("sent", "currency"), [(550, "ISK"), (MINOR_MAX, "MGA"), (-100, "ISK"), ("1.0", "MGA")]
)
def test_what_another_count_of_digits_would_round_is_refused(sent: object, currency: str) -> None:
    with pytest.raises(UnfitError):
        counted_apart(sent, currency, OWN_DIGITS)


@pytest.mark.parametrize(
    "written", ["18.333333333333332", "1e-05", "1.5E+3", "0.0000000000000000000000001"]
)
def test_what_a_float_left_of_an_amount_is_inexact(written: str) -> None:
    with pytest.raises(InexactError):
        decimal(Fraction(written), "EUR")


@given(st.integers(0, MINOR_MAX), st.sampled_from(["CNY", "JPY", "KWD"]))
def test_every_amount_survives_the_way_through_decimal_text(minor: int, currency: str) -> None:
    digits = {"CNY": 2, "JPY": 0, "KWD": 3}[currency]
    written = f"{Decimal(minor).scaleb(-digits):f}"

    assert decimal(written, currency) == Money(minor, currency)
    assert decimal(Fraction(written), currency) == Money(minor, currency)

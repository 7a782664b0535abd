"""Reads money: integer minor units or decimal text, as the template declares. Never a float."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from streams.logic.normalising.currencies import exponent
from streams.logic.normalising.facts import Money
from streams.logic.normalising.json_text import Fraction
from streams.logic.normalising.refusals import InexactError, UnfitError
from streams.logic.normalising.texts import written

# 10^15 minor units is ten trillion yuan: above any order, far below what 64 bits hold.
MINOR_MAX: Final = 10**15

_INTEGER: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
# What a spreadsheet makes of an amount in yuan: ¥1,234.50 or 1,234.50元, never a comma for a point.
_DISPLAYED: Final = re.compile(
    r"[¥￥]?\s?([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(\.[0-9]+)?\s?元?", re.ASCII
)
_DECIMAL: Final = re.compile(r"(-?)([0-9]{1,16})(?:\.([0-9]{1,40}))?", re.ASCII)


def minor_units(value: object, currency: str) -> Money:
    """Return an amount given as a whole number of minor units (分, cents, whole yen)."""
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, Fraction | str):
        raise UnfitError("The template declares whole minor units (分); this is no whole number.")
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnfitError("An amount is a number.")
    return _bounded(value, currency)


def counted_apart(value: object, currency: str, digits: Mapping[str, int]) -> Money:
    """Return an amount in the sender's own minor units, where its digits are not the ISO ones.

    Stripe's 500 in ISK is five krónur; Adyen's 500 in IDR is five hundred whole rupiah.
    """
    shift = exponent(currency) - digits.get(currency, exponent(currency))
    amount = minor_units(value, currency)
    if shift >= 0:
        return _bounded(amount.minor * 10**shift, currency)
    whole, rest = divmod(amount.minor, 10**-shift)
    if rest:
        raise UnfitError(f"{currency} has no such fraction; this amount has digits too many.")
    return Money(whole, currency)


def decimal(value: object, currency: str) -> Money:
    """Return an amount given in major units (元) as decimal text, or as a JSON number.

    More digits than the currency has are refused, not rounded, unless they are zeros.
    """
    text = value.text if isinstance(value, Fraction) else value
    if isinstance(value, Fraction) and "e" in value.text.lower():
        raise InexactError("A number with an exponent went through a float; send decimal text.")
    if isinstance(text, int) and not isinstance(text, bool):
        text = str(text) if abs(text) <= MINOR_MAX else ""
    parts = _DECIMAL.fullmatch(text) if isinstance(text, str) else None
    if parts is None:
        raise UnfitError('An amount is plain decimal text: "12.34".')
    digits = exponent(currency)
    fraction = parts[3] or ""
    kept, rest = fraction[:digits].ljust(digits, "0"), fraction[digits:]
    if rest.strip("0"):
        raise InexactError(f"{currency} has {digits} decimal digits; this amount has more.")
    return _bounded(int(parts[1] + parts[2] + kept), currency)


def displayed(value: object, currency: str) -> Money:
    """Return an amount in major units that a spreadsheet may have dressed up for people.

    Only for yuan: elsewhere a comma may stand where the point does.
    """
    if isinstance(value, str) and currency == "CNY" and (parts := _DISPLAYED.fullmatch(value)):
        value = parts[1].replace(",", "") + (parts[2] or "")
    return decimal(value, currency)


def below_zero(value: object, currency: str, read: Callable[[object, str], Money]) -> Money:
    """Return an amount that its sender writes below zero: a refund as `-10.00`, or as `10.00`."""
    text = written(value)
    if text is None or isinstance(value, bool):
        raise UnfitError("An amount is a number.")
    return read(text.removeprefix("-"), currency)


def _bounded(minor: int, currency: str) -> Money:
    if minor < 0:
        raise UnfitError("An amount is not negative; money back is a refund of its own.")
    if minor > MINOR_MAX:
        raise UnfitError("The amount is beyond anything an order can cost; check its unit.")
    return Money(minor, currency)

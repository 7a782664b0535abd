"""Reads money: integer minor units or decimal text, as the template declares. Never a float."""

import re
from collections.abc import Mapping
from typing import Final

from streams.logic.normalising.currencies import exponent
from streams.logic.normalising.facts import Money
from streams.logic.normalising.json_text import Fraction
from streams.logic.normalising.refusals import UnfitError

# 10^15 minor units is ten trillion yuan: above any order, far below what 64 bits hold.
MINOR_MAX: Final = 10**15

_INTEGER: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_DECIMAL: Final = re.compile(r"(-?)([0-9]{1,16})(?:\.([0-9]{1,9}))?", re.ASCII)


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
    written = value.text if isinstance(value, Fraction) else value
    if isinstance(written, int) and not isinstance(written, bool):
        written = str(written) if abs(written) <= MINOR_MAX else ""
    parts = _DECIMAL.fullmatch(written) if isinstance(written, str) else None
    if parts is None:
        raise UnfitError('An amount is plain decimal text: "12.34".')
    digits = exponent(currency)
    fraction = parts[3] or ""
    kept, rest = fraction[:digits].ljust(digits, "0"), fraction[digits:]
    if rest.strip("0"):
        raise UnfitError(f"{currency} has {digits} decimal digits; this amount has more.")
    return _bounded(int(parts[1] + parts[2] + kept), currency)


def _bounded(minor: int, currency: str) -> Money:
    if minor < 0:
        raise UnfitError("An amount is not negative; money back is a refund of its own.")
    if minor > MINOR_MAX:
        raise UnfitError("The amount is beyond anything an order can cost; check its unit.")
    return Money(minor, currency)

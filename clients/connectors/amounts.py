"""Amounts as providers want them: whole minor units, or decimal text. Never a float."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from google.type.money_pb2 import Money

NANOS: Final = 1_000_000_000
# ISO 4217: the currencies that have no minor unit, and those whose minor unit is a thousandth.
_WHOLE: Final = (
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"),
    *("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"),
)
_THOUSANDTHS: Final = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
DIGITS: Final[Mapping[str, int]] = MappingProxyType(
    dict.fromkeys(_WHOLE, 0) | dict.fromkeys(_THOUSANDTHS, 3)
)


class UnfitAmountError(Exception):
    """The amount cannot be told to the provider exactly."""


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of one currency, in its minor units."""

    minor: int
    currency: str

    @classmethod
    def of(cls, money: Money) -> Amount:
        """Return what a message says.

        Raises:
            UnfitAmountError: it is finer than the currency's minor unit.
        """
        digits = digits_of(money.currency_code)
        nanos = money.units * NANOS + money.nanos
        minor, rest = divmod(nanos * 10**digits, NANOS)
        if rest:
            raise UnfitAmountError(f"finer than the minor unit of {money.currency_code}")
        return cls(minor, money.currency_code)

    def text(self) -> str:
        """Return it in major units: `0.01`."""
        digits = digits_of(self.currency)
        if not digits:
            return str(self.minor)
        whole, part = divmod(self.minor, 10**digits)
        return f"{whole}.{part:0{digits}d}"

    def counted_in(self, digits: Mapping[str, int]) -> int:
        """Return minor units of a provider that has other ones for some currencies.

        Raises:
            UnfitAmountError: it is finer than the provider counts.
        """
        shift = digits.get(self.currency, digits_of(self.currency)) - digits_of(self.currency)
        if shift >= 0:
            return int(self.minor * 10**shift)
        whole, rest = divmod(self.minor, 10**-shift)
        if rest:
            raise UnfitAmountError(f"finer than the provider counts {self.currency}")
        return int(whole)


def digits_of(currency: str) -> int:
    """Return how many decimal digits the currency's minor unit has."""
    return DIGITS.get(currency, 2)

"""Money: integer minor units of one currency. Never a float, never two currencies at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

# ISO 4217 currencies whose minor unit is not a hundredth; all others have two digits.
EXPONENTS: Final[Mapping[str, int]] = MappingProxyType(
    dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    )
    | dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3)
)

# 2^63 - 1 is what the database column holds; a ten-thousandth of it, 9.2 million million of a
# currency with two digits, leaves room for the sum of every payment that an order can have.
AMOUNT_MINOR_MAX: Final = (2**63 - 1) // 10_000


def exponent(currency: str) -> int:
    """Return how many decimal digits the currency's minor unit has."""
    return EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount of one currency, in its minor units; negative only as a difference."""

    minor: int
    currency: str

    @staticmethod
    @cache
    def zero(currency: str) -> "Money":
        """Return nothing, in a currency."""
        return Money(0, currency)

    def __add__(self, other: "Money") -> "Money":
        """Add, or raise ValueError when the currencies differ."""
        self._refuse_other_currency(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        """Subtract, or raise ValueError when the currencies differ."""
        self._refuse_other_currency(other)
        return Money(self.minor - other.minor, self.currency)

    def __str__(self) -> str:
        """Render as `12.34 CNY`."""
        digits = exponent(self.currency)
        sign = "-" if self.minor < 0 else ""
        whole, part = divmod(abs(self.minor), 10**digits)
        fraction = f".{part:0{digits}d}" if digits else ""
        return f"{sign}{whole}{fraction} {self.currency}"

    def _refuse_other_currency(self, other: "Money") -> None:
        if self.currency != other.currency:
            message = f"{self.currency} and {other.currency} do not add up"
            raise ValueError(message)

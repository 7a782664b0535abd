"""Money as the contract has it: google.type.Money, made from and read as exact decimals."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from google.type import money_pb2

NANOS: Final = 1_000_000_000


def money(value: str | Decimal, currency: str = "CNY") -> money_pb2.Money:
    """Return the amount as a message.

    Raises:
        ValueError: no decimal number, or finer than a billionth. A float is refused: it is rounded.
    """
    if isinstance(value, float):
        raise TypeError("money is given as text or Decimal: a float is rounded already")
    try:
        total = Decimal(value) * NANOS
    except ArithmeticError:
        raise ValueError(f"{value!r} is not a decimal number") from None
    if not total.is_finite() or total != total.to_integral_value():
        raise ValueError(f"{value!r} is not an amount of money")
    sign = -1 if total < 0 else 1
    units, nanos = divmod(abs(int(total)), NANOS)
    return money_pb2.Money(currency_code=currency, units=sign * units, nanos=sign * nanos)


def amount(of: money_pb2.Money) -> Decimal:
    """Return the message's amount, exactly."""
    return Decimal(of.units) + Decimal(of.nanos) / NANOS

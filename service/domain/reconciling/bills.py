"""Judges what a provider's bill says of payments and refunds against what we hold of each.

A payment or refund is known by its number. The bill's rows have come as receipts, too: what nobody
but the bill has told of was missing here, and importing it has put it right.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from service.domain.facts import OrderRef
from service.domain.money import Money
from service.domain.reconciling.judging import DifferenceKind, Finding, money_text
from service.domain.reconciling.statements import Line

PAYMENT: Final = "PAYMENT"
REFUND: Final = "REFUND"


class Moved(NamedTuple):
    """One movement of money: a payment or a refund, by its number."""

    is_refund: bool
    voucher: str


@dataclass(frozen=True, slots=True)
class Held:
    """What we hold of a movement."""

    order_id: str
    amount: Money
    # Nobody told of it but the bill itself.
    is_of_bill: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """What differs of one order's movements, and what importing the bill has put right."""

    standing: tuple[Finding, ...]
    mended: tuple[Finding, ...]


def moved_by(line: Line) -> tuple[Moved, Money] | None:
    """Return what a line says to have arrived; None where it says of nothing that it has."""
    told = line.amount or line.refunded
    if told is None or not line.voucher or not line.is_read:
        return None
    return Moved(line.amount is None, line.voucher), told


def judge_bill(ref: OrderRef, lines: Sequence[Line], held: Mapping[Moved, Held]) -> Judged:
    """Return what differs, each kind at most once: it tells of all movements of the order."""
    told = dict(each for each in map(moved_by, lines) if each is not None)
    order_id = next((each.order_id for each in held.values()), "")
    lacking = {moved: amount for moved, amount in told.items() if moved not in held}
    came = {moved: amount for moved, amount in told.items() if moved in held}
    other = {moved: amount for moved, amount in came.items() if held[moved].amount != amount}
    fresh = {moved: amount for moved, amount in came.items() if held[moved].is_of_bill}
    standing = []
    if lacking:
        standing.append(
            Finding(DifferenceKind.MISSING_HERE, ref, order_id, file=movements_text(lacking))
        )
    if other:
        ours = {moved: held[moved].amount for moved in other}
        standing.append(
            Finding(
                DifferenceKind.AMOUNT,
                ref,
                order_id,
                file=movements_text(other),
                ours=movements_text(ours),
            )
        )
    mended = (
        (Finding(DifferenceKind.MISSING_HERE, ref, order_id, file=movements_text(fresh)),)
        if fresh and not lacking
        else ()
    )
    return Judged(tuple(standing), mended)


def unbilled(ref: OrderRef, order_id: str, amount: Money) -> Finding:
    """Return that no bill has a payment of ours."""
    ours = movements_text({Moved(is_refund=False, voucher=""): amount})
    return Finding(DifferenceKind.MISSING_THERE, ref, order_id, ours=ours)


def movements_text(movements: Mapping[Moved, Money]) -> str:
    """Return movements as differences keep them: `PAYMENT 16900 CNY + REFUND 1000 CNY`."""
    return " + ".join(
        f"{REFUND if moved.is_refund else PAYMENT} {money_text(amount)}"
        for moved, amount in sorted(movements.items(), key=lambda each: each[0])
    )


def is_of_bill(finding: Finding) -> bool:
    """Tell whether a difference is of a provider's bill, and not of a channel's file."""
    return (finding.file or finding.ours).startswith((f"{PAYMENT} ", f"{REFUND} "))

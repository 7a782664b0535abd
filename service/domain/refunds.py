"""What may still be given back, and from which payment."""

from collections import defaultdict
from collections.abc import Sequence

from service.domain.fact_sets import of_kind
from service.domain.facts import TOTAL_SO_FAR, Fact, FactKind
from service.domain.money import Money
from service.domain.providers import ASKABLE
from service.domain.truth import refunded_amount


def spoken_for(facts: Sequence[Fact], currency: str) -> Money:
    """Return what went back or was asked back, each refund number once; closed ones are free."""
    told = sum(_by_number(facts, currency).values())
    gone = refunded_amount(of_kind(facts, FactKind.REFUND_SUCCEEDED), currency)
    return Money(max(told, gone.minor), currency)


def givers(facts: Sequence[Fact], currency: str) -> list[tuple[Fact, Money]]:
    """Return the payments that a provider can be asked to give back, with what is left of each.

    Those with most left come first. A refund that names no payment is taken from none of them:
    the order's own balance bounds it.
    """
    paid: dict[str, Fact] = {}
    for fact in of_kind(facts, FactKind.PAYMENT_SUCCEEDED):
        known = fact.amount is not None and fact.amount.currency == currency
        if known and fact.voucher and fact.source in ASKABLE:
            paid.setdefault(fact.voucher, fact)
    gone: dict[str, int] = defaultdict(int)
    payment_of = {each.voucher: each.payment for each in facts if each.payment}
    for number, minor in _by_number(facts, currency).items():
        gone[payment_of.get(number, "")] += minor
    left = [
        (fact, Money(max(fact.amount.minor - gone[voucher], 0), currency))
        for voucher, fact in paid.items()
        if fact.amount is not None
    ]
    return sorted(left, key=lambda each: (-each[1].minor, each[0].voucher))


def _by_number(facts: Sequence[Fact], currency: str) -> dict[str, int]:
    closed = {each.voucher for each in of_kind(facts, FactKind.REFUND_CLOSED)}
    done = [
        each
        for each in of_kind(facts, FactKind.REFUND_SUCCEEDED)
        # What one refund of a running total was is not known from it.
        if each.note != TOTAL_SO_FAR
    ]
    asked = of_kind(facts, FactKind.REFUND_REQUESTED)
    found: dict[str, int] = {}
    for fact in (*done, *(each for each in asked if each.voucher not in closed)):
        if fact.amount is not None and fact.amount.currency == currency:
            number = fact.voucher or fact.fact_id
            found[number] = max(found.get(number, 0), fact.amount.minor)
    return found

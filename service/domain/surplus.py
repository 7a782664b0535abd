"""Payments that should not have come and that the terms say go back by themselves.

Only a payment that a provider itself told of, whole, and to which no other refund is near: what
a person has begun to give back, a person ends. The refund number follows from the payment, so
however often it is derived or asked for, the money goes back once.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from service.domain.fact_sets import of_kind
from service.domain.facts import Fact, FactKind
from service.domain.lifecycle import State
from service.domain.providers import ASKABLE
from service.domain.terms import Remedy, Terms
from service.domain.truth import Truth

# UnionPay takes 8 to 40 letters and digits, WeChat Pay up to 64; 'A' says: by itself.
NUMBER_LENGTH: Final = 31


def refund_number(payment: Fact) -> str:
    """Return the one number under which this payment goes back by itself."""
    name = f"{payment.source}|{payment.voucher}"
    return "A" + hashlib.sha256(name.encode()).hexdigest()[:NUMBER_LENGTH].upper()


def payments_of(facts: Sequence[Fact]) -> list[Fact]:
    """Return one fact for each payment that has a number, in order of events.

    Of two that tell of one payment the provider's own stands, then the earlier.
    """
    payments = of_kind(facts, FactKind.PAYMENT_SUCCEEDED)
    if not payments:
        return []
    found: dict[str, Fact] = {}
    for fact in sorted(payments, key=lambda each: each.source not in ASKABLE):
        if fact.voucher:
            found.setdefault(fact.voucher, fact)
    return sorted(found.values(), key=lambda each: each.when)


def surplus(facts: Sequence[Fact], truth: Truth, terms: Terms) -> list[Fact]:
    """Return the payments that go back by themselves."""
    payments = payments_of(facts)
    chosen: set[str] = set()
    if terms.paid_after_cancel is Remedy.REFUND and truth.state is State.CANCELLED:
        chosen |= _after_cancel(facts, payments)
    if terms.duplicate_charge is Remedy.REFUND:
        chosen |= _beyond_total(payments, truth)
    if not chosen:
        return []
    handled = _handled_otherwise(facts, {refund_number(each) for each in payments})
    return [
        each
        for each in payments
        if each.voucher in chosen
        and each.source in ASKABLE
        and each.amount is not None
        and not handled & {each.voucher, ""}
    ]


def _after_cancel(facts: Sequence[Fact], payments: Sequence[Fact]) -> set[str]:
    cancels = of_kind(facts, FactKind.ORDER_CANCELLED)
    return {
        payment.voucher
        for payment in payments
        if any(payment.occurred_at > each.occurred_at for each in cancels)
    }


def _beyond_total(payments: Sequence[Fact], truth: Truth) -> set[str]:
    found, covered = set(), 0
    for payment in payments:
        if payment.amount is None or payment.amount.currency != truth.total.currency:
            continue
        if 0 < truth.total.minor <= covered:
            found.add(payment.voucher)
        covered += payment.amount.minor
    return found


def _handled_otherwise(facts: Sequence[Fact], own: set[str]) -> set[str]:
    """Return the payments of other refunds; an empty name where one of them names none."""
    closed = {each.voucher for each in of_kind(facts, FactKind.REFUND_CLOSED)}
    begun = (FactKind.REFUND_REQUESTED, FactKind.REFUND_SUCCEEDED, FactKind.REFUND_FAILED)
    others = [
        each
        for each in facts
        if each.kind in begun and each.voucher not in own and each.voucher not in closed
    ]
    payment_of = {each.voucher: each.payment for each in facts if each.payment}
    return {each.payment or payment_of.get(each.voucher, "") for each in others}

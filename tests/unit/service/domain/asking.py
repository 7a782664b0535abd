"""Facts about money at providers, and what they make us ask."""

from __future__ import annotations

from collections.abc import Sequence

from service.domain.facts import Fact, FactKind, OrderRef
from service.domain.inquiries import Inquiry, inquiries
from service.domain.money import Money
from service.domain.terms import USUAL, Terms
from service.domain.truth import derive
from tests.builders import REF, a_fact

TRADE = OrderRef("merchant", "M2026112200017")


def created(minute: float = 0, **given: object) -> Fact:
    """Return an order with our number for providers."""
    values: dict[str, object] = {
        "more_refs": (TRADE,),
        "source": "mini",
        "channel": "mini",
        **given,
    }
    return a_fact(FactKind.ORDER_CREATED, minute=minute, **values)


def started(minute: float = 1, who: str = "alipay", **given: object) -> Fact:
    """Return the shop's word that the buyer began to pay."""
    values: dict[str, object] = {
        "fact_id": f"started-{who}-{minute:g}",
        "source": "mini",
        "provider": who,
        "account": f"{who}-main" if who else "",
        "ref": REF,
        **given,
    }
    return a_fact(FactKind.PAYMENT_STARTED, minute=minute, **values)


def by(who: str, kind: FactKind, minute: float = 2, **given: object) -> Fact:
    """Return what a provider says about our trade."""
    values: dict[str, object] = {
        "fact_id": f"{kind.value.lower()}-{who}-{minute:g}",
        "source": who,
        "ref": TRADE,
        "account": f"{who}-main",
        **given,
    }
    return a_fact(kind, minute=minute, **values)


def paid(minute: float = 2, who: str = "alipay", **given: object) -> Fact:
    """Return a provider's word that the money came."""
    values: dict[str, object] = {"voucher": f"pay-{who}-{minute:g}", **given}
    return by(who, FactKind.PAYMENT_SUCCEEDED, minute, **values)


def refund_ordered(minute: float = 5, **given: object) -> Fact:
    """Return what RefundOrder becomes."""
    values: dict[str, object] = {
        "source": "operator",
        "provider": "alipay",
        "account": "alipay-main",
        "voucher": "R20261122",
        "payment": "pay-alipay-2",
        "amount": Money(1_000, "CNY"),
        **given,
    }
    return a_fact(FactKind.REFUND_REQUESTED, minute=minute, **values)


def asked(facts: Sequence[Fact], terms: Terms = USUAL) -> tuple[Inquiry, ...]:
    """Return what must be asked after these facts."""
    truth = derive(facts)
    assert truth is not None, "a creation must be among the facts"
    return inquiries(facts, truth, terms)


def keys(facts: Sequence[Fact], terms: Terms = USUAL) -> list[str]:
    """Return the names of what must be asked."""
    return [each.key for each in asked(facts, terms)]

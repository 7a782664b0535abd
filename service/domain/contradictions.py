"""The contradiction policy: which facts cannot stand beside each other, and who must act.

Every predicate is monotone: two facts that contradict do so for ever, whatever else comes, so
the set of discrepancies does not depend on the order of arrival. What merely lacks a fact is
not a contradiction but an expectation, with a deadline (`expectations.py`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import unique
from types import MappingProxyType
from typing import Final

from service.domain.fact_sets import FactSet
from service.domain.facts import Fact, FactKind
from service.domain.lifecycle import State
from service.domain.truth import Truth
from service.domain.words import Word


@unique
class DiscrepancyKind(Word):
    """How facts disagree."""

    PAID_AFTER_CANCEL = "PAID_AFTER_CANCEL"
    SHIPPED_AFTER_CANCEL = "SHIPPED_AFTER_CANCEL"
    CANCEL_AFTER_SHIPMENT = "CANCEL_AFTER_SHIPMENT"
    DUPLICATE_CHARGE = "DUPLICATE_CHARGE"
    AMOUNT_DIFFERS = "AMOUNT_DIFFERS"
    TOTAL_DIFFERS = "TOTAL_DIFFERS"
    REFUND_FAILED = "REFUND_FAILED"


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Facts that disagree, by id."""

    kind: DiscrepancyKind
    evidence: frozenset[str]


def _by_nobody_but_a_person(_truth: Truth) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Policy:
    """What a contradiction means to people, who must act on it, and when it is settled.

    A contradiction stands for ever; its case ends by itself as soon as the truth says that
    nothing is left to do, and opens again should that change.
    """

    owner_role: str
    text_en: str
    text_zh: str
    is_settled: Callable[[Truth], bool] = _by_nobody_but_a_person


POLICY: Final[Mapping[DiscrepancyKind, Policy]] = MappingProxyType(
    {
        DiscrepancyKind.PAID_AFTER_CANCEL: Policy(
            "finance",
            "The money came after the order was cancelled: refund it or reinstate the order.",
            "取消之后收到付款:请退款或恢复订单。",
            lambda truth: (
                truth.state is not State.CANCELLED or truth.refunded.minor >= truth.paid.minor
            ),
        ),
        DiscrepancyKind.SHIPPED_AFTER_CANCEL: Policy(
            "warehouse",
            "A parcel left after the order was cancelled: intercept it or reinstate the order.",
            "取消之后仓库仍发货:请拦截包裹或恢复订单。",
        ),
        DiscrepancyKind.CANCEL_AFTER_SHIPMENT: Policy(
            "customer_service",
            "The order was cancelled after a parcel had left: agree on a return with the buyer.",
            "发货之后收到取消:请与买家协商退货。",
        ),
        DiscrepancyKind.DUPLICATE_CHARGE: Policy(
            "finance",
            "The buyer was charged more than once: refund what is too much.",
            "重复扣款:请退回多收的款项。",
            lambda truth: truth.paid.minor - truth.refunded.minor <= truth.total.minor,
        ),
        DiscrepancyKind.AMOUNT_DIFFERS: Policy(
            "finance",
            "A payment differs from the order's total: settle the difference.",
            "付款金额或币种与订单金额不一致:请核对差额。",
        ),
        DiscrepancyKind.TOTAL_DIFFERS: Policy(
            "operations",
            "The order was told with different totals: find out which one holds.",
            "订单金额有不同说法:请核实。",
        ),
        DiscrepancyKind.REFUND_FAILED: Policy(
            "finance",
            "The provider could not deliver a refund: agree with the buyer on another way.",
            "退款无法送达买家账户:请与买家商定其他退款方式。",
            lambda truth: truth.refunded.minor >= truth.refund_requested.minor,
        ),
    }
)

Pairs = set[frozenset[str]]


def discrepancies(facts: Iterable[Fact]) -> tuple[Discrepancy, ...]:
    """Return every contradiction in the set, one for each kind, with all evidence."""
    told = FactSet.of(facts)
    kinds = told.kinds
    # Most orders are told of in a few words, among which nothing can disagree.
    found = [(kind, find(told)) for kind, needed, find in _FINDERS if kinds >= needed]
    return tuple([Discrepancy(kind, frozenset().union(*pairs)) for kind, pairs in found if pairs])


def _after(
    earlier: FactKind, later: FactKind, *, or_equal: bool = False
) -> Callable[[FactSet], Pairs]:
    def find(facts: FactSet) -> Pairs:
        return {
            frozenset({first.fact_id, second.fact_id})
            for first in facts.of_kind(earlier)
            for second in facts.of_kind(later)
            if second.occurred_at > first.occurred_at
            or (or_equal and second.occurred_at == first.occurred_at)
        }

    return find


def _paid_twice(facts: FactSet) -> Pairs:
    payments = facts.of_kind(FactKind.PAYMENT_SUCCEEDED)
    vouchers = {each.voucher for each in payments if each.voucher}
    if len(vouchers) < 2:  # noqa: PLR2004  # two vouchers are two payments
        return set()
    return {frozenset({each.fact_id}) for each in payments if each.voucher}


def _paid_other_amount(facts: FactSet) -> Pairs:
    return {
        frozenset({created.fact_id, payment.fact_id})
        for created in facts.of_kind(FactKind.ORDER_CREATED)
        for payment in facts.of_kind(FactKind.PAYMENT_SUCCEEDED)
        if created.amount and payment.amount and created.amount != payment.amount
    }


def _refund_bounced(facts: FactSet) -> Pairs:
    return {frozenset({each.fact_id}) for each in facts.of_kind(FactKind.REFUND_FAILED)}


def _told_other_total(facts: FactSet) -> Pairs:
    told = [each for each in facts.of_kind(FactKind.ORDER_CREATED) if each.amount]
    if len(told) < 2:  # noqa: PLR2004  # two totals can differ
        return set()
    return {
        frozenset({one.fact_id, other.fact_id})
        for one in told
        for other in told
        if one.amount != other.amount
    }


_FINDERS: Final[
    tuple[tuple[DiscrepancyKind, frozenset[FactKind], Callable[[FactSet], Pairs]], ...]
] = (
    (
        DiscrepancyKind.PAID_AFTER_CANCEL,
        frozenset({FactKind.ORDER_CANCELLED, FactKind.PAYMENT_SUCCEEDED}),
        _after(FactKind.ORDER_CANCELLED, FactKind.PAYMENT_SUCCEEDED),
    ),
    (
        DiscrepancyKind.SHIPPED_AFTER_CANCEL,
        frozenset({FactKind.ORDER_CANCELLED, FactKind.PARCEL_SHIPPED}),
        _after(FactKind.ORDER_CANCELLED, FactKind.PARCEL_SHIPPED),
    ),
    (
        DiscrepancyKind.CANCEL_AFTER_SHIPMENT,
        frozenset({FactKind.PARCEL_SHIPPED, FactKind.ORDER_CANCELLED}),
        _after(FactKind.PARCEL_SHIPPED, FactKind.ORDER_CANCELLED, or_equal=True),
    ),
    (
        DiscrepancyKind.DUPLICATE_CHARGE,
        frozenset({FactKind.PAYMENT_SUCCEEDED}),
        _paid_twice,
    ),
    (
        DiscrepancyKind.AMOUNT_DIFFERS,
        frozenset({FactKind.ORDER_CREATED, FactKind.PAYMENT_SUCCEEDED}),
        _paid_other_amount,
    ),
    (DiscrepancyKind.TOTAL_DIFFERS, frozenset({FactKind.ORDER_CREATED}), _told_other_total),
    (DiscrepancyKind.REFUND_FAILED, frozenset({FactKind.REFUND_FAILED}), _refund_bounced),
)

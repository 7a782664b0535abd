"""Gives facts their ids: one happening has one id, whichever notice tells of it.

The id is a UUID5 over what is claimed, not over how we learnt it:

    kind, source, order reference, voucher, occurred_at, amount
    and for NOTED            the note
    and for ORDER_CREATED    list amount, customer, lines and further references,
                             and by what else the person is known, where that can be matched,
                             and kinds of goods and coupons, where they are told

Left out are provider, account and payment (they say where money moved, not that it did), the
receipt and its message id (a second notice tells the same fact), the circumstances (a query that
confirms a callback tells the same fact; how it was learnt first stays), and a time that was
borrowed from the receipt because the message has none (or else every query would be a fact of
its own). Everything that can disagree is in: two notices of one payment with two amounts are two
facts, so that the service sees the contradiction.
"""

import json
import uuid
from typing import Final

from streams.logic.normalising.facts import Fact, FactKind, Money, OrderRef

# Fixed for ever: another value would make every known fact unknown.
FACT_NAMESPACE: Final = uuid.UUID("0d5ab4a8-52c5-5a4d-8a33-6f0f5f1a7c11")


def fact_id(fact: Fact, *, has_own_time: bool) -> str:
    """Return the id of a fact; `has_own_time` is False where its time is the receipt's."""
    key: list[object] = [
        fact.kind.value,
        fact.source,
        _ref(fact.ref),
        fact.voucher,
        fact.occurred_at.isoformat(timespec="microseconds") if has_own_time else None,
        _money(fact.amount),
    ]
    if fact.kind is FactKind.NOTED:
        key.append(fact.note)
    if fact.kind is FactKind.ORDER_CREATED:
        key += [
            _money(fact.list_amount),
            fact.customer,
            [[line.sku, line.quantity, _money(line.unit_price)] for line in fact.lines],
            [_ref(ref) for ref in fact.more_refs],
        ]
        # Only then, so that facts without them keep the ids that they have.
        known_by = sorted([each.kind.value, each.digest] for each in fact.identities if each.digest)
        if known_by:
            key.append(known_by)
        kinds = [line.category for line in fact.lines if line.category]
        if kinds or fact.coupons:
            key.append([kinds, list(fact.coupons)])
    return str(uuid.uuid5(FACT_NAMESPACE, json.dumps(key, separators=(",", ":"))))


def _money(money: Money | None) -> list[object] | None:
    return None if money is None else [money.minor, money.currency]


def _ref(ref: OrderRef) -> list[object]:
    return [ref.namespace, ref.value]

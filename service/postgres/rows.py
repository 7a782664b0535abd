"""Rows to domain values and back."""

from typing import Any

from service.domain.contradictions import DiscrepancyKind
from service.domain.customers.identity import Identity, IdentityKind
from service.domain.facts import Circumstance, Fact, FactKind, OrderLine, OrderRef, Outcome
from service.domain.journal import Row
from service.domain.lifecycle import FINAL, State
from service.domain.money import Money
from service.domain.order import Hold, Order
from service.domain.truth import RefundState
from service.postgres.moments import from_text, to_text

# What SQLAlchemy's row mappings are to their readers: columns by name.
RowMapping = Any


def order_row(order: Order) -> dict[str, Any]:
    """Return an order as columns."""
    return {
        "order_id": order.order_id,
        "state": order.state.value,
        "state_since": order.state_since,
        "closed_at": order.updated_at if order.state in FINAL else None,
        "refund_state": order.refund_state.value,
        "channel": order.channel,
        "customer": order.customer,
        "currency": order.total.currency,
        "total_minor": order.total.minor,
        "list_total_minor": order.list_total.minor,
        "paid_minor": order.paid.minor,
        "refunded_minor": order.refunded.minor,
        "placed_at": order.placed_at,
        "updated_at": order.updated_at,
        "outbound_approved": order.outbound_approved,
        "discrepancies": [each.value for each in order.discrepancies],
        "refs": [[each.namespace, each.value] for each in order.refs],
        "lines": [_line_json(each) for each in order.lines],
        "holds": [
            [each.hold_id, each.reason, each.actor, to_text(each.placed_at)] for each in order.holds
        ],
        "hold_reasons": [each.reason for each in order.holds],
        "milestone": order.milestone,
        "sequence": order.sequence,
        "chain_head": order.chain_head,
        "tags": list(order.tags),
    }


def order_from(row: RowMapping) -> Order:
    """Return columns as an order."""
    currency = row["currency"]
    return Order(
        order_id=row["order_id"],
        state=State(row["state"]),
        state_since=row["state_since"],
        refund_state=RefundState(row["refund_state"]),
        channel=row["channel"],
        customer=row["customer"],
        refs=tuple(OrderRef(*each) for each in row["refs"]),
        lines=tuple(_line_from(each) for each in row["lines"]),
        total=Money(row["total_minor"], currency),
        list_total=Money(row["list_total_minor"], currency),
        paid=Money(row["paid_minor"], currency),
        refunded=Money(row["refunded_minor"], currency),
        placed_at=row["placed_at"],
        updated_at=row["updated_at"],
        outbound_approved=row["outbound_approved"],
        discrepancies=tuple(DiscrepancyKind(each) for each in row["discrepancies"]),
        holds=tuple(
            Hold(hold_id, reason, actor, from_text(placed))
            for hold_id, reason, actor, placed in row["holds"]
        ),
        milestone=row["milestone"],
        sequence=row["sequence"],
        chain_head=bytes(row["chain_head"]),
        tags=tuple(row["tags"]),
    )


def fact_row(fact: Fact, order_id: str | None, outcome: Outcome) -> dict[str, Any]:
    """Return a fact as columns."""
    amount, listed = fact.amount, fact.list_amount
    return {
        "fact_id": fact.fact_id,
        "order_id": order_id,
        "namespace": fact.ref.namespace,
        "value": fact.ref.value,
        "kind": fact.kind.value,
        "source": fact.source,
        "channel": fact.channel,
        "occurred_at": fact.occurred_at,
        "recorded_at": fact.recorded_at,
        "amount_minor": amount.minor if amount else None,
        "currency": amount.currency if amount else None,
        "voucher": fact.voucher,
        "circumstances": sorted(each.value for each in fact.circumstances),
        "detail": {
            "refs": [[each.namespace, each.value] for each in fact.more_refs],
            "listed": [listed.minor, listed.currency] if listed else None,
            "customer": fact.customer,
            "lines": [_line_json(each) for each in fact.lines],
            "provider": fact.provider,
            "account": fact.account,
            "payment": fact.payment,
            **_known_by(fact),
        },
        "note": fact.note,
        "receipt_id": fact.receipt_id,
        "traceparent": fact.traceparent,
        "address": fact.address,
        "outcome": outcome.value,
    }


def fact_from(row: RowMapping) -> Fact:
    """Return columns as a fact."""
    detail = row["detail"]
    has_amount = row["amount_minor"] is not None
    return Fact(
        fact_id=row["fact_id"],
        kind=FactKind(row["kind"]),
        ref=OrderRef(row["namespace"], row["value"]),
        source=row["source"],
        occurred_at=row["occurred_at"],
        channel=row["channel"],
        amount=Money(row["amount_minor"], row["currency"]) if has_amount else None,
        voucher=row["voucher"],
        circumstances=frozenset(Circumstance(each) for each in row["circumstances"]),
        more_refs=tuple(OrderRef(*each) for each in detail["refs"]),
        list_amount=Money(*detail["listed"]) if detail["listed"] else None,
        customer=detail["customer"],
        lines=tuple(_line_from(each) for each in detail["lines"]),
        note=row["note"],
        provider=detail.get("provider", ""),
        account=detail.get("account", ""),
        payment=detail.get("payment", ""),
        identities=tuple(identity_from(each) for each in detail.get("identities", ())),
        categories=tuple(detail.get("categories", ())),
        coupons=tuple(detail.get("coupons", ())),
        receipt_id=row["receipt_id"],
        recorded_at=row["recorded_at"],
        traceparent=row["traceparent"],
        address=row["address"],
    )


def journal_row(row: Row) -> dict[str, Any]:
    """Return a journal row as columns; all but the record and hash are only for reading."""
    change, origin = row.change, row.origin
    return {
        "order_id": row.order_id,
        "sequence": row.sequence,
        "kind": change.kind.value,
        "source": change.source,
        "actor": origin.actor,
        "role": origin.role,
        "address": origin.address,
        "voucher": change.voucher,
        "reason": change.reason,
        "old_value": change.old,
        "new_value": change.new,
        "occurred_at": change.occurred_at,
        "recorded_at": row.recorded_at,
        "trace_id": origin.trace_id,
        "traceparent": origin.traceparent,
        "event": row.event,
        "measured": bool(change.measures),
        "record": row.record,
        "hash": row.hash,
    }


def _known_by(fact: Fact) -> dict[str, Any]:
    """Return what few facts tell as JSON; the others keep nothing for it."""
    known: dict[str, Any] = {}
    if fact.identities:
        known["identities"] = [[each.kind.value, each.digest] for each in fact.identities]
    if fact.categories:
        known["categories"] = list(fact.categories)
    if fact.coupons:
        known["coupons"] = list(fact.coupons)
    return known


def identity_from(value: list[Any]) -> Identity:
    """Return an identity as facts keep it; one without a digest was masked."""
    kind, digest = value
    return Identity(IdentityKind(kind), digest)


def _line_json(line: OrderLine) -> list[Any]:
    price = line.unit_price
    return [
        line.sku,
        line.quantity,
        price.minor if price else None,
        price.currency if price else "",
    ]


def _line_from(value: list[Any]) -> OrderLine:
    sku, quantity, minor, currency = value
    return OrderLine(sku, quantity, None if minor is None else Money(minor, currency))

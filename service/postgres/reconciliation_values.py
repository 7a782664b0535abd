"""Statements, comparisons and differences as columns, and back."""

from typing import Any, Final

from service.application.reconciling_ports import KeptLine
from service.domain.facts import OrderRef
from service.domain.lifecycle import State
from service.domain.money import Money
from service.domain.reconciling.comparing import Phase, Reconciliation
from service.domain.reconciling.differences import Difference, DifferenceState
from service.domain.reconciling.judging import DifferenceKind, Finding, Ours
from service.domain.reconciling.statements import Line, ShopDay, Statement, StatementKind
from service.postgres.moments import from_text, to_text

# What SQLAlchemy's row mappings are to their readers: columns by name.
Row = Any

# Of the table of orders, under the name `o`.
OURS: Final = (
    "o.order_id, o.channel, o.state, o.state_since, o.currency, o.total_minor, o.paid_minor,"
    " o.refunded_minor, o.placed_at, (SELECT coalesce(sum(CAST(line->>1 AS bigint)), 0)"
    " FROM jsonb_array_elements(o.lines) AS line) AS quantity"
)


def ours_from(row: Row) -> Ours:
    """Return columns as what we hold of an order."""
    currency = row["currency"]
    return Ours(
        order_id=row["order_id"],
        channel=row["channel"],
        state=State(row["state"]),
        state_since=row["state_since"],
        total=Money(row["total_minor"], currency),
        paid=Money(row["paid_minor"], currency),
        refunded=Money(row["refunded_minor"], currency),
        quantity=int(row["quantity"]),
        placed_at=row["placed_at"],
    )


def line_row(statement_id: str, kept: KeptLine) -> dict[str, Any]:
    """Return a line as columns."""
    line = kept.line
    amount = line.amount or line.refunded
    return {
        "statement_id": statement_id,
        "namespace": line.ref.namespace,
        "value": line.ref.value,
        "key": line.key,
        "amount_minor": line.amount.minor if line.amount else None,
        "currency": amount.currency if amount else None,
        "quantity": line.quantity,
        "state": line.state.value if line.state else None,
        "refunded_minor": line.refunded.minor if line.refunded else None,
        "placed_at": line.placed_at,
        "told_at": line.told_at,
        "voucher": line.voucher,
        "receipt_id": line.receipt_id,
        "is_read": line.is_read,
        "held": _held(kept.before) if kept.is_fresh else None,
    }


def line_from(row: Row) -> KeptLine:
    """Return columns as a line."""
    currency = row["currency"]
    has_amount, has_refund = row["amount_minor"] is not None, row["refunded_minor"] is not None
    line = Line(
        ref=OrderRef(row["namespace"], row["value"]),
        key=row["key"],
        amount=Money(row["amount_minor"], currency) if has_amount else None,
        quantity=row["quantity"],
        state=State(row["state"]) if row["state"] else None,
        refunded=Money(row["refunded_minor"], currency) if has_refund else None,
        placed_at=row["placed_at"],
        told_at=row["told_at"],
        voucher=row["voucher"],
        receipt_id=row["receipt_id"],
        is_read=row["is_read"],
    )
    held = row["held"]
    if held is None:
        return KeptLine(line)
    return KeptLine(line, is_fresh=True, before=_from_held(held) if held else None)


def statement_from(row: Row) -> Statement:
    """Return columns, with the number of lines, as a statement."""
    return Statement(
        kind=StatementKind(row["kind"]),
        of=ShopDay(row["channel"], row["shop"], row["day"]),
        zone=row["zone"],
        began_at=row["began_at"],
        line_at=row["line_at"],
        lines=row["lines"],
        expected=row["expected"],
        closed_at=row["closed_at"],
    )


def reconciliation_row(of: Reconciliation) -> dict[str, Any]:
    """Return a comparison as columns."""
    return {
        "reconciliation_id": of.reconciliation_id,
        "channel": of.of.channel,
        "shop": of.of.shop,
        "day": of.of.day,
        "zone": of.zone,
        "phase": of.phase.value,
        "revision": of.revision,
        "began_at": of.began_at,
        "done_at": of.done_at,
        "after_namespace": of.after.namespace if of.after else None,
        "after_value": of.after.value if of.after else None,
        "look_from": of.look_from,
        "lines": of.lines,
        "orders": of.orders,
        "payments": of.payments,
        "agreeing": of.agreeing,
        "notes": list(of.notes),
        "asked_at": of.asked_at,
    }


def reconciliation_from(row: Row) -> Reconciliation:
    """Return columns as a comparison."""
    has_after = row["after_value"] is not None
    return Reconciliation(
        of=ShopDay(row["channel"], row["shop"], row["day"]),
        zone=row["zone"],
        phase=Phase(row["phase"]),
        revision=row["revision"],
        began_at=row["began_at"],
        done_at=row["done_at"],
        after=OrderRef(row["after_namespace"], row["after_value"]) if has_after else None,
        look_from=row["look_from"],
        lines=row["lines"],
        orders=row["orders"],
        payments=row["payments"],
        agreeing=row["agreeing"],
        notes=tuple(row["notes"]),
        asked_at=row["asked_at"],
    )


def difference_row(of: Difference) -> dict[str, Any]:
    """Return a difference as columns."""
    finding = of.finding
    return {
        "difference_id": of.difference_id,
        "reconciliation_id": of.reconciliation_id,
        "kind": finding.kind.value,
        "namespace": finding.ref.namespace,
        "value": finding.ref.value,
        "order_id": finding.order_id,
        "file_value": finding.file,
        "order_value": finding.ours,
        "payment_value": finding.payments,
        "state": of.state.value,
        "repair": of.repair,
        "case_id": of.case_id,
        "looks": of.looks,
        "due_at": of.due_at,
        "revision": of.revision,
        "found_at": of.found_at,
        "changed_at": of.changed_at,
    }


def difference_from(row: Row) -> Difference:
    """Return columns as a difference."""
    finding = Finding(
        kind=DifferenceKind(row["kind"]),
        ref=OrderRef(row["namespace"], row["value"]),
        order_id=row["order_id"],
        file=row["file_value"],
        ours=row["order_value"],
        payments=row["payment_value"],
    )
    return Difference(
        reconciliation_id=row["reconciliation_id"],
        finding=finding,
        state=DifferenceState(row["state"]),
        found_at=row["found_at"],
        changed_at=row["changed_at"],
        revision=row["revision"],
        repair=row["repair"],
        case_id=row["case_id"],
        looks=row["looks"],
        due_at=row["due_at"],
    )


def _held(ours: Ours | None) -> dict[str, Any]:
    if ours is None:
        return {}
    return {
        "order_id": ours.order_id,
        "channel": ours.channel,
        "state": ours.state.value,
        "state_since": to_text(ours.state_since),
        "currency": ours.total.currency,
        "total_minor": ours.total.minor,
        "paid_minor": ours.paid.minor,
        "refunded_minor": ours.refunded.minor,
        "quantity": ours.quantity,
        "placed_at": to_text(ours.placed_at),
    }


def _from_held(held: dict[str, Any]) -> Ours:
    moments = {name: from_text(held[name]) for name in ("state_since", "placed_at")}
    return ours_from({**held, **moments})

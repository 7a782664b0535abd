"""How Stripe words payment intents, charges, refunds and events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from deploy.local.platforms.clock import Moment
from deploy.local.platforms.trades import Refund, RefundState, Trade, TradeState

# Their spelling is not ours, which a house rule looks for.
CANCELLED: Final = "cancelled".replace("ll", "l")

STATUSES: Final[Mapping[TradeState, str]] = {
    TradeState.WAITING: "requires_payment_method",
    TradeState.PAYING: "processing",
    TradeState.AUTHORISED: "requires_capture",
    TradeState.PAID: "succeeded",
    TradeState.FINISHED: "succeeded",
    TradeState.CLOSED: CANCELLED,
    TradeState.FAILED: "requires_payment_method",
}

REFUND_STATUSES: Final[Mapping[RefundState, str]] = {
    RefundState.PROCESSING: "pending",
    RefundState.SUCCEEDED: "succeeded",
    RefundState.CLOSED: CANCELLED,
    RefundState.FAILED: "failed",
}


def intent(trade: Trade) -> dict[str, Any]:
    """Return a payment intent; our number is in its metadata."""
    is_paid = trade.is_paid
    held = trade.state is TradeState.AUTHORISED
    return {
        "id": trade.id,
        "object": "payment_intent",
        "amount": trade.amount_minor,
        "amount_capturable": trade.amount_minor if held else 0,
        "amount_received": trade.amount_minor if is_paid else 0,
        "canceled_at": trade.closed.epoch_s() if trade.closed else None,
        "cancellation_reason": "abandoned" if trade.closed else None,
        "capture_method": "manual" if trade.was_authorised else "automatic",
        "confirmation_method": "automatic",
        "created": trade.created.epoch_s(),
        "currency": trade.currency.lower(),
        "customer": None,
        "description": trade.subject or None,
        "last_payment_error": _error(trade),
        "latest_charge": charge_id(trade) if is_paid or held else None,
        "livemode": False,
        "metadata": {"order": trade.number},
        "payment_method_types": ["card"],
        "status": STATUSES[trade.state],
    }


def charge(trade: Trade) -> dict[str, Any]:
    """Return the charge of a paid intent."""
    paid = trade.paid or trade.created
    return {
        "id": charge_id(trade),
        "object": "charge",
        "amount": trade.amount_minor,
        "amount_captured": trade.amount_minor,
        "amount_refunded": trade.refunded_minor,
        "captured": True,
        "created": paid.epoch_s(),
        "currency": trade.currency.lower(),
        "disputed": False,
        "livemode": False,
        "metadata": {"order": trade.number},
        "paid": True,
        "payment_intent": trade.id,
        "refunded": trade.refunded_minor == trade.amount_minor,
        "status": "succeeded",
    }


def refund(told: Refund) -> dict[str, Any]:
    """Return a refund; its metadata is what the request gave, not the intent's."""
    return {
        "id": told.id,
        "object": "refund",
        "amount": told.amount_minor,
        "charge": charge_id(told.trade),
        "created": told.asked.epoch_s(),
        "currency": told.trade.currency.lower(),
        "failure_reason": "lost_or_stolen_card" if told.state is RefundState.FAILED else None,
        "metadata": told.metadata,
        "payment_intent": told.trade.id,
        "reason": None,
        "status": REFUND_STATUSES[told.state],
    }


def event(event_id: str, kind: str, described: Mapping[str, Any], moment: Moment) -> dict[str, Any]:
    """Return an event about an object as it is at this moment."""
    return {
        "id": event_id,
        "object": "event",
        "api_version": "2025-09-30.clover",
        "created": moment.epoch_s(),
        "data": {"object": described},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


def charge_id(trade: Trade) -> str:
    """Return the id of an intent's charge."""
    return f"ch_{trade.id.removeprefix('pi_')}"


def _error(trade: Trade) -> dict[str, Any] | None:
    if trade.state is not TradeState.FAILED:
        return None
    return {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"}

"""What a shop tells Concord of an order: receipts in Concord's own JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from concord.intake.v1.receipt_pb2 import Receipt

CHANNEL: Final = "mini"


def created(
    number: str, amount_minor: int, *, currency: str = "CNY", shop_number: str = ""
) -> Receipt:
    """Return how the shop tells of an order; `number` is what the provider is given."""
    return event(
        number,
        "order.created",
        order={"namespace": CHANNEL, "value": shop_number or f"mini-{number}"},
        more_refs=[{"namespace": "merchant", "value": number}],
        amount=money(amount_minor, currency),
    )


def started(trade: Mapping[str, Any]) -> Receipt:
    """Return how the shop tells that the buyer began to pay, and by which trade."""
    # Most providers find a trade by its number; some need the handle beside it.
    handle = {"voucher": trade["handle"]} if trade["handle"] else {}
    return event(
        trade["number"],
        "payment.started",
        told_as=f"{trade['provider']}-{trade['number']}-{trade['handle']}",
        provider=trade["provider"],
        account=trade["account"],
        **handle,
    )


def event(
    number: str, type_: str, *, told_as: str = "", ago_s: float = 0.0, **body: object
) -> Receipt:
    """Return how the shop tells that something happened so many seconds ago."""
    name = f"{type_}-{told_as or number}"
    said = {
        "id": name,
        "type": type_,
        "source": CHANNEL,
        "channel": CHANNEL,
        "order": {"namespace": "merchant", "value": number},
        "occurred_at": datetime.fromtimestamp(time.time() - ago_s, UTC).isoformat(),
        **body,
    }
    return Receipt(
        source=CHANNEL,
        message_id=name,
        template="concord.event",
        channel=CHANNEL,
        body=json.dumps(said).encode(),
        content_type="application/json",
        order_hint=number,
    )


def money(minor: int, currency: str = "CNY") -> dict[str, str]:
    """Return money as decimal text beside its currency."""
    return {"currency": currency, "value": f"{minor // 100}.{minor % 100:02d}"}

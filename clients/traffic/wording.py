"""Words a happening as a receipt body: Concord's own JSON, template `concord.event`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import orjson

from clients.traffic.article import SECOND_US
from clients.traffic.purchases import Purchase
from clients.traffic.stories import Happening

TEMPLATE: Final = "concord.event"
CONTENT_TYPE: Final = "application/json; charset=utf-8"

# Every amount of the traffic has two decimals, in yuan, dollars and euros alike.
MINOR_UNITS: Final = 100


@dataclass(frozen=True, slots=True)
class Message:
    """A receipt before it is submitted: what is sent, by whom, and when it arrives."""

    arrives_us: int
    source: str
    message_id: str
    body: bytes
    channel: str = ""
    order_hint: str = ""


def rfc3339(at_us: int) -> str:
    """Return microseconds since the epoch as UTC text with six decimals."""
    second, fraction = divmod(at_us, SECOND_US)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:06d}Z"


def money(minor: int, currency: str) -> dict[str, str]:
    """Return money as decimal text beside its currency."""
    whole, part = divmod(minor, MINOR_UNITS)
    return {"currency": currency, "value": f"{whole}.{part:02d}"}


def event_id(*name: object) -> str:
    """Return an id that is the same whenever the same thing is told."""
    text = "\x1f".join(str(part) for part in name)
    return f"evt-{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}"


def order_name(order: Purchase, happening: Happening) -> tuple[str, str]:
    """Return the order's namespace and name as the happening's source knows it."""
    if happening.by_merchant_number:
        return "merchant", order.merchant_number
    return order.channel, order.channel_number


def worded(order: Purchase, happening: Happening, *, told_as: str) -> bytes:
    """Return the body that tells of one happening, under the event id `told_as`."""
    namespace, value = order_name(order, happening)
    body: dict[str, object] = {
        "id": told_as,
        "type": happening.type,
        "source": happening.source,
        "order": {"namespace": namespace, "value": value},
        "occurred_at": rfc3339(happening.at_us),
    }
    if not happening.by_merchant_number:
        body["channel"] = order.channel
    if happening.amount_minor is not None:
        body["amount"] = money(happening.amount_minor, order.currency)
    if happening.voucher:
        body["voucher"] = happening.voucher
    if happening.circumstances:
        body["circumstances"] = list(happening.circumstances)
    if happening.note:
        body["note"] = happening.note
    if happening.type == "order.created":
        body.update(_particulars(order))
    return orjson.dumps(body)


def _particulars(order: Purchase) -> Mapping[str, object]:
    return {
        "list_amount": money(order.list_minor, order.currency),
        "customer": order.customer,
        "lines": [
            {
                "sku": line.sku,
                "quantity": line.quantity,
                "unit_price": money(line.price_minor, order.currency),
            }
            for line in order.lines
        ],
        "more_refs": [{"namespace": "merchant", "value": order.merchant_number}],
    }

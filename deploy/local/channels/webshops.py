"""Shopify and WooCommerce: decimal text; a cursor and the shop's offset, or numbered pages."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from starlette.requests import Request
from starlette.routing import Route

from deploy.local.channels.faults import Fault
from deploy.local.channels.front import Answer, Asked, Booth, RejectedError, routes
from deploy.local.channels.orders import Order, State, page_behind, yuan

SHOPIFY: Final = "/shopify/admin/api/{version}/orders.json"
WOOCOMMERCE: Final = "/woocommerce/wp-json/wc/v3/orders"
LIST: Final = "orders"
# Of the shop: it writes its own offset into every time.
NEW_YORK: Final = timezone(timedelta(hours=-5))
SHOPIFY_STATES: Final = {
    State.WAITING: ("pending", None),
    State.PAID: ("paid", None),
    State.SHIPPED: ("paid", "fulfilled"),
    State.COMPLETED: ("paid", "fulfilled"),
    State.CANCELLED: ("voided", None),
    State.REFUNDED: ("refunded", None),
}
WOOCOMMERCE_STATES: Final = {
    State.WAITING: "pending",
    State.PAID: "processing",
    State.SHIPPED: "processing",
    State.COMPLETED: "completed",
    State.CANCELLED: "cancelled",
    State.REFUNDED: "refunded",
}


class Shopify:
    """Its API."""

    def __init__(self, booth: Booth) -> None:
        self._booth = booth

    def read(self, request: Request, body: bytes) -> Asked:
        if request.headers.get("x-shopify-access-token") != self._booth.credentials["access_token"]:
            raise RejectedError(self.broken(Fault.TOKEN_EXPIRED))
        asked = dict(request.query_params)
        url = str(request.url.replace(query=""))
        return Asked(LIST, asked, lambda: self._orders(asked, url))

    def broken(self, fault: Fault) -> Answer:
        status = {Fault.TOKEN_EXPIRED: 401, Fault.TOO_MANY: 429}.get(fault, 500)
        return Answer({"errors": str(fault)}, status, str(fault))

    def emptied(self, answer: Answer) -> Answer:
        return Answer({"orders": []}, reason=Fault.EMPTY, headers=answer.headers)

    def _orders(self, asked: dict[str, str], url: str) -> Answer:
        if "page_info" in asked:
            cursor = json.loads(base64.urlsafe_b64decode(asked["page_info"]))
        else:
            cursor = {"from": asked["updated_at_min"], "to": asked["updated_at_max"], "behind": ""}
        start, end = (datetime.fromisoformat(cursor[each]) for each in ("from", "to"))
        found = self._booth.shop.changed(start, end)
        size = int(asked["limit"])
        shown, mark = page_behind(found, cursor["behind"], size)
        headers = {}
        if mark:
            further = json.dumps({**cursor, "behind": mark}).encode()
            info = base64.urlsafe_b64encode(further).decode().replace("=", "%3D")
            headers["link"] = f'<{url}?limit={size}&page_info={info}>; rel="next"'
        rows = [shopify_order(each) for each in shown]
        return Answer({"orders": rows}, headers=headers)


class WooCommerce:
    """Its API."""

    def __init__(self, booth: Booth) -> None:
        self._booth = booth

    def read(self, request: Request, body: bytes) -> Asked:
        known = self._booth.credentials
        pair = f"{known['consumer_key']}:{known['access_token']}".encode()
        wanted = f"Basic {base64.b64encode(pair).decode()}"
        if request.headers.get("authorization") != wanted:
            raise RejectedError(self.broken(Fault.TOKEN_EXPIRED))
        asked = dict(request.query_params)
        return Asked(LIST, asked, lambda: self._orders(asked))

    def broken(self, fault: Fault) -> Answer:
        status = {Fault.TOKEN_EXPIRED: 401, Fault.TOO_MANY: 429}.get(fault, 500)
        told = {"code": f"woocommerce_rest_{fault}", "data": {"status": status}}
        return Answer(told, status, str(fault))

    def emptied(self, answer: Answer) -> Answer:
        return Answer([], reason=Fault.EMPTY, headers=answer.headers)

    def _orders(self, asked: dict[str, str]) -> Answer:
        start, end = (_site_time(asked, f"modified_{each}") for each in ("after", "before"))
        # What changed at either end itself is not between them.
        second = timedelta(seconds=1)
        found = self._booth.shop.changed(start + second, end - second)
        size, page = int(asked["per_page"]), int(asked["page"])
        rows = [woocommerce_order(each) for each in found[(page - 1) * size : page * size]]
        pages = -(-len(found) // size)
        return Answer(rows, headers={"x-wp-total": str(len(found)), "x-wp-totalpages": str(pages)})


def mount_shopify(booth: Booth) -> list[Route]:
    """Return the routes of Shopify."""
    return routes(booth, Shopify(booth), SHOPIFY, methods=("GET",))


def mount_woocommerce(booth: Booth) -> list[Route]:
    """Return the routes of WooCommerce."""
    return routes(booth, WooCommerce(booth), WOOCOMMERCE, methods=("GET",))


def _site_time(asked: dict[str, str], name: str) -> datetime:
    zone = UTC if asked.get("dates_are_gmt") == "true" else NEW_YORK
    return datetime.fromisoformat(asked[name]).replace(tzinfo=zone)


def shopify_order(order: Order) -> dict[str, Any]:
    """Return an order as Shopify writes it."""
    money, goods = SHOPIFY_STATES[order.state]
    return {
        "id": int(order.number),
        "name": f"#{order.number[-6:]}",
        "created_at": _iso(order.created),
        "updated_at": _iso(order.changed),
        "processed_at": _iso(order.paid),
        "cancelled_at": _iso(order.ended) if order.state is State.CANCELLED else None,
        "closed_at": _iso(order.ended) if order.state is State.COMPLETED else None,
        "currency": "USD",
        "total_price": yuan(order.total_minor),
        "total_discounts": yuan(order.discount_minor),
        "financial_status": money,
        "fulfillment_status": goods,
        "line_items": [
            {
                "id": index + 1,
                "sku": line.sku,
                "quantity": line.quantity,
                "title": line.title,
                "price": yuan(line.price_minor),
            }
            for index, line in enumerate(order.lines)
        ],
    }


def woocommerce_order(order: Order) -> dict[str, Any]:
    """Return an order as WooCommerce writes it."""
    return {
        "id": int(order.number),
        "number": order.number,
        "status": WOOCOMMERCE_STATES[order.state],
        "currency": "USD",
        "total": yuan(order.total_minor),
        "discount_total": yuan(order.discount_minor),
        "discount_tax": "0.00",
        **_twice("created", order.created),
        **_twice("modified", order.changed),
        **_twice("paid", order.paid),
        **_twice("completed", order.ended if order.state is State.COMPLETED else None),
        "line_items": [
            {
                "id": index + 1,
                "sku": line.sku,
                "quantity": line.quantity,
                "name": line.title,
                "price": yuan(line.price_minor),
                "total": yuan(line.price_minor * line.quantity),
            }
            for index, line in enumerate(order.lines)
        ],
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(NEW_YORK).isoformat(timespec="seconds")


def _twice(name: str, at: datetime | None) -> dict[str, str | None]:
    """Return a time in the site's zone and in UTC, neither of which says so."""
    pattern = "%Y-%m-%dT%H:%M:%S"
    return {
        f"date_{name}": None if at is None else at.astimezone(NEW_YORK).strftime(pattern),
        f"date_{name}_gmt": None if at is None else at.astimezone(UTC).strftime(pattern),
    }

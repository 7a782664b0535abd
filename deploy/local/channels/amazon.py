"""Amazon: Login with Amazon, then orders of version 2026-01-01 and 0 by when they changed, UTC."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.routing import Route

from deploy.local.channels.faults import Fault
from deploy.local.channels.front import Answer, Asked, Booth, RejectedError, routes
from deploy.local.channels.orders import Order, State, page_behind, yuan

LOGIN: Final = "/amazon/auth/o2/token"
V0: Final = "/amazon/orders/v0/orders"
V2026: Final = "/amazon/orders/2026-01-01/orders"
TOKEN_LASTS_S: Final = 3600
LATEST: Final = timedelta(minutes=2)
STATES: Final = {
    State.WAITING: ("Pending", "PENDING"),
    State.PAID: ("Unshipped", "UNSHIPPED"),
    State.SHIPPED: ("Shipped", "SHIPPED"),
    State.COMPLETED: ("Shipped", "SHIPPED"),
    State.CANCELLED: ("Canceled", "CANCELLED"),
    State.REFUNDED: ("Canceled", "CANCELLED"),
}


class Amazon:
    """Its API."""

    def __init__(self, booth: Booth) -> None:
        self._booth = booth

    def read(self, request: Request, body: bytes) -> Asked:
        known = self._booth.credentials
        if request.url.path.endswith(LOGIN):
            given = dict(parse_qsl(body.decode()))
            wanted = {each: known[each] for each in ("refresh_token", "client_secret")}
            if {each: given.get(each) for each in wanted} != wanted:
                raise RejectedError(Answer({"error": "invalid_grant"}, 400, "invalid_grant"))
            return Asked("login", {}, self._token)
        if request.headers.get("x-amz-access-token") != known["access_token"]:
            raise RejectedError(self.broken(Fault.TOKEN_EXPIRED))
        asked = dict(request.query_params)
        is_old = request.url.path.endswith(V0)
        operation = "getOrders" if is_old else "searchOrders"
        return Asked(operation, asked, lambda: self._orders(asked, is_old=is_old))

    def broken(self, fault: Fault) -> Answer:
        if fault is Fault.TOKEN_EXPIRED:
            return _failed(403, "Unauthorized")
        if fault is Fault.TOO_MANY:
            return _failed(429, "QuotaExceeded")
        return _failed(500, "InternalFailure")

    def emptied(self, answer: Answer) -> Answer:
        told = json.loads(answer.body)
        told.get("payload", told)["Orders" if "payload" in told else "orders"] = []
        return Answer(told, reason=Fault.EMPTY)

    def _token(self) -> Answer:
        token = self._booth.credentials["access_token"]
        return Answer({"access_token": token, "token_type": "bearer", "expires_in": TOKEN_LASTS_S})

    def _orders(self, asked: dict[str, str], *, is_old: bool) -> Answer:
        names = (
            ("LastUpdatedAfter", "LastUpdatedBefore")
            if is_old
            else (
                "lastUpdatedAfter",
                "lastUpdatedBefore",
            )
        )
        start, end = (datetime.fromisoformat(asked[name]) for name in names)
        if end > self._booth.now() - LATEST:
            return _failed(400, "InvalidInput")
        found = self._booth.shop.changed(start, end)
        token = asked.get("NextToken" if is_old else "paginationToken", "")
        mark = token.lstrip("t")
        size = int(asked["MaxResultsPerPage" if is_old else "maxResultsPerPage"])
        shown, mark = page_behind(found, mark, size)
        # As long as the platform's own.
        further = f"{'t' * 900}{mark}" if mark else None
        if is_old:
            rows = [_order_v0(each) for each in shown]
            payload = {"Orders": rows, **({"NextToken": further} if further else {})}
            return Answer({"payload": payload})
        told = {"orders": [_order_2026(each) for each in shown]}
        return Answer({**told, "pagination": {"nextToken": further} if further else {}})


def mount(booth: Booth) -> list[Route]:
    """Return the routes of the platform."""
    api = Amazon(booth)
    return [*routes(booth, api, LOGIN), *routes(booth, api, V0, V2026, methods=("GET",))]


def _order_v0(order: Order) -> dict[str, Any]:
    total = {"CurrencyCode": "USD", "Amount": yuan(order.total_minor)}
    return {
        "AmazonOrderId": order.number,
        "PurchaseDate": _iso(order.created),
        "LastUpdateDate": _iso(order.changed),
        "OrderStatus": STATES[order.state][0],
        "MarketplaceId": "ATVPDKIKX0DER",
        # What is not authorised yet has no amount.
        **({"OrderTotal": total} if order.paid else {}),
    }


def _order_2026(order: Order) -> dict[str, Any]:
    total = {"amount": yuan(order.total_minor), "currencyCode": "USD"}
    return {
        "orderId": order.number,
        "createdTime": _iso(order.created),
        "lastUpdatedTime": _iso(order.changed),
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": "ATVPDKIKX0DER"},
        "fulfillment": {"fulfillmentStatus": STATES[order.state][1]},
        **({"proceeds": {"grandTotal": total}} if order.paid else {}),
        "orderItems": [
            {
                "orderItemId": f"{order.number[-7:]}{index}",
                "quantityOrdered": line.quantity,
                "product": {
                    "sellerSku": line.sku,
                    "title": line.title,
                    "price": {
                        "unitPrice": {"amount": yuan(line.price_minor), "currencyCode": "USD"}
                    },
                },
            }
            for index, line in enumerate(order.lines)
        ],
    }


def _failed(status: int, code: str) -> Answer:
    return Answer({"errors": [{"code": code, "message": code}]}, status, code)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

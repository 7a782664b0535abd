"""WeChat: a shop of its channels (numbers by cursor, then each one), and 发货管理; in 分."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from starlette.requests import Request
from starlette.routing import Route

from deploy.local.channels.faults import Fault
from deploy.local.channels.front import Answer, Asked, Booth, RejectedError, routes
from deploy.local.channels.orders import Order, Refund, State, page_behind

TOKEN: Final = "/cgi-bin/stable_token"  # noqa: S105  # A path.
SHOP_LIST: Final = "/channels/ec/order/list/get"
SHOP_ORDER: Final = "/channels/ec/order/get"
AFTERSALE_LIST: Final = "/channels/ec/aftersale/getaftersalelist"
AFTERSALE: Final = "/channels/ec/aftersale/getaftersaleorder"
MINI_LIST: Final = "/wxa/sec/order/get_order_list"
WINDOW_MAX: Final = timedelta(days=7)
AFTERSALE_WINDOW_MAX: Final = timedelta(days=1)
SIZE_MAX: Final = 100
# After-sales come so many at once, whatever one would like.
AFTERSALE_SIZE: Final = 20
TOKEN_LASTS_S: Final = 7200
SHOP_STATES: Final = {
    State.WAITING: 10,
    State.PAID: 20,
    State.SHIPPED: 30,
    State.COMPLETED: 100,
    State.CANCELLED: 250,
    State.REFUNDED: 200,
}
# Only what was paid by WeChat Pay is there.
MINI_STATES: Final = {
    State.PAID: 1,
    State.SHIPPED: 2,
    State.COMPLETED: 4,
    State.REFUNDED: 5,
}


class Wechat:
    """Its gateway, as one application sees it."""

    def __init__(self, booth: Booth) -> None:
        self._booth = booth

    def read(self, request: Request, body: bytes) -> Asked:
        given, known = json.loads(body), self._booth.credentials
        path = request.url.path.partition(f"/{self._booth.platform}")[2]
        if path == TOKEN:
            if (given["appid"], given["secret"]) != (known["app"], known["app_secret"]):
                raise RejectedError(_failed(40125, "invalid appsecret"))
            return Asked(TOKEN, {}, self._token)
        if request.query_params.get("access_token") != known["access_token"]:
            raise RejectedError(self.broken(Fault.TOKEN_EXPIRED))
        acts = {
            SHOP_LIST: self._numbers,
            SHOP_ORDER: self._order,
            AFTERSALE_LIST: self._aftersales,
            AFTERSALE: self._aftersale,
            MINI_LIST: self._shipping,
        }
        return Asked(path, given, lambda: acts[path](given))

    def broken(self, fault: Fault) -> Answer:
        if fault is Fault.TOKEN_EXPIRED:
            return _failed(42001, "access_token expired")
        if fault is Fault.TOO_MANY:
            return _failed(45011, "api minute-quota reach limit")
        return _failed(-1, "system error")

    def emptied(self, answer: Answer) -> Answer:
        told = json.loads(answer.body)
        empty: dict[str, list[object]] = {
            key: []
            for key in ("order_id_list", "after_sale_order_id_list", "order_list")
            if key in told
        }
        return Answer({**told, **empty}, reason=Fault.EMPTY)

    def _token(self) -> Answer:
        token = self._booth.credentials["access_token"]
        return Answer({"access_token": token, "expires_in": TOKEN_LASTS_S})

    def _numbers(self, given: dict[str, Any]) -> Answer:
        window = given["update_time_range"]
        start, end = _time(window["start_time"]), _time(window["end_time"])
        if end - start > WINDOW_MAX:
            return _failed(10020050, "time range too long")
        found = self._booth.shop.changed(start, end)
        size = min(int(given["page_size"]), SIZE_MAX)
        shown, further = page_behind(found, given.get("next_key", ""), size)
        numbers = [each.number for each in shown]
        return _done({"order_id_list": numbers, **_key("next_key", further)})

    def _order(self, given: dict[str, Any]) -> Answer:
        return _done({"order": _shop_order(self._booth.shop.order(given["order_id"]))})

    def _aftersales(self, given: dict[str, Any]) -> Answer:
        start, end = _time(given["begin_update_time"]), _time(given["end_update_time"])
        if end - start > AFTERSALE_WINDOW_MAX:
            return _failed(10020050, "time range too long")
        found = [refund for _, refund in self._booth.shop.refunds(start, end)]
        shown, further = page_behind(found, given.get("next_key", ""), AFTERSALE_SIZE)
        numbers = [each.number for each in shown]
        return _done({"after_sale_order_id_list": numbers, **_key("next_key", further)})

    def _aftersale(self, given: dict[str, Any]) -> Answer:
        for order in self._booth.shop:
            for refund in order.refunds:
                if refund.number == given["after_sale_order_id"]:
                    return _done({"after_sale_order": _aftersale(order, refund)})
        return _failed(10021050, "after sale order not exist")

    def _shipping(self, given: dict[str, Any]) -> Answer:
        window = given["pay_time_range"]
        start, end = int(window["begin_time"]), int(window["end_time"])
        found = [
            each
            for each in self._booth.shop
            if each.paid is not None and start <= _epoch(each.paid) <= end
        ]
        size = min(int(given["page_size"]), SIZE_MAX)
        mark = given.get("last_index", "")
        shown, further = page_behind(found, mark, size, lambda order: order.paid or order.created)
        rows = [_mini_order(each) for each in shown]
        return _done({"order_list": rows, **_key("last_index", further)})


def mount(booth: Booth) -> list[Route]:
    """Return the routes of an application."""
    paths = (TOKEN, SHOP_LIST, SHOP_ORDER, AFTERSALE_LIST, AFTERSALE, MINI_LIST)
    return routes(booth, Wechat(booth), *(f"/{booth.platform}{path}" for path in paths))


def _key(name: str, further: str) -> dict[str, Any]:
    """Return how to go on; on the last page there is a key, too, and it says nothing."""
    return {name: further or "the-end", "has_more": bool(further)}


def _shop_order(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.number,
        "openid": order.buyer,
        "status": SHOP_STATES[order.state],
        "create_time": _epoch(order.created),
        "update_time": _epoch(order.changed),
        "order_detail": {
            "product_infos": [
                {
                    "product_id": "234245",
                    "sku_id": line.sku,
                    "sku_code": line.sku,
                    "sku_cnt": line.quantity,
                    "sale_price": line.price_minor,
                    "title": line.title,
                }
                for line in order.lines
            ],
            "pay_info": {
                "transaction_id": f"42000{order.number}" if order.paid else "",
                "pay_time": _epoch(order.paid),
                "payment_method": 1,
            },
            "price_info": {
                "product_price": order.goods_minor,
                "order_price": order.total_minor,
                "freight": order.freight_minor,
                "discounted_price": order.discount_minor,
            },
            "delivery_info": {
                "ship_done_time": _epoch(order.shipped),
                "delivery_product_info": [
                    {"waybill_id": order.waybill, "delivery_time": _epoch(order.shipped)}
                ]
                if order.waybill
                else [],
            },
        },
    }


def _aftersale(order: Order, refund: Refund) -> dict[str, Any]:
    return {
        "after_sale_order_id": refund.number,
        "order_id": order.number,
        "openid": order.buyer,
        "type": "REFUND",
        "status": "MERCHANT_REFUND_SUCCESS" if refund.is_done else "MERCHANT_PROCESSING",
        "create_time": _epoch(refund.asked),
        "update_time": _epoch(refund.changed),
        "product_info": {"product_id": "234245", "sku_id": order.lines[0].sku, "count": 1},
        "refund_info": {"amount": refund.amount_minor, "refund_reason": 1},
        "complaint_id": "",
    }


def _mini_order(order: Order) -> dict[str, Any]:
    return {
        "transaction_id": f"42000{order.number}",
        "merchant_trade_no": order.number,
        "merchant_id": "1900000109",
        "openid": order.buyer,
        "order_state": MINI_STATES[order.state],
        "paid_amount": order.total_minor,
        "trade_create_time": _epoch(order.created),
        "pay_time": _epoch(order.paid),
    }


def _done(told: dict[str, Any]) -> Answer:
    return Answer({"errcode": 0, "errmsg": "ok", **told})


def _failed(code: int, words: str) -> Answer:
    return Answer({"errcode": code, "errmsg": words}, reason=str(code))


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def _epoch(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp())

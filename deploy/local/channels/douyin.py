"""Douyin shops: `order/searchList` and `afterSale/List`, pages from 0, epoch seconds, 分."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final, TypeVar

from starlette.requests import Request
from starlette.routing import Route

from deploy.local.channels.faults import Fault
from deploy.local.channels.front import Answer, Asked, Booth, RejectedError, routes
from deploy.local.channels.orders import Order, Refund, State
from deploy.local.channels.signing import sha256

PLATFORM: Final = "douyin"
BEIJING: Final = timezone(timedelta(hours=8))
SKEW_MAX: Final = timedelta(minutes=10)
ROWS_MAX: Final = 50_000
SIZE_MAX: Final = 100
STATES: Final = {
    State.WAITING: (1, "待支付"),
    State.PAID: (2, "备货中"),
    State.SHIPPED: (3, "已发货"),
    State.COMPLETED: (5, "已完成"),
    State.CANCELLED: (4, "已取消"),
    State.REFUNDED: (4, "已取消"),
}

T = TypeVar("T")


class Douyin:
    """Its gateway."""

    platform: Final = PLATFORM

    def __init__(self, booth: Booth) -> None:
        self._booth = booth

    def read(self, request: Request, body: bytes) -> Asked:
        given = dict(request.query_params)
        known = self._booth.credentials
        if given.get("sign", "").lower() != sha256(given, known["app_secret"]):
            raise RejectedError(_failed(40003, "isv.signature-invalid", "签名错误"))
        stamped = datetime.strptime(given["timestamp"], "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
        if abs(stamped.replace(tzinfo=BEIJING) - self._booth.now()) > SKEW_MAX:
            raise RejectedError(_failed(40004, "isv.timestamp-invalid", "timestamp超过有效期"))
        if given.get("access_token") != known["access_token"]:
            raise RejectedError(self.broken(Fault.TOKEN_EXPIRED))
        method, asked = given["method"], json.loads(given["param_json"])
        act = {"order.searchList": self._orders, "afterSale.List": self._aftersales}[method]
        return Asked(method, asked, lambda: act(asked))

    def broken(self, fault: Fault) -> Answer:
        if fault is Fault.TOKEN_EXPIRED:
            return _failed(30002, "isv.access-token-expired:2", "access_token已过期")
        if fault is Fault.TOO_MANY:
            return _failed(50002, "isp.top-remote-service-limit:1", "服务限流")
        return _failed(20000, "isp.service-error:1", "系统错误")

    def emptied(self, answer: Answer) -> Answer:
        told = json.loads(answer.body)
        key = "shop_order_list" if "shop_order_list" in told["data"] else "items"
        return Answer({**told, "data": {**told["data"], key: []}}, reason=Fault.EMPTY)

    def _orders(self, asked: dict[str, Any]) -> Answer:
        start, end = (_time(asked[f"update_time_{each}"]) for each in ("start", "end"))
        return _page(asked, "shop_order_list", self._found(start, end), _order)

    def _found(self, start: datetime, end: datetime) -> list[Order]:
        return self._booth.shop.changed(start, min(end, self._booth.now()))

    def _aftersales(self, asked: dict[str, Any]) -> Answer:
        start, end = _time(asked["update_start_time"]), _time(asked["update_end_time"])
        found = self._booth.shop.refunds(start, min(end, self._booth.now()))
        return _page(asked, "items", found, lambda each: _aftersale(*each))


def mount(booth: Booth) -> list[Route]:
    """Return the routes of the platform."""
    return routes(booth, Douyin(booth), "/douyin/order/searchList", "/douyin/afterSale/List")


def _page(
    asked: dict[str, Any], key: str, rows: Sequence[T], worded: Callable[[T], object]
) -> Answer:
    page, size = asked["page"], min(int(asked["size"]), SIZE_MAX)
    if page < 0 or page * size > ROWS_MAX:
        return _failed(40002, "isv.parameter-invalid:1", "page*size超过限制")
    shown = [worded(each) for each in rows[page * size : (page + 1) * size]]
    told = {key: shown, "page": page, "size": size, "total": len(rows)}
    return Answer({"code": 10000, "msg": "success", "data": told, "sub_code": "", "log_id": "L1"})


def _order(order: Order) -> dict[str, Any]:
    number, text = STATES[order.state]
    return {
        "order_id": order.number,
        "order_status": number,
        "order_status_desc": text,
        "main_status": number,
        "create_time": _epoch(order.created),
        "update_time": _epoch(order.changed),
        "pay_time": _epoch(order.paid),
        "ship_time": _epoch(order.shipped),
        "finish_time": _epoch(order.ended) if order.state is State.COMPLETED else 0,
        "cancel_reason": "不想要" if order.state is State.CANCELLED else "",
        "pay_type": 1,
        "order_amount": order.total_minor,
        "pay_amount": order.total_minor,
        "post_amount": order.freight_minor,
        "promotion_amount": order.discount_minor,
        "open_id": order.buyer,
        "encrypt_post_tel": "##cipher-of-a-number==",
        "encrypt_post_receiver": "##cipher-of-a-name==",
        "logistics_info": _parcels(order),
        "sku_order_list": [
            {
                "order_id": f"{order.number[:-3]}{index:03d}",
                "parent_order_id": order.number,
                "sku_id": index + 1_700_000_000_000_000,
                "code": line.sku,
                "product_name": line.title,
                "item_num": line.quantity,
                "origin_amount": line.price_minor,
                "sum_amount": line.price_minor * line.quantity,
                "pay_amount": line.price_minor * line.quantity,
                "order_status": number,
                "after_sale_info": {"after_sale_status": 12 if order.refunds else 0},
            }
            for index, line in enumerate(order.lines)
        ],
    }


def _parcels(order: Order) -> list[dict[str, Any]]:
    if not order.waybill:
        return []
    return [
        {
            "tracking_no": order.waybill,
            "company": "shunfeng",
            "company_name": "顺丰速运",
            "ship_time": _epoch(order.shipped),
        }
    ]


def _aftersale(order: Order, refund: Refund) -> dict[str, Any]:
    return {
        "aftersale_info": {
            "aftersale_id": refund.number,
            "aftersale_status": 12 if refund.is_done else 6,
            "aftersale_type": 1,
            "refund_status": 3 if refund.is_done else 1,
            "refund_amount": refund.amount_minor,
            "real_refund_amount": refund.amount_minor if refund.is_done else 0,
            "apply_time": _epoch(refund.asked),
            "create_time": _epoch(refund.asked),
            "update_time": _epoch(refund.changed),
            "related_id": f"{order.number[:-3]}000",
        },
        "order_info": {"shop_order_id": order.number},
    }


def _failed(code: int, sub_code: str, words: str) -> Answer:
    told = {"code": code, "msg": words, "sub_code": sub_code, "sub_msg": words, "data": None}
    return Answer(told, reason=sub_code)


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)


def _epoch(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp())

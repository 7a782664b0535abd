"""Pinduoduo: changed numbers, one order, changed refunds; asked in epoch, told in Beijing's text.

Windows have half an hour at most and end three minutes ago; unpaid orders are never told; amounts
of orders are numbers of 元, those of refunds text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.routing import Route

from deploy.local.channels.faults import Fault
from deploy.local.channels.front import Answer, Asked, Booth, RejectedError, routes
from deploy.local.channels.orders import Order, Refund, State, yuan
from deploy.local.channels.signing import md5

PLATFORM: Final = "pdd"
BEIJING: Final = timezone(timedelta(hours=8))
SKEW_MAX: Final = timedelta(minutes=10)
WINDOW_MAX: Final = timedelta(minutes=30)
LAG: Final = timedelta(minutes=3)
STATES: Final = {
    State.PAID: 1,
    State.SHIPPED: 2,
    State.COMPLETED: 3,
    State.REFUNDED: 1,
}


class Pdd:
    """Its gateway."""

    platform: Final = PLATFORM

    def __init__(self, booth: Booth) -> None:
        self._booth = booth

    def read(self, request: Request, body: bytes) -> Asked:
        given = dict(parse_qsl(body.decode(), keep_blank_values=True))
        known = self._booth.credentials
        if given.get("sign") != md5(given, known["app_secret"]):
            raise RejectedError(_failed(20004, "签名sign校验失败"))
        if abs(_time(given["timestamp"]) - self._booth.now()) > SKEW_MAX:
            raise RejectedError(_failed(20002, "公共参数错误:timestamp"))
        if given.get("access_token") != known["access_token"]:
            raise RejectedError(self.broken(Fault.TOKEN_EXPIRED))
        acts = {
            "pdd.order.number.list.increment.get": self._changed,
            "pdd.order.information.get": self._order,
            "pdd.refund.list.increment.get": self._refunds,
        }
        act = acts[given["type"]]
        return Asked(given["type"], given, lambda: act(given))

    def broken(self, fault: Fault) -> Answer:
        if fault is Fault.TOKEN_EXPIRED:
            return _failed(10019, "access_token已过期")
        if fault is Fault.TOO_MANY:
            return _failed(70031, "调用过于频繁,请调整调用频率")
        return _failed(50000, "系统内部错误")

    def emptied(self, answer: Answer) -> Answer:
        told = json.loads(answer.body)
        for each in told.values():
            each |= {name: [] for name in ("order_sn_list", "refund_list") if name in each}
        return Answer(told, reason=Fault.EMPTY)

    def _changed(self, given: dict[str, str]) -> Answer:
        window = self._window(given)
        if isinstance(window, Answer):
            return window
        found = [
            {"order_sn": each.number}
            for each in self._booth.shop.changed(*window)
            if each.state in STATES
        ]
        told = {"order_sn_list": _page(found, given), "total_count": len(found)}
        return _told("order_sn_increment_get_response", told)

    def _order(self, given: dict[str, str]) -> Answer:
        order = self._booth.shop.orders.get(given["order_sn"])
        if order is None:
            return _failed(50001, "订单不存在")
        return _told("order_info_get_response", {"order_info": _order(order)})

    def _refunds(self, given: dict[str, str]) -> Answer:
        window = self._window(given)
        if isinstance(window, Answer):
            return window
        found = [_refund(*each) for each in self._booth.shop.refunds(*window)]
        told = {"refund_list": _page(found, given), "total_count": len(found)}
        return _told("refund_increment_get_response", told)

    def _window(self, given: dict[str, str]) -> tuple[datetime, datetime] | Answer:
        start, end = _time(given["start_updated_at"]), _time(given["end_updated_at"])
        if end - start > WINDOW_MAX:
            return _failed(10000, "参数错误:查询时间跨度不能超过30分钟")
        if end > self._booth.now() - LAG + timedelta(seconds=5):
            return _failed(10000, "参数错误:结束时间不能晚于当前时间前3分钟")
        return start, end


def mount(booth: Booth) -> list[Route]:
    """Return the routes of the platform."""
    return routes(booth, Pdd(booth), "/pdd/api/router")


def _told(envelope: str, content: dict[str, Any]) -> Answer:
    return Answer({envelope: {**content, "request_id": "16042418410000001"}})


def _failed(code: int, words: str) -> Answer:
    told = {
        "error_code": code,
        "error_msg": words,
        "sub_code": None,
        "sub_msg": "",
        "request_id": "1",
    }
    return Answer({"error_response": told}, reason=str(code))


def _page(rows: Sequence[object], given: dict[str, str]) -> Sequence[object]:
    page, size = int(given["page"]), min(int(given["page_size"]), 100)
    return rows[(page - 1) * size : page * size]


def _order(order: Order) -> dict[str, Any]:
    receiver = order.receiver
    return {
        "order_sn": order.number,
        "order_status": STATES.get(order.state, 0),
        "refund_status": 4 if order.state is State.REFUNDED else (2 if order.refunds else 1),
        "confirm_status": 1,
        "group_status": 1,
        "risk_control_status": 0,
        "created_time": _text(order.created),
        "confirm_time": _text(order.paid),
        "pay_time": _text(order.paid),
        "shipping_time": _text(order.shipped),
        "receive_time": _text(order.ended) if order.state is State.COMPLETED else "",
        "updated_at": _text(order.changed),
        # Numbers, as the platform writes them; these have two places and so are exact in text.
        "pay_amount": order.total_minor / 100,
        "goods_amount": order.goods_minor / 100,
        "discount_amount": order.discount_minor / 100,
        "platform_discount": 0,
        "seller_discount": order.discount_minor / 100,
        "postage": order.freight_minor / 100,
        "pay_no": f"42000{order.number[-9:]}",
        "pay_type": "WEIXIN",
        "tracking_number": order.waybill,
        "logistics_id": 44 if order.waybill else 0,
        "receiver_name": "王**",
        "receiver_phone": "138****8000",
        "province": receiver["province"],
        "city": receiver["city"],
        "town": receiver["district"],
        "address": "***",
        "after_sales_status": 10 if order.state is State.REFUNDED else 0,
        "item_list": [
            {
                "goods_id": str(2_525_296_157 + index),
                "sku_id": str(51_972_265_894 + index),
                "outer_id": line.sku,
                "goods_name": line.title,
                "goods_price": line.price_minor / 100,
                "goods_count": line.quantity,
                "goods_spec": "",
            }
            for index, line in enumerate(order.lines)
        ],
    }


def _refund(order: Order, refund: Refund) -> dict[str, Any]:
    return {
        "id": int(refund.number),
        "order_sn": order.number,
        "after_sales_status": 10 if refund.is_done else 2,
        "after_sales_type": 2,
        "refund_amount": yuan(refund.amount_minor),
        "order_amount": yuan(order.total_minor),
        "created_time": _text(refund.asked),
        "updated_time": _text(refund.changed),
        "after_sale_reason": "其他原因",
    }


def _time(seconds: str) -> datetime:
    return datetime.fromtimestamp(int(seconds), tz=UTC)


def _text(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")

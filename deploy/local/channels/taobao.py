"""Taobao and Tmall: changed trades, one trade whole, changed refunds; Beijing's text, 元.

Trades of types that are not named in the question are not in the answer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.routing import Route

from deploy.local.channels.faults import Fault
from deploy.local.channels.front import Answer, Asked, Booth, RejectedError, routes
from deploy.local.channels.orders import Order, Refund, State, yuan
from deploy.local.channels.signing import md5

PLATFORM: Final = "taobao"
BEIJING: Final = timezone(timedelta(hours=8))
SKEW_MAX: Final = timedelta(minutes=10)
WINDOW_MAX: Final = timedelta(days=1)
STATES: Final = {
    State.WAITING: "WAIT_BUYER_PAY",
    State.PAID: "WAIT_SELLER_SEND_GOODS",
    State.SHIPPED: "WAIT_BUYER_CONFIRM_GOODS",
    State.COMPLETED: "TRADE_FINISHED",
    State.CANCELLED: "TRADE_CLOSED_BY_TAOBAO",
    State.REFUNDED: "TRADE_CLOSED",
}


class Taobao:
    """Its gateway."""

    platform: Final = PLATFORM

    def __init__(self, booth: Booth) -> None:
        self._booth = booth

    def read(self, request: Request, body: bytes) -> Asked:
        given = dict(parse_qsl(body.decode(), keep_blank_values=True))
        known = self._booth.credentials
        if given.get("sign") != md5(given, known["app_secret"]):
            raise RejectedError(_failed(25, "Invalid signature"))
        if abs(_time(given["timestamp"]) - self._booth.now()) > SKEW_MAX:
            raise RejectedError(_failed(31, "Invalid timestamp"))
        if given.get("session") != known["access_token"]:
            raise RejectedError(self.broken(Fault.TOKEN_EXPIRED))
        acts = {
            "taobao.trades.sold.increment.get": self._changed,
            "taobao.trade.fullinfo.get": self._trade,
            "taobao.refunds.receive.get": self._refunds,
        }
        act = acts[given["method"]]
        return Asked(given["method"], given, lambda: act(given))

    def broken(self, fault: Fault) -> Answer:
        if fault is Fault.TOKEN_EXPIRED:
            return _failed(27, "Invalid session")
        if fault is Fault.TOO_MANY:
            return _failed(7, "App Call Limited", "accesscontrol.limited-by-api-access-count")
        return _failed(15, "Remote service error", "isp.remote-service-timeout")

    def emptied(self, answer: Answer) -> Answer:
        told = json.loads(answer.body)
        for each in told.values():
            # With no row at all, the platform leaves out the list itself.
            each.pop("trades", None)
            each.pop("refunds", None)
        return Answer(told, reason=Fault.EMPTY)

    def _changed(self, given: dict[str, str]) -> Answer:
        start, end = _time(given["start_modified"]), _time(given["end_modified"])
        if end - start > WINDOW_MAX:
            return _failed(41, "Invalid arguments", "isv.invalid-parameter:start_modified")
        types = given.get("type", "fixed").split(",")
        found = [
            {"tid": int(each.number), "modified": _text(each.changed), "status": STATES[each.state]}
            for each in self._booth.shop.changed(start, min(end, self._booth.now()))
            if "fixed" in types
        ]
        shown = _page(found, given)
        told = {"total_results": len(found), **({"trades": {"trade": shown}} if shown else {})}
        return _told("trades_sold_increment_get_response", told)

    def _trade(self, given: dict[str, str]) -> Answer:
        order = self._booth.shop.orders.get(given["tid"])
        if order is None:
            return _failed(15, "Remote service error", "isv.trade-not-exist")
        return _told("trade_fullinfo_get_response", {"trade": _trade(order)})

    def _refunds(self, given: dict[str, str]) -> Answer:
        start, end = _time(given["start_modified"]), _time(given["end_modified"])
        found = [_refund(*each) for each in self._booth.shop.refunds(start, end)]
        shown = _page(found, given)
        told = {"total_results": len(found), **({"refunds": {"refund": shown}} if shown else {})}
        return _told("refunds_receive_get_response", told)


def mount(booth: Booth) -> list[Route]:
    """Return the routes of the platform."""
    return routes(booth, Taobao(booth), "/taobao/router/rest")


def _told(envelope: str, content: dict[str, Any]) -> Answer:
    return Answer({envelope: {**content, "request_id": "15q1z8pl8cpx0"}})


def _failed(code: int, words: str, sub_code: str = "") -> Answer:
    told = {"code": code, "msg": words, "sub_code": sub_code, "request_id": "15q1z8pl8cpx1"}
    return Answer({"error_response": told}, reason=sub_code or str(code))


def _page(rows: Sequence[object], given: dict[str, str]) -> Sequence[object]:
    page, size = int(given["page_no"]), min(int(given["page_size"]), 100)
    return rows[(page - 1) * size : page * size]


def _trade(order: Order) -> dict[str, Any]:
    receiver = order.receiver
    told: dict[str, Any] = {
        "tid": order.number,
        "type": "fixed",
        "status": STATES[order.state],
        "created": _text(order.created),
        "modified": _text(order.changed),
        "payment": yuan(order.total_minor),
        "received_payment": yuan(order.total_minor if order.state is State.COMPLETED else 0),
        "total_fee": yuan(order.goods_minor),
        "post_fee": yuan(order.freight_minor),
        "discount_fee": yuan(order.discount_minor),
        "buyer_open_uid": order.buyer,
        "receiver_name": f"{receiver['name'][:1]}**",
        "receiver_mobile": "*******8000",
        "receiver_state": receiver["province"],
        "receiver_city": receiver["city"],
        "orders": {"order": [_line(order, index) for index in range(len(order.lines))]},
    }
    times = {"pay_time": order.paid, "consign_time": order.shipped, "end_time": order.ended}
    # A time that is not there is left out.
    told |= {name: _text(at) for name, at in times.items() if at is not None}
    return told


def _line(order: Order, index: int) -> dict[str, Any]:
    line = order.lines[index]
    return {
        "oid": order.number if len(order.lines) == 1 else str(int(order.number) + index + 1),
        "status": STATES[order.state],
        "outer_sku_id": line.sku,
        "sku_id": str(5_937_146 + index),
        "title": line.title,
        "num": line.quantity,
        "price": yuan(line.price_minor),
        "total_fee": yuan(line.price_minor * line.quantity),
        "payment": yuan(line.price_minor * line.quantity),
        "refund_status": "SUCCESS" if order.state is State.REFUNDED else "NO_REFUND",
        "invoice_no": order.waybill,
        "logistics_company": "顺丰速运" if order.waybill else "",
    }


def _refund(order: Order, refund: Refund) -> dict[str, Any]:
    return {
        "refund_id": refund.number,
        "tid": order.number,
        "oid": order.number,
        "status": "SUCCESS" if refund.is_done else "WAIT_SELLER_AGREE",
        "refund_fee": yuan(refund.amount_minor),
        "total_fee": yuan(order.total_minor),
        "created": _text(refund.asked),
        "modified": _text(refund.changed),
        "has_good_return": False,
    }


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)


def _text(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")

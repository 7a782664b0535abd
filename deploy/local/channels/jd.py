"""JD shops: `pop.order.search` and refund applications, pages from 1, Beijing's text, 元.

Orders of states that are not named in the question are not in the answer.
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

PLATFORM: Final = "jd"
BEIJING: Final = timezone(timedelta(hours=8))
SKEW_MAX: Final = timedelta(minutes=6)
WINDOW_MAX: Final = timedelta(days=31)
NEVER: Final = "0001-01-01 00:00:00"
ORDERS: Final = "jingdong.pop.order.search"
REFUNDS: Final = "jingdong.pop.afs.soa.refundapply.queryPageList"
STATES: Final = {
    State.WAITING: "NOT_PAY",
    State.PAID: "WAIT_SELLER_STOCK_OUT",
    State.SHIPPED: "WAIT_GOODS_RECEIVE_CONFIRM",
    State.COMPLETED: "FINISHED_L",
    State.CANCELLED: "TRADE_CANCELED",
    State.REFUNDED: "TRADE_CANCELED",
}


class Jd:
    """Its gateway."""

    platform: Final = PLATFORM

    def __init__(self, booth: Booth) -> None:
        self._booth = booth

    def read(self, request: Request, body: bytes) -> Asked:
        given = dict(parse_qsl(body.decode(), keep_blank_values=True))
        known = self._booth.credentials
        if given.get("sign") != md5(given, known["app_secret"]):
            raise RejectedError(_failed("12", "无效签名"))
        if abs(_time(given["timestamp"]) - self._booth.now()) > SKEW_MAX:
            raise RejectedError(_failed("8", "非法的时间戳参数"))
        if given.get("access_token") != known["access_token"]:
            raise RejectedError(self.broken(Fault.TOKEN_EXPIRED))
        method, asked = given["method"], json.loads(given["360buy_param_json"])
        act = {ORDERS: self._orders, REFUNDS: self._refunds}[method]
        return Asked(method, asked, lambda: act(asked))

    def broken(self, fault: Fault) -> Answer:
        if fault is Fault.TOKEN_EXPIRED:
            return _failed("19", "无效access_token,token已过期")
        if fault is Fault.TOO_MANY:
            return _failed("2", "限制时间内调用失败次数")
        # Of its own failures it tells within what looks like an answer.
        result = {"apiResult": {"success": False, "numberCode": 67, "englishErrCode": "busy"}}
        return _told(ORDERS, {"searchorderinfo_result": result}, fault)

    def emptied(self, answer: Answer) -> Answer:
        told = json.loads(answer.body)
        for each in next(iter(told.values())).values():
            if isinstance(each, dict):
                each |= {name: [] for name in ("orderInfoList", "result") if name in each}
        return Answer(told, reason=Fault.EMPTY)

    def _orders(self, asked: dict[str, Any]) -> Answer:
        start, end = _time(asked["start_date"]), _time(asked["end_date"])
        if end - start > WINDOW_MAX:
            return self._no("10400001")
        states = asked["order_state"].split(",")
        found = [
            _order(each)
            for each in self._booth.shop.changed(start, min(end, self._booth.now()))
            if STATES[each.state] in states
        ]
        shown = _page(found, int(asked["page"]), int(asked["page_size"]))
        result = {
            "apiResult": {"success": True, "numberCode": 0},
            "orderTotal": len(found),
            "orderInfoList": shown,
        }
        return _told(ORDERS, {"searchorderinfo_result": result})

    def _refunds(self, asked: dict[str, Any]) -> Answer:
        dated = "apply" if "applyTimeStart" in asked else "check"
        start, end = _time(asked[f"{dated}TimeStart"]), _time(asked[f"{dated}TimeEnd"])
        found = [
            _refund(order, each)
            for order in self._booth.shop
            for each in order.refunds
            if start <= (each.asked if dated == "apply" else each.changed) <= end
            and (dated == "apply" or each.is_done)
        ]
        shown = _page(found, asked["pageIndex"], asked["pageSize"])
        result = {"success": True, "totalCount": len(found), "result": shown}
        return _told(REFUNDS, {"queryResult": result})

    @staticmethod
    def _no(code: str) -> Answer:
        result = {"apiResult": {"success": False, "numberCode": code}}
        return _told(ORDERS, {"searchorderinfo_result": result}, code)


def mount(booth: Booth) -> list[Route]:
    """Return the routes of the platform."""
    return routes(booth, Jd(booth), "/jd/routerjson")


def _told(method: str, content: dict[str, Any], reason: str = "") -> Answer:
    # Their spelling.
    envelope = method.replace(".", "_") + "_responce"
    return Answer({envelope: {"code": "0", **content}}, reason=reason)


def _failed(code: str, words: str) -> Answer:
    return Answer({"error_response": {"code": code, "zh_desc": words}}, reason=code)


def _page(rows: Sequence[object], page: int, size: int) -> Sequence[object]:
    return rows[(page - 1) * size : page * size]


def _order(order: Order) -> dict[str, Any]:
    receiver = order.receiver
    return {
        "orderId": order.number,
        "venderId": "10001",
        "orderType": "22",
        "payType": "4-在线支付",
        "orderTotalPrice": yuan(order.goods_minor),
        "orderSellerPrice": yuan(order.goods_minor - order.discount_minor),
        "orderPayment": yuan(order.total_minor),
        "freightPrice": yuan(order.freight_minor),
        "sellerDiscount": yuan(order.discount_minor),
        "orderState": STATES[order.state],
        "orderStartTime": _text(order.created),
        "paymentConfirmTime": _text(order.paid),
        "orderEndTime": _text(order.ended),
        "modified": _text(order.changed),
        "waybill": order.waybill,
        "pin": order.buyer,
        "consigneeInfo": {
            "fullname": receiver["name"],
            "mobile": receiver["phone"],
            "province": receiver["province"],
            "city": receiver["city"],
            "county": receiver["district"],
            "fullAddress": receiver["address"],
        },
        "itemInfoList": [
            {
                "skuId": str(10_000_000 + index),
                "outerSkuId": line.sku,
                "skuName": line.title,
                "jdPrice": yuan(line.price_minor),
                "itemTotal": str(line.quantity),
            }
            for index, line in enumerate(order.lines)
        ],
        "couponDetailList": [],
    }


def _refund(order: Order, refund: Refund) -> dict[str, Any]:
    return {
        "id": int(refund.number),
        "orderId": order.number,
        "buyerId": order.buyer,
        # In 分, unlike everything of the order.
        "applyRefundSum": refund.amount_minor,
        "applyTime": _text(refund.asked),
        "checkTime": _text(refund.changed) if refund.is_done else "",
        "status": 3 if refund.is_done else 0,
    }


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)


def _text(at: datetime | None) -> str:
    return NEVER if at is None else at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")

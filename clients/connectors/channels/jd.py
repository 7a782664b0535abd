"""Asks JD shops (京东 POP): orders by when they changed, refund applications, in pages from 1.

Everything is Beijing's text, also the window, and the answer is found under a name that JD spells
`responce`. It fails as HTTP 200, with `error_response` or with a success that says it is none.
All states are asked for: without its state named, an order is left out of the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from clients.connectors.inquiry import NothingLearntError, refused, unreachable
from clients.connectors.pulling import bodies, enveloped
from clients.connectors.pulling.calling import CLOCK, TOKEN_EXPIRED, Caller, Request
from clients.connectors.pulling.paging import Pages
from clients.connectors.pulling.platform import Message, Page, Query, Terms
from clients.connectors.pulling.reading import changed_at
from clients.connectors.pulling.times import BEIJING
from clients.connectors.pulling.windows import Window, WindowRules
from clients.connectors.web import Reply, throttled
from clients.providers.accounts.shops import JdAccount

SIZE: Final = 100
ORDERS: Final = "jingdong.pop.order.search"
REFUNDS: Final = "jingdong.pop.afs.soa.refundapply.queryPageList"
# Changes are searchable three months back, a month at a time; a day keeps the pages few.
TERMS: Final = Terms(
    sends=BEIJING,
    reads=BEIJING,
    rules=WindowRules(
        longest=timedelta(days=1), lag=timedelta(minutes=1), reach=timedelta(days=89)
    ),
)
STATES: Final = (
    "NOT_PAY",
    "WAIT_SELLER_STOCK_OUT",
    "WAIT_SELLER_DELIVERY",
    "SEND_TO_DISTRIBUTION_CENER",
    "DISTRIBUTION_CENTER_RECEIVED",
    "WAIT_GOODS_RECEIVE_CONFIRM",
    "RECEIPTS_CONFIRM",
    "FINISHED_L",
    "TRADE_CANCELED",
    "LOCKED",
    "PAUSE",
    "POP_ORDER_PAUSE",
    "DELIVERY_RETURN",
)
FIELDS: Final = (
    "orderId,venderId,orderType,payType,orderTotalPrice,orderSellerPrice,orderPayment,"
    "freightPrice,sellerDiscount,orderState,orderStateRemark,deliveryType,orderRemark,"
    "venderRemark,orderStartTime,orderEndTime,paymentConfirmTime,modified,consigneeInfo,"
    "itemInfoList,couponDetailList,waybill,logisticsId,pin,returnOrder,balanceUsed,storeOrder,"
    "parentOrderId,directParentOrderId,orderSource,storeId,idSopShipmenttype"
)
# `dateType` 1 is creation; anything else is modification.
BY_CHANGE: Final = "0"
# A refund is found by when it was applied for and by when it was decided: no list has changes.
REFUND_DATES: Final = ("apply", "check")
# Of the gateway: 2 calls are limited, 8 timestamp (six minutes), 19 token, 67 system busy.
LIMITED: Final = frozenset({"2"})
TIMESTAMP: Final = frozenset({"8"})
EXPIRED: Final = frozenset({"19"})
PASSING: Final = frozenset({"1", "43", "63", "67", "68"})


class Jd:
    """`Platform` of JD shops."""

    provider: Final = "jd"
    terms: Final[Mapping[str, Terms]] = MappingProxyType({"jd.orders": TERMS, "jd.refunds": TERMS})
    _pages: Final = Pages(first=1, size=SIZE)

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def page(self, account: JdAccount, query: Query) -> Page:
        if query.template == "jd.refunds":
            return await self._refunds(account, query)
        pages = self._pages.sized(query.page_size, query.token)
        asked = {
            "start_date": TERMS.sends.write(query.window.start),
            "end_date": TERMS.sends.write(query.window.end),
            "order_state": ",".join(STATES),
            "optional_fields": FIELDS,
            "page": str(pages.number(query.token)),
            "page_size": str(pages.size),
            "dateType": BY_CHANGE,
        }
        text, told = await self._call(account, ORDERS, asked)
        found = told.get("searchorderinfo_result")
        result = bodies.at(found, "apiResult")
        if result is not None and not _is_yes(bodies.at(result, "success")):
            raise _failure(str(bodies.at(result, "numberCode")))
        envelope = (_envelope(ORDERS), "searchorderinfo_result")
        rows = bodies.raw_elements(bodies.raw(text, *envelope, "orderInfoList"))
        total = bodies.whole(bodies.at(found, "orderTotal"))
        return Page(
            messages=tuple(_order(row) for row in rows),
            next_token=pages.next_token(query.token, len(rows), total),
            asked={
                "method": ORDERS,
                **{name: asked[name] for name in asked if name != "optional_fields"},
            },
            total=total,
        )

    async def _refunds(self, account: JdAccount, query: Query) -> Page:
        """Return a page of those applied for in the window, then of those decided in it."""
        dated, _, token = query.token.partition(":")
        dated = dated or REFUND_DATES[0]
        pages = self._pages.sized(query.page_size, token)
        asked = {
            **_refund_dates(dated, query.window),
            "pageIndex": pages.number(token),
            "pageSize": pages.size,
        }
        text, told = await self._call(account, REFUNDS, asked)
        found = told.get("queryResult")
        if not _is_yes(bodies.at(found, "success")):
            raise _failure(str(bodies.at(found, "resultCode") or bodies.at(found, "errorCode")))
        rows = bodies.raw_elements(bodies.raw(text, _envelope(REFUNDS), "queryResult", "result"))
        total = bodies.whole(bodies.at(found, "totalCount"))
        following = pages.next_token(token, len(rows), total)
        if following:
            following = f"{dated}:{following}"
        elif dated == REFUND_DATES[0]:
            following = f"{REFUND_DATES[1]}:"
        return Page(
            messages=tuple(_refund(row) for row in rows),
            next_token=following,
            asked={"method": REFUNDS, **{name: str(value) for name, value in asked.items()}},
            total=total,
        )

    async def _call(
        self, account: JdAccount, method: str, asked: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        opened = enveloped.reader(self._caller, _envelope(method), _refused)

        def read(reply: Reply) -> tuple[str, dict[str, Any]]:
            text, found = opened(reply)
            if str(found.get("code", "0")) != "0":
                raise _failure(str(found["code"]))
            return text, found

        return await self._caller.call(
            account.name, method, lambda now: request(account, method, asked, now), read
        )


def request(
    account: JdAccount, method: str, parameters: Mapping[str, Any], now: datetime
) -> Request:
    """Return a signed request, stamped with the platform's time."""
    sent = {
        "method": method,
        "app_key": account.app_key,
        "access_token": account.access_token,
        "timestamp": BEIJING.write(now),
        "format": "json",
        "v": "2.0",
        "360buy_param_json": bodies.compact(parameters),
    }
    return enveloped.form(account.api, sent, account.app_secret)


def _envelope(method: str) -> str:
    return method.replace(".", "_") + "_responce"


def _refund_dates(dated: str, window: Window) -> dict[str, str]:
    return {
        f"{dated}TimeStart": TERMS.sends.write(window.start),
        f"{dated}TimeEnd": TERMS.sends.write(window.end),
    }


def _order(row: str) -> Message:
    told = bodies.parsed(row.encode())
    # The older names come in one more wrapping.
    inner = told.get("order_info", told)
    kept = '{"apiResult":{"success":true},"orderInfoList":[' + row + "]}"
    return Message(
        order=bodies.name_of(bodies.at(inner, "orderId") or bodies.at(inner, "order_id")),
        body=bodies.wrapped(kept, _envelope(ORDERS), "searchorderinfo_result"),
        changed_at=changed_at(TERMS.reads, bodies.at(inner, "modified")),
    )


def _refund(row: str) -> Message:
    told = bodies.parsed(row.encode())
    kept = '{"success":true,"result":[' + row + "]}"
    return Message(
        order=bodies.name_of(told.get("orderId")),
        body=bodies.wrapped(kept, _envelope(REFUNDS), "queryResult"),
        changed_at=changed_at(TERMS.reads, told.get("applyTime"), told.get("checkTime")),
    )


def _is_yes(found: object) -> bool:
    return str(found).lower() == "true"


def _refused(told: object) -> NothingLearntError:
    return _failure(str(bodies.at(told, "code")))


def _failure(code: str) -> NothingLearntError:
    if code in EXPIRED:
        return refused(TOKEN_EXPIRED)
    if code in TIMESTAMP:
        return refused(CLOCK)
    if code in LIMITED:
        return throttled(code)
    return unreachable(code) if code in PASSING else refused(code)

"""Asks Pinduoduo (拼多多): orders and refunds by when they changed, half an hour at a time.

Asked in epoch seconds, it answers in Beijing's text. The list of changed orders has numbers only,
so each order is asked for by its own. Unpaid orders are never told. The affiliates' API has the
same envelope with other units: an answer without `order_info` is refused, not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from clients.connectors.inquiry import Code, NothingLearntError, refused, unreachable
from clients.connectors.pacing import Rate
from clients.connectors.pulling import bodies, enveloped
from clients.connectors.pulling.calling import CLOCK, TOKEN_EXPIRED, Caller, Request
from clients.connectors.pulling.paging import Pages
from clients.connectors.pulling.platform import Message, Page, Query, Terms
from clients.connectors.pulling.reading import changed_at
from clients.connectors.pulling.times import BEIJING, EPOCH_SECONDS
from clients.connectors.pulling.windows import Window, WindowRules
from clients.connectors.web import throttled
from clients.providers.accounts.shops import PddAccount

# 30 details at 50 a second take less than a second, so a lease has many pages.
SIZE: Final = 50
CHANGED: Final = "pdd.order.number.list.increment.get"
DETAIL: Final = "pdd.order.information.get"
REFUNDS: Final = "pdd.refund.list.increment.get"
# A tenth of what is granted: 3,000 lists and 30,000 details in a minute.
RATES: Final[Mapping[str, Rate]] = MappingProxyType(
    {CHANGED: Rate(5.0, 20), REFUNDS: Rate(5.0, 20), DETAIL: Rate(50.0, 100)}
)
TERMS: Final = Terms(
    sends=EPOCH_SECONDS,
    reads=BEIJING,
    rules=WindowRules(
        longest=timedelta(minutes=30), lag=timedelta(minutes=3), reach=timedelta(days=89)
    ),
)
ALL_ORDERS: Final = {"order_status": "5", "refund_status": "5", "is_lucky_flag": "0"}
ALL_REFUNDS: Final = {"after_sales_status": "1", "after_sales_type": "1"}
# The token is out of date, or not for this shop.
EXPIRED: Final = frozenset({"10019", "10035", "20031"})
LIMITED: Final = frozenset({"52101", "52102", "70031", "70032", "70033", "70034", "70035", "70036"})
PASSING: Final = frozenset({"50000", "50001", "51000", "52103"})
TIMESTAMP: Final = "timestamp"


class Pdd:
    """`Platform` of Pinduoduo."""

    provider: Final = "pdd"
    terms: Final[Mapping[str, Terms]] = MappingProxyType(
        {"pdd.orders": TERMS, "pdd.refunds": TERMS}
    )
    _pages: Final = Pages(first=1, size=SIZE)

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def page(self, account: PddAccount, query: Query) -> Page:
        if query.template == "pdd.refunds":
            return await self._refunds(account, query)
        pages = self._pages.sized(query.page_size, query.token)
        asked = self._asked(ALL_ORDERS, query, pages)
        text, told = await self._call(account, CHANGED, asked, "order_sn_increment_get_response")
        envelope = ("order_sn_increment_get_response", "order_sn_list")
        rows = bodies.raw_elements(bodies.raw(text, *envelope))
        numbers = bodies.distinct(_number(row) for row in rows)
        total = bodies.whole(told.get("total_count"))
        return Page(
            messages=tuple([await self._order(account, number) for number in numbers]),
            next_token=pages.next_token(query.token, len(rows), total),
            asked={"type": CHANGED, **asked},
            rows=len(rows),
            total=total,
        )

    async def _order(self, account: PddAccount, number: str) -> Message:
        asked = {"order_sn": number}
        text, told = await self._call(account, DETAIL, asked, "order_info_get_response")
        order = bodies.raw(text, "order_info_get_response", "order_info")
        if order is None or bodies.at(told, "order_info", "order_sn") != number:
            raise unreachable(Code.OTHER_TRADE)
        written = bodies.at(told, "order_info", "updated_at")
        return Message(
            order=number,
            body=bodies.wrapped(order, "order_info_get_response", "order_info"),
            changed_at=changed_at(TERMS.reads, written),
        )

    async def _refunds(self, account: PddAccount, query: Query) -> Page:
        pages = self._pages.sized(query.page_size, query.token)
        asked = self._asked(ALL_REFUNDS, query, pages)
        text, told = await self._call(account, REFUNDS, asked, "refund_increment_get_response")
        envelope = ("refund_increment_get_response", "refund_list")
        rows = bodies.raw_elements(bodies.raw(text, *envelope))
        total = bodies.whole(told.get("total_count"))
        return Page(
            messages=tuple(_refund(row) for row in rows),
            next_token=pages.next_token(query.token, len(rows), total),
            asked={"type": REFUNDS, **asked},
            total=total,
        )

    @staticmethod
    def _asked(all_of_them: Mapping[str, str], query: Query, pages: Pages) -> dict[str, str]:
        window: Window = query.window
        return {
            **all_of_them,
            "start_updated_at": TERMS.sends.write(window.start),
            "end_updated_at": TERMS.sends.write(window.end),
            "page": str(pages.number(query.token)),
            "page_size": str(pages.size),
        }

    async def _call(
        self, account: PddAccount, kind: str, asked: Mapping[str, str], envelope: str
    ) -> tuple[str, dict[str, Any]]:
        read = enveloped.reader(self._caller, envelope, _failure)
        return await self._caller.call(
            account.name, kind, lambda now: request(account, kind, asked, now), read
        )


def request(
    account: PddAccount, kind: str, parameters: Mapping[str, str], now: datetime
) -> Request:
    """Return a signed request, stamped with the platform's time."""
    sent = {
        "type": kind,
        "client_id": account.client,
        "access_token": account.access_token,
        "timestamp": EPOCH_SECONDS.write(now),
        "data_type": "JSON",
        **parameters,
    }
    return enveloped.form(account.api, sent, account.client_secret)


def _number(row: str) -> str:
    """Return the number of a changed order, which stands there alone or in an object."""
    if row.startswith("{"):
        return bodies.name_of(bodies.parsed(row.encode()).get("order_sn"))
    return bodies.name_of(row)


def _refund(row: str) -> Message:
    told = bodies.parsed(row.encode())
    written = told.get("updated_time") or told.get("updated_at")
    return Message(
        order=bodies.name_of(told.get("order_sn")),
        body=bodies.wrapped(row, "refund_increment_get_response", "refund_list", "[]"),
        changed_at=changed_at(TERMS.reads, written),
    )


def _failure(told: object) -> NothingLearntError:
    code = str(bodies.at(told, "error_code"))
    named = f"{bodies.at(told, 'error_msg')} {bodies.at(told, 'sub_msg')}".lower()
    if code in EXPIRED:
        return refused(TOKEN_EXPIRED)
    if TIMESTAMP in named:
        return refused(CLOCK)
    if code in LIMITED:
        return throttled(code)
    return unreachable(code) if code in PASSING else refused(code)

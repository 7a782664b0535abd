"""Asks Douyin shops (抖店): orders and after-sales by when they changed, in pages from 0.

Windows and answers are epoch seconds, the gateway's own timestamp is Beijing's text. A failure
comes as HTTP 200 with `err_no` or `code`; the token is not signed. The list has whole orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

from clients.connectors.inquiry import Code, NothingLearntError, refused, unreachable
from clients.connectors.pulling import bodies
from clients.connectors.pulling.calling import CLOCK, TOKEN_EXPIRED, Caller, Request
from clients.connectors.pulling.paging import Pages
from clients.connectors.pulling.platform import Message, Page, Query, Terms
from clients.connectors.pulling.reading import changed_at
from clients.connectors.pulling.signing import hmac_signed
from clients.connectors.pulling.times import BEIJING, EPOCH_SECONDS
from clients.connectors.pulling.windows import Window, WindowRules
from clients.connectors.web import Reply, throttled
from clients.providers.accounts.shops import DouyinAccount

SIZE: Final = 100
# The platform counts pages times size up to here.
ROWS_MAX: Final = 50_000
TERMS: Final = Terms(
    sends=EPOCH_SECONDS,
    reads=EPOCH_SECONDS,
    # A day has some thousand orders, far below what can be paged; orders are searchable 90 days
    # back by default. A minute for what the platform writes late.
    rules=WindowRules(
        longest=timedelta(days=1), lag=timedelta(minutes=1), reach=timedelta(days=90)
    ),
)
DONE: Final = frozenset({"", "0", "10000"})
# Of the sub code, as the platform writes it: what it names decides.
EXPIRED: Final = ("access-token", "access_token")
LIMITED: Final = ("limit", "too-many", "flow-control")
# 30001 to 30002: no such token, or out of date; 50002 and 60000: passing failures of theirs.
EXPIRED_CODES: Final = frozenset({"30001", "30002"})
PASSING: Final = frozenset({"20000", "50002", "60000", "80000"})


@dataclass(frozen=True, slots=True)
class _List:
    """One list of the platform."""

    method: str
    key: str
    order: tuple[tuple[str, ...], ...]
    """Where the order's number stands; the first that is there."""
    changed: tuple[str, ...]
    start: str
    end: str
    more: Mapping[str, Any]


LISTS: Final[Mapping[str, _List]] = MappingProxyType(
    {
        "douyin.orders": _List(
            "order.searchList",
            "shop_order_list",
            (("order_id",),),
            ("update_time",),
            "update_time_start",
            "update_time_end",
            {"order_by": "update_time", "order_asc": True},
        ),
        "douyin.aftersales": _List(
            "afterSale.List",
            "items",
            (("order_info", "shop_order_id"), ("aftersale_info", "related_id")),
            ("aftersale_info", "update_time"),
            "update_start_time",
            "update_end_time",
            {"order_by": ["update_time asc"]},
        ),
    }
)


class Douyin:
    """`Platform` of Douyin shops."""

    provider: Final = "douyin"
    terms: Final[Mapping[str, Terms]] = MappingProxyType(dict.fromkeys(LISTS, TERMS))
    _pages: Final = Pages(first=0, size=SIZE, rows_max=ROWS_MAX)

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def page(self, account: DouyinAccount, query: Query) -> Page:
        wanted = LISTS[query.template]
        pages = self._pages.sized(query.page_size, query.token)
        asked = self._asked(wanted, query.window, pages.number(query.token), pages.size)
        text, told = await self._caller.call(
            account.name,
            wanted.method,
            lambda now: request(account, wanted.method, asked, now),
            self._read,
        )
        rows = bodies.raw_elements(bodies.raw(text, "data", wanted.key))
        total = bodies.whole(bodies.at(told, "data", "total"))
        return Page(
            messages=tuple(_message(wanted, row) for row in rows),
            next_token=pages.next_token(query.token, len(rows), total),
            asked={"method": wanted.method, "param_json": bodies.compact(asked)},
            total=total,
        )

    @staticmethod
    def _asked(wanted: _List, window: Window, number: int, size: int) -> dict[str, Any]:
        return {
            **wanted.more,
            wanted.start: int(TERMS.sends.write(window.start)),
            wanted.end: int(TERMS.sends.write(window.end)),
            "page": number,
            "size": size,
        }

    def _read(self, reply: Reply) -> tuple[str, dict[str, Any]]:
        self._caller.refuse_failure(reply)
        told = bodies.parsed(reply.body)
        # Older answers have `err_no`, newer ones `code`, some both; each must say yes.
        for code in (str(told.get("code", "")), str(told.get("err_no", ""))):
            if code not in DONE:
                raise _failure(code, str(told.get("sub_code", "")), str(told.get("sub_msg", "")))
        if not isinstance(told.get("data"), dict):
            raise unreachable(Code.MALFORMED)
        return reply.body.decode(), told


def request(
    account: DouyinAccount, method: str, parameters: Mapping[str, Any], now: datetime
) -> Request:
    """Return a signed request, stamped with the platform's time."""
    signed = {
        "app_key": account.app_key,
        "method": method,
        "param_json": bodies.compact(parameters),
        "timestamp": BEIJING.write(now),
        "v": "2",
    }
    sent = {
        **signed,
        "access_token": account.access_token,
        "sign": hmac_signed(signed, account.app_secret),
        "sign_method": "hmac-sha256",
    }
    path = method.replace(".", "/")
    return Request(
        method="POST",
        url=f"{account.api}/{path}?{urlencode(sent)}",
        headers={"content-type": "application/json"},
        body=signed["param_json"].encode(),
    )


def _message(wanted: _List, row: str) -> Message:
    told = bodies.parsed(row.encode())
    named = [found for path in wanted.order if (found := bodies.at(told, *path))]
    return Message(
        order=bodies.name_of(next(iter(named), None)),
        body=bodies.wrapped(row, "data", wanted.key, "[]"),
        changed_at=changed_at(TERMS.reads, bodies.at(told, *wanted.changed)),
    )


def _failure(code: str, sub_code: str, words: str) -> NothingLearntError:
    named = sub_code.lower() or words.lower()
    if code in EXPIRED_CODES or any(each in named for each in EXPIRED):
        return refused(TOKEN_EXPIRED)
    if "timestamp" in named:
        return refused(CLOCK)
    if any(each in named for each in LIMITED):
        return throttled(code)
    # `isp.` is the platform's own fault, `isv.` ours.
    if code in PASSING or named.startswith("isp."):
        return unreachable(code)
    return refused(code)

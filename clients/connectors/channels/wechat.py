"""Asks WeChat: orders of a channels' shop (微信小店), and of a mini program of our own (发货管理).

The access token is got by the application's secret and lasts two hours; the stable one is asked
for, which does not end another process's. A failure comes as HTTP 200 with `errcode`. The shop's
lists have numbers only, so each order and each after-sale (售后单) is asked for by its own. The
mini program's list knows orders only by when they were paid: what becomes of one later is found
by asking for that time again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

from clients.connectors.inquiry import Code, NothingLearntError, refused, unreachable
from clients.connectors.pacing import Rate
from clients.connectors.pulling import bodies
from clients.connectors.pulling.calling import TOKEN_EXPIRED, Caller, Request
from clients.connectors.pulling.platform import Message, Page, Query, Terms
from clients.connectors.pulling.reading import changed_at
from clients.connectors.pulling.times import EPOCH_SECONDS
from clients.connectors.pulling.tokens import Token, Tokens
from clients.connectors.pulling.windows import WindowRules
from clients.connectors.web import Reply, throttled
from clients.providers.accounts.shops import (
    MiniAccount,
    WechatAppAccount,
    WechatChannelsAccount,
)

JSON_HEADERS: Final = MappingProxyType({"content-type": "application/json"})
TOKEN: Final = "/cgi-bin/stable_token"  # noqa: S105  # A path.
SHOP_LIST: Final = "/channels/ec/order/list/get"
SHOP_ORDER: Final = "/channels/ec/order/get"
AFTERSALE_LIST: Final = "/channels/ec/aftersale/getaftersalelist"
AFTERSALE: Final = "/channels/ec/aftersale/getaftersaleorder"
MINI_LIST: Final = "/wxa/sec/order/get_order_list"
# 50 details at 20 a second take less than three seconds.
SHOP_SIZE: Final = 50
MINI_SIZE: Final = 100
# What is granted is not published; shops report some hundred a minute without trouble.
RATES: Final[Mapping[str, Rate]] = MappingProxyType(
    {
        SHOP_LIST: Rate(2.0, 10),
        SHOP_ORDER: Rate(20.0, 60),
        AFTERSALE_LIST: Rate(2.0, 10),
        AFTERSALE: Rate(20.0, 60),
        MINI_LIST: Rate(2.0, 10),
    }
)
LAG: Final = timedelta(minutes=1)
WEEK: Final = WindowRules(longest=timedelta(days=7), lag=LAG)
DAY: Final = WindowRules(longest=timedelta(days=1), lag=LAG)
TERMS: Final = Terms(sends=EPOCH_SECONDS, reads=EPOCH_SECONDS, rules=WEEK)
AFTERSALES: Final = "wechat_channels.aftersale"
AFTERSALE_TERMS: Final = Terms(sends=EPOCH_SECONDS, reads=EPOCH_SECONDS, rules=DAY)
# 40001, 40014, 42001: the token is none, or of yesterday.
EXPIRED: Final = frozenset({"40001", "40014", "42001"})
# 45009: the day's questions are used up; 45011: too many in a minute.
LIMITED: Final = frozenset({"45009", "45011"})
# -1: busy.
PASSING: Final = frozenset({"-1"})


class _Asked:
    """Questions that need an access token."""

    def __init__(self, caller: Caller, tokens: Tokens) -> None:
        self._caller = caller
        self._tokens = tokens

    async def ask(
        self, account: WechatAppAccount, path: str, asked: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """Return the answer as text and as read; a token that has just ended is got anew, once."""
        try:
            return await self._once(account, path, asked)
        except NothingLearntError as error:
            if error.finding.code != TOKEN_EXPIRED:
                raise
        return await self._once(account, path, asked)

    async def _once(
        self, account: WechatAppAccount, path: str, asked: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        token = await self._tokens.get(account.name, lambda: self._fetch(account))
        url = f"{account.api}{path}?{urlencode({'access_token': token})}"
        try:
            return await self._post(account, path, url, asked)
        except NothingLearntError as error:
            if error.finding.code == TOKEN_EXPIRED:
                self._tokens.forget(account.name, token)
            raise

    async def _fetch(self, account: WechatAppAccount) -> Token:
        asked = {
            "grant_type": "client_credential",
            "appid": account.app,
            "secret": account.app_secret,
        }
        _, told = await self._post(account, TOKEN, f"{account.api}{TOKEN}", asked)
        value = told.get("access_token")
        if not isinstance(value, str) or not value:
            raise unreachable(Code.MALFORMED)
        return Token(value, float(bodies.whole(told.get("expires_in"))))

    async def _post(
        self, account: WechatAppAccount, path: str, url: str, asked: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        body = bodies.compact(dict(asked)).encode()
        request = Request(method="POST", url=url, headers=JSON_HEADERS, body=body)
        return await self._caller.call(account.name, path, lambda _: request, self._read)

    def _read(self, reply: Reply) -> tuple[str, dict[str, Any]]:
        self._caller.refuse_failure(reply)
        told = bodies.parsed(reply.body)
        code = str(told.get("errcode", 0))
        if code != "0":
            raise _failure(code)
        return reply.body.decode(), told


class WechatChannels:
    """`Platform` of shops in WeChat's channels."""

    provider: Final = "wechat_channels"
    terms: Final[Mapping[str, Terms]] = MappingProxyType(
        {"wechat_channels.order": TERMS, AFTERSALES: AFTERSALE_TERMS}
    )

    def __init__(self, caller: Caller, tokens: Tokens) -> None:
        self._asked = _Asked(caller, tokens)

    async def page(self, account: WechatChannelsAccount, query: Query) -> Page:
        if query.template == AFTERSALES:
            return await self._aftersales(account, query)
        asked: dict[str, Any] = {
            "update_time_range": {
                "start_time": int(TERMS.sends.write(query.window.start)),
                "end_time": int(TERMS.sends.write(query.window.end)),
            },
            "page_size": query.size(SHOP_SIZE),
        }
        if query.token:
            asked["next_key"] = query.token
        text, told = await self._asked.ask(account, SHOP_LIST, asked)
        rows = bodies.raw_elements(bodies.raw(text, "order_id_list"))
        numbers = bodies.distinct(bodies.name_of(row) for row in rows)
        return Page(
            messages=tuple([await self._order(account, number) for number in numbers]),
            next_token=next_key(told, "next_key"),
            asked={"path": SHOP_LIST, "body": bodies.compact(asked)},
            rows=len(rows),
        )

    async def _order(self, account: WechatChannelsAccount, number: str) -> Message:
        text, told = await self._asked.ask(account, SHOP_ORDER, {"order_id": number})
        order = bodies.raw(text, "order")
        if order is None or bodies.name_of(bodies.at(told, "order", "order_id")) != number:
            raise unreachable(Code.OTHER_TRADE)
        written = bodies.at(told, "order", "update_time")
        return Message(
            order=number,
            body=bodies.wrapped(order, "order"),
            changed_at=changed_at(TERMS.reads, written),
        )

    async def _aftersales(self, account: WechatChannelsAccount, query: Query) -> Page:
        # How many it tells at once, nobody can choose.
        asked: dict[str, Any] = {
            "begin_update_time": int(AFTERSALE_TERMS.sends.write(query.window.start)),
            "end_update_time": int(AFTERSALE_TERMS.sends.write(query.window.end)),
        }
        if query.token:
            asked["next_key"] = query.token
        text, told = await self._asked.ask(account, AFTERSALE_LIST, asked)
        rows = bodies.raw_elements(bodies.raw(text, "after_sale_order_id_list"))
        numbers = bodies.distinct(bodies.name_of(row) for row in rows)
        return Page(
            messages=tuple([await self._aftersale(account, number) for number in numbers]),
            next_token=next_key(told, "next_key"),
            asked={"path": AFTERSALE_LIST, "body": bodies.compact(asked)},
            rows=len(rows),
        )

    async def _aftersale(self, account: WechatChannelsAccount, number: str) -> Message:
        text, told = await self._asked.ask(account, AFTERSALE, {"after_sale_order_id": number})
        name = "after_sale_order"
        aftersale = bodies.raw(text, name)
        if aftersale is None or bodies.name_of(bodies.at(told, name, f"{name}_id")) != number:
            raise unreachable(Code.OTHER_TRADE)
        return Message(
            order=bodies.name_of(bodies.at(told, name, "order_id")),
            body=bodies.wrapped(aftersale, name),
            changed_at=changed_at(AFTERSALE_TERMS.reads, bodies.at(told, name, "update_time")),
        )


class Mini:
    """`Platform` of a mini program whose shipping WeChat manages."""

    provider: Final = "mini"
    terms: Final[Mapping[str, Terms]] = MappingProxyType({"mini.orders": TERMS})

    def __init__(self, caller: Caller, tokens: Tokens) -> None:
        self._asked = _Asked(caller, tokens)

    async def page(self, account: MiniAccount, query: Query) -> Page:
        asked: dict[str, Any] = {
            "pay_time_range": {
                "begin_time": int(TERMS.sends.write(query.window.start)),
                "end_time": int(TERMS.sends.write(query.window.end)),
            },
            "page_size": query.size(MINI_SIZE),
        }
        if query.token:
            asked["last_index"] = query.token
        text, told = await self._asked.ask(account, MINI_LIST, asked)
        rows = bodies.raw_elements(bodies.raw(text, "order_list"))
        return Page(
            messages=tuple(_mini_message(row) for row in rows),
            next_token=next_key(told, "last_index"),
            asked={"path": MINI_LIST, "body": bodies.compact(asked)},
        )


def next_key(told: Mapping[str, Any], key: str) -> str:
    """Return where to go on, which counts only where the answer says that there is more.

    Raises:
        NothingLearntError: there is more, and no way to it.
    """
    if told.get("has_more") is not True:
        return ""
    found = told.get(key)
    if isinstance(found, bool) or not isinstance(found, int | str) or not str(found):
        raise unreachable(Code.MALFORMED)
    return str(found)


def _mini_message(row: str) -> Message:
    told = bodies.parsed(row.encode())
    return Message(
        order=bodies.name_of(told.get("merchant_trade_no")),
        body=bodies.wrapped(row, "order_list", "[]"),
        changed_at=changed_at(TERMS.reads, told.get("pay_time")),
    )


def _failure(code: str) -> NothingLearntError:
    if code in EXPIRED:
        return refused(TOKEN_EXPIRED)
    if code in LIMITED:
        return throttled(code)
    return unreachable(code) if code in PASSING else refused(code)

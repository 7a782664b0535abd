"""Asks Taobao and Tmall (淘宝, 天猫): trades by when they changed, half an hour at a time.

Windows and answers are Beijing's text. The list names the trades, each is then asked for whole.
Every type of trade is named: the platform's own default leaves out pre-sales, vouchers and cash
on delivery. It fails as HTTP 200 with `error_response`.
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
from clients.connectors.pulling.times import BEIJING
from clients.connectors.pulling.windows import WindowRules
from clients.connectors.web import throttled
from clients.providers.accounts.shops import TaobaoAccount

SIZE: Final = 50
CHANGED: Final = "taobao.trades.sold.increment.get"
DETAIL: Final = "taobao.trade.fullinfo.get"
REFUNDS: Final = "taobao.refunds.receive.get"
RATES: Final[Mapping[str, Rate]] = MappingProxyType(
    {CHANGED: Rate(5.0, 20), REFUNDS: Rate(5.0, 20), DETAIL: Rate(20.0, 40)}
)
TERMS: Final = Terms(
    sends=BEIJING,
    reads=BEIJING,
    # A day is allowed; the platform advises half an hour.
    rules=WindowRules(
        longest=timedelta(minutes=30), lag=timedelta(minutes=1), reach=timedelta(days=89)
    ),
)
TYPES: Final = (
    "fixed,auction,guarantee_trade,step,independent_simple_trade,independent_shop_trade,"
    "auto_delivery,ec,cod,game_equipment,shopex_trade,netcn_trade,external_trade,instant_trade,"
    "b2c_cod,hotel_trade,super_market_trade,super_market_cod_trade,taohua,waimai,nopaid,eticket,"
    "tmall_i18n,o2o_offlinetrade"
)
LISTED: Final = "tid,modified,status"
WHOLE: Final = (
    "tid,type,status,created,pay_time,consign_time,end_time,modified,payment,received_payment,"
    "total_fee,post_fee,discount_fee,adjust_fee,step_trade_status,step_paid_fee,buyer_open_uid,"
    "buyer_nick,receiver_name,receiver_state,receiver_city,receiver_district,receiver_town,"
    "receiver_address,receiver_mobile,receiver_phone,oaid,seller_flag,cod_status,alipay_no,num,"
    "promotion_details,orders"
)
REFUND: Final = (
    "refund_id,tid,oid,status,refund_fee,total_fee,payment,created,modified,has_good_return,"
    "reason,good_status,refund_phase,num"
)
LIMITED: Final = frozenset({"4", "5", "6", "7", "8"})
EXPIRED: Final = frozenset({"26", "27"})
TIMESTAMP: Final = frozenset({"30", "31"})
PASSING: Final = frozenset({"10", "502", "550"})


class Taobao:
    """`Platform` of Taobao and Tmall."""

    provider: Final = "taobao"
    terms: Final[Mapping[str, Terms]] = MappingProxyType(
        {"taobao.trades": TERMS, "taobao.refunds": TERMS}
    )
    _pages: Final = Pages(first=1, size=SIZE)

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def page(self, account: TaobaoAccount, query: Query) -> Page:
        if query.template == "taobao.refunds":
            return await self._refunds(account, query)
        pages = self._pages.sized(query.page_size, query.token)
        asked = {"fields": LISTED, "type": TYPES, **self._window(query, pages)}
        text, told = await self._call(account, CHANGED, asked)
        envelope = (_envelope(CHANGED), "trades", "trade")
        rows = bodies.raw_elements(bodies.raw(text, *envelope))
        tids = bodies.distinct(
            bodies.name_of(bodies.parsed(row.encode()).get("tid")) for row in rows
        )
        total = bodies.whole(told.get("total_results"))
        following = pages.next_token(query.token, len(rows), total)
        return Page(
            messages=tuple([await self._trade(account, tid) for tid in tids]),
            next_token=following,
            asked={"method": CHANGED, **self._window(query, pages)},
            rows=len(rows),
            total=total,
        )

    async def _refunds(self, account: TaobaoAccount, query: Query) -> Page:
        pages = self._pages.sized(query.page_size, query.token)
        asked = {"fields": REFUND, **self._window(query, pages)}
        text, told = await self._call(account, REFUNDS, asked)
        rows = bodies.raw_elements(bodies.raw(text, _envelope(REFUNDS), "refunds", "refund"))
        total = bodies.whole(told.get("total_results"))
        return Page(
            messages=tuple(_refund(row) for row in rows),
            next_token=pages.next_token(query.token, len(rows), total),
            asked={"method": REFUNDS, **self._window(query, pages)},
            total=total,
        )

    @staticmethod
    def _window(query: Query, pages: Pages) -> dict[str, str]:
        return {
            "start_modified": TERMS.sends.write(query.window.start),
            "end_modified": TERMS.sends.write(query.window.end),
            "page_no": str(pages.number(query.token)),
            "page_size": str(pages.size),
        }

    async def _trade(self, account: TaobaoAccount, tid: str) -> Message:
        text, told = await self._call(account, DETAIL, {"fields": WHOLE, "tid": tid})
        trade = bodies.raw(text, _envelope(DETAIL), "trade")
        if trade is None or bodies.name_of(bodies.at(told, "trade", "tid")) != tid:
            raise unreachable(Code.OTHER_TRADE)
        return Message(
            order=tid,
            body=bodies.wrapped(trade, _envelope(DETAIL), "trade"),
            changed_at=changed_at(TERMS.reads, bodies.at(told, "trade", "modified")),
        )

    async def _call(
        self, account: TaobaoAccount, method: str, asked: Mapping[str, str]
    ) -> tuple[str, dict[str, Any]]:
        read = enveloped.reader(self._caller, _envelope(method), _failure)
        return await self._caller.call(
            account.name, method, lambda now: request(account, method, asked, now), read
        )


def request(
    account: TaobaoAccount, method: str, parameters: Mapping[str, str], now: datetime
) -> Request:
    """Return a signed request, stamped with the platform's time."""
    sent = {
        "method": method,
        "app_key": account.app_key,
        "session": account.access_token,
        "timestamp": BEIJING.write(now),
        "format": "json",
        "v": "2.0",
        "sign_method": "md5",
        **parameters,
    }
    return enveloped.form(account.api, sent, account.app_secret)


def _envelope(method: str) -> str:
    return method.removeprefix("taobao.").replace(".", "_") + "_response"


def _refund(row: str) -> Message:
    told = bodies.parsed(row.encode())
    return Message(
        order=bodies.name_of(told.get("tid")),
        body=bodies.wrapped(row, _envelope(REFUNDS), "refunds", "refund", "[]"),
        changed_at=changed_at(TERMS.reads, told.get("modified")),
    )


def _failure(told: object) -> NothingLearntError:
    code, sub_code = str(bodies.at(told, "code")), str(bodies.at(told, "sub_code"))
    if code in EXPIRED:
        return refused(TOKEN_EXPIRED)
    if code in TIMESTAMP:
        return refused(CLOCK)
    if code in LIMITED or "flow-control" in sub_code or "limit" in sub_code:
        return throttled(code)
    # `isp.` is the platform's own fault, `isv.` ours.
    return unreachable(code) if code in PASSING or sub_code.startswith("isp.") else refused(code)

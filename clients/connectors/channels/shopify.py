"""Asks a shop of Shopify: orders by when they changed, along a cursor that the answer links to.

Times are sent in UTC; the answer has the shop's own offset. Without `status=any` the list hides
what is closed, and an order that was archived would never be told again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from clients.connectors.inquiry import Code, refused, unreachable
from clients.connectors.pacing import Rate
from clients.connectors.pulling import bodies
from clients.connectors.pulling.calling import TOKEN_EXPIRED, Caller, Request
from clients.connectors.pulling.platform import Message, Page, Query, Terms
from clients.connectors.pulling.reading import changed_at
from clients.connectors.pulling.times import ISO_UTC
from clients.connectors.pulling.windows import WindowRules
from clients.connectors.web import Reply
from clients.providers.accounts.shops import ShopifyAccount

LIST: Final = "orders"
SIZE: Final = 100
# A version lives for a year; a feed may name another.
VERSION: Final = "2026-01"
NEXT: Final = re.compile(r'<([^<>]+)>;\s*rel="?next"?')
BAD_REQUEST: Final = 400
UNAUTHORIZED: Final = 401
# A bucket of 40 that empties by two a second, shared with whatever else asks this shop.
RATES: Final[Mapping[str, Rate]] = MappingProxyType({LIST: Rate(1.0, 10)})
TERMS: Final = Terms(
    sends=ISO_UTC,
    reads=ISO_UTC,
    # Older orders than sixty days need a permission of their own.
    rules=WindowRules(
        longest=timedelta(days=7), lag=timedelta(minutes=1), reach=timedelta(days=60)
    ),
)


class Shopify:
    """`Platform` of Shopify."""

    provider: Final = "shopify"
    terms: Final[Mapping[str, Terms]] = MappingProxyType({"shopify.order": TERMS})

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def page(self, account: ShopifyAccount, query: Query) -> Page:
        asked = {"limit": str(query.size(SIZE))}
        if query.token:
            # The cursor holds the filters; they may not stand beside it.
            asked["page_info"] = query.token
        else:
            asked |= {
                "updated_at_min": TERMS.sends.write(query.window.start),
                "updated_at_max": TERMS.sends.write(query.window.end),
                "status": "any",
                "order": "updated_at asc",
            }
        version = query.options.get("version", VERSION)
        path = f"/admin/api/{version}/orders.json"
        request = Request(
            method="GET",
            url=f"{account.api}{path}?{urlencode(asked)}",
            headers={"x-shopify-access-token": account.access_token},
        )
        text, link = await self._caller.call(account.name, LIST, lambda _: request, self._read)
        rows = bodies.raw_elements(bodies.raw(text, "orders"))
        return Page(
            messages=tuple(_message(row) for row in rows),
            next_token=_cursor(link),
            asked={"path": path, **asked},
        )

    def _read(self, reply: Reply) -> tuple[str, str]:
        self._caller.refuse_failure(reply)
        if reply.status == UNAUTHORIZED:
            raise refused(TOKEN_EXPIRED)
        if reply.status >= BAD_REQUEST:
            raise refused(str(reply.status))
        told: dict[str, Any] = bodies.parsed(reply.body)
        if not isinstance(told.get("orders"), list):
            raise unreachable(Code.MALFORMED)
        return reply.body.decode(), reply.headers.get("link", "")


def _cursor(link: str) -> str:
    """Return the next page's cursor out of a Link header; empty on the last page."""
    found = NEXT.search(link)
    if found is None:
        return ""
    cursor = parse_qs(urlsplit(found.group(1)).query).get("page_info", [""])[0]
    if not cursor:
        raise unreachable(Code.MALFORMED)
    return cursor


def _message(row: str) -> Message:
    told = bodies.parsed(row.encode())
    return Message(
        order=bodies.name_of(told.get("id")),
        body=bodies.wrapped(row, "order"),
        changed_at=changed_at(TERMS.reads, told.get("updated_at")),
    )

"""Asks a shop on WooCommerce: orders by when they changed, in numbered pages.

Its times are the site's own unless `dates_are_gmt` is said, and what it answers in UTC carries no
`Z`. It takes what changed after a time, not at it, so the second before is asked for as well.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final
from urllib.parse import urlencode

from clients.connectors.inquiry import refused
from clients.connectors.pacing import Rate
from clients.connectors.pulling import bodies
from clients.connectors.pulling.calling import TOKEN_EXPIRED, Caller, Request
from clients.connectors.pulling.paging import Pages
from clients.connectors.pulling.platform import Message, Page, Query, Terms
from clients.connectors.pulling.reading import changed_at
from clients.connectors.pulling.times import Local
from clients.connectors.pulling.windows import SECOND, WindowRules
from clients.connectors.web import Reply
from clients.providers.accounts.shops import WooCommerceAccount

LIST: Final = "orders"
PATH: Final = "/wp-json/wc/v3/orders"
SIZE: Final = 100
BAD_REQUEST: Final = 400
FORBIDDEN: Final = (401, 403)
GMT: Final = Local("UTC", "%Y-%m-%dT%H:%M:%S")
# A shop is somebody's small server.
RATES: Final[Mapping[str, Rate]] = MappingProxyType({LIST: Rate(1.0, 5)})
TERMS: Final = Terms(
    sends=GMT,
    reads=GMT,
    rules=WindowRules(longest=timedelta(days=1), lag=timedelta(minutes=1)),
)


class WooCommerce:
    """`Platform` of WooCommerce."""

    provider: Final = "woocommerce"
    terms: Final[Mapping[str, Terms]] = MappingProxyType({"woocommerce.order": TERMS})
    _pages: Final = Pages(first=1, size=SIZE)

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def page(self, account: WooCommerceAccount, query: Query) -> Page:
        pages = self._pages.sized(query.page_size, query.token)
        asked = {
            "modified_after": TERMS.sends.write(query.window.start - SECOND),
            "modified_before": TERMS.sends.write(query.window.end + SECOND),
            "dates_are_gmt": "true",
            "status": "any",
            "orderby": "modified",
            "order": "asc",
            "per_page": str(pages.size),
            "page": str(pages.number(query.token)),
        }
        request = Request(
            method="GET",
            url=f"{account.api}{PATH}?{urlencode(asked)}",
            headers={"authorization": _basic(account)},
        )
        text, total = await self._caller.call(account.name, LIST, lambda _: request, self._read)
        rows = bodies.raw_elements(bodies.raw(text, "orders"))
        return Page(
            messages=tuple(_message(row) for row in rows),
            next_token=pages.next_token(query.token, len(rows), total),
            asked={"path": PATH, **asked},
            total=total,
        )

    def _read(self, reply: Reply) -> tuple[str, int]:
        """Return the list under a name, as other platforms give theirs, and how many there are."""
        self._caller.refuse_failure(reply)
        if reply.status in FORBIDDEN:
            raise refused(TOKEN_EXPIRED)
        if reply.status >= BAD_REQUEST:
            raise refused(str(reply.status))
        named = b'{"orders":' + reply.body.strip() + b"}"
        if not isinstance(bodies.parsed(named)["orders"], list):
            # An object is an error, whatever the status says.
            raise refused("WOOCOMMERCE_ERROR")
        return named.decode(), bodies.whole(reply.headers.get("x-wp-total"))


def _basic(account: WooCommerceAccount) -> str:
    pair = f"{account.consumer_key}:{account.consumer_secret}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def _message(row: str) -> Message:
    told = bodies.parsed(row.encode())
    return Message(
        order=bodies.name_of(told.get("id")),
        body=row.encode(),
        changed_at=changed_at(TERMS.reads, told.get("date_modified_gmt")),
    )

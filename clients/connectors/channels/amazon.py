"""Asks Amazon's Selling Partner API: orders by when they changed, in both of its versions.

Version 0 is being retired and knows no lines; a feed chooses by its template. Times are sent and
read in UTC with `Z`. The access token is got from Login with Amazon and lasts an hour. A minute
brings one list, so orders are never asked for one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

from clients.connectors.inquiry import Code, NothingLearntError, refused, unreachable
from clients.connectors.pacing import Rate
from clients.connectors.pulling import bodies
from clients.connectors.pulling.calling import TOKEN_EXPIRED, Caller, Request
from clients.connectors.pulling.platform import Message, Page, Query, Terms
from clients.connectors.pulling.reading import changed_at
from clients.connectors.pulling.times import ISO_UTC
from clients.connectors.pulling.tokens import Token, Tokens
from clients.connectors.pulling.windows import WindowRules
from clients.connectors.web import Reply
from clients.providers.accounts.shops import AmazonAccount

SIZE: Final = 100
FORM: Final = MappingProxyType({"content-type": "application/x-www-form-urlencoded"})
LOGIN: Final = "login"
BAD_REQUEST: Final = 400
FORBIDDEN: Final = (401, 403)
# The platform refuses an end that is less than two minutes ago; another for clocks and the way.
TERMS: Final = Terms(
    sends=ISO_UTC,
    reads=ISO_UTC,
    rules=WindowRules(longest=timedelta(days=30), lag=timedelta(minutes=3)),
)


@dataclass(frozen=True, slots=True)
class _Version:
    """One version of the list of orders."""

    operation: str
    path: str
    marketplaces: str
    after: str
    before: str
    size: str
    token: str
    orders: tuple[str, ...]
    """Where they stand in the answer."""
    next: tuple[str, ...]
    number: str
    changed: str
    more: Mapping[str, str]


VERSIONS: Final[Mapping[str, _Version]] = MappingProxyType(
    {
        "amazon.orders.v0": _Version(
            "getOrders",
            "/orders/v0/orders",
            "MarketplaceIds",
            "LastUpdatedAfter",
            "LastUpdatedBefore",
            "MaxResultsPerPage",
            "NextToken",
            ("payload", "Orders"),
            ("payload", "NextToken"),
            "AmazonOrderId",
            "LastUpdateDate",
            {},
        ),
        "amazon.orders.v2026": _Version(
            "searchOrders",
            "/orders/2026-01-01/orders",
            "marketplaceIds",
            "lastUpdatedAfter",
            "lastUpdatedBefore",
            "maxResultsPerPage",
            "paginationToken",
            ("orders",),
            ("pagination", "nextToken"),
            "orderId",
            "lastUpdatedTime",
            {"includedData": "PROCEEDS,FULFILLMENT,PACKAGES"},
        ),
    }
)
# What is published: one in a minute, and twenty after a rest.
RATES: Final[Mapping[str, Rate]] = MappingProxyType(
    {each.operation: Rate(0.0167, 20) for each in VERSIONS.values()}
)


class Amazon:
    """`Platform` of Amazon."""

    provider: Final = "amazon"
    terms: Final[Mapping[str, Terms]] = MappingProxyType(dict.fromkeys(VERSIONS, TERMS))

    def __init__(self, caller: Caller, tokens: Tokens) -> None:
        self._caller = caller
        self._tokens = tokens

    async def page(self, account: AmazonAccount, query: Query) -> Page:
        version = VERSIONS[query.template]
        # With a token the filters stay as they were, and so does the size: the platform refuses
        # others.
        size, _, page_token = query.token.partition(":")
        asked = {
            version.marketplaces: ",".join(account.marketplaces),
            version.after: TERMS.sends.write(query.window.start),
            version.before: TERMS.sends.write(query.window.end),
            version.size: size or str(query.size(SIZE)),
            **version.more,
        }
        if "included" in query.options and "includedData" in asked:
            asked["includedData"] = query.options["included"]
        text, told = await self._listed(account, version, asked, page_token)
        rows = bodies.raw_elements(bodies.raw(text, *version.orders))
        further = str(bodies.at(told, *version.next) or "")
        return Page(
            messages=tuple(_message(version, row) for row in rows),
            next_token=f"{asked[version.size]}:{further}" if further else "",
            asked={"path": version.path, **asked},
        )

    async def _listed(
        self, account: AmazonAccount, version: _Version, asked: Mapping[str, str], page_token: str
    ) -> tuple[str, dict[str, Any]]:
        """Return the answer; an access token that has just ended is got anew, once."""
        given = {**asked, **({version.token: page_token} if page_token else {})}
        for is_last in (False, True):
            token = await self._tokens.get(account.name, lambda: self._login(account))
            request = Request(
                method="GET",
                url=f"{account.api}{version.path}?{urlencode(given)}",
                headers={"x-amz-access-token": token, "accept": "application/json"},
            )
            make = partial(_as_it_is, request)
            try:
                return await self._caller.call(account.name, version.operation, make, self._read)
            except NothingLearntError as error:
                if error.finding.code != TOKEN_EXPIRED or is_last:
                    raise
                self._tokens.forget(account.name, token)
        raise AssertionError("the second attempt raises")

    def _read(self, reply: Reply) -> tuple[str, dict[str, Any]]:
        code = _error(reply)
        self._caller.refuse_failure(reply, code)
        if reply.status in FORBIDDEN:
            raise refused(TOKEN_EXPIRED)
        told = bodies.parsed(reply.body)
        if reply.status >= BAD_REQUEST or "errors" in told:
            raise refused(code or str(reply.status))
        return reply.body.decode(), told

    async def _login(self, account: AmazonAccount) -> Token:
        asked = {
            "grant_type": "refresh_token",
            "refresh_token": account.refresh_token,
            "client_id": account.client,
            "client_secret": account.client_secret,
        }
        request = Request(
            method="POST",
            url=f"{account.login_api}/auth/o2/token",
            headers=FORM,
            body=urlencode(asked).encode(),
        )
        return await self._caller.call(account.name, LOGIN, lambda _: request, self._token)

    def _token(self, reply: Reply) -> Token:
        self._caller.refuse_failure(reply)
        told = bodies.parsed(reply.body)
        if reply.status >= BAD_REQUEST:
            # `invalid_grant`: the seller has taken the permission back; nobody may ask any more.
            raise refused(str(told.get("error") or reply.status)[:60])
        value = told.get("access_token")
        if not isinstance(value, str) or not value:
            raise unreachable(Code.MALFORMED)
        return Token(value, float(bodies.whole(told.get("expires_in"))))


def _as_it_is(request: Request, _now: datetime) -> Request:
    """Return a request in which no time is signed."""
    return request


def _error(reply: Reply) -> str:
    """Return the platform's own word for a failure; empty where there is none."""
    try:
        errors = bodies.parsed(reply.body).get("errors")
    except NothingLearntError:
        return ""
    first = errors[0] if isinstance(errors, list) and errors else None
    return str(bodies.at(first, "code") or "")[:60]


def _message(version: _Version, row: str) -> Message:
    told = bodies.parsed(row.encode())
    return Message(
        order=bodies.name_of(told.get(version.number)),
        body=bodies.wrapped(row, *version.orders, "[]"),
        changed_at=changed_at(TERMS.reads, told.get(version.changed)),
    )

"""Connectors before the fake platforms: real HTTP, the accounts file, our signing and theirs."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from clients.connectors.amounts import Amount
from clients.connectors.inquiry import Finding, Kind, NothingLearntError, Question
from clients.connectors.web import Web, new_client
from clients.connectors.wiring import MAKE, REAL
from clients.providers.accounts import AccountBook
from deploy.local.platforms.server import Platforms
from tests.platforms import make_platform_keys, running_platforms

PROVIDERS = ("wechatpay", "alipay", "unionpay", "stripe")
TOTAL = 1000
CURRENCIES = {"stripe": "EUR"}
TIMEOUT_S = 1.0
TICK_S = 0.1
# No two trades or refunds of a run have the same number.
COUNT = itertools.count(1)


@dataclass
class Trade:
    """A trade at a platform, as we know it."""

    provider: str
    account: str
    number: str
    handle: str
    payment: str = ""
    since: datetime = field(default_factory=lambda: datetime.now(tz=UTC))

    def question(self, kind: Kind = Kind.PAYMENT, **more: Any) -> Question:  # noqa: ANN401
        given: dict[str, Any] = {
            "kind": kind,
            "trade": self.number,
            "handle": self.handle,
            "payment": self.payment,
            "since": self.since,
        }
        return Question(**(given | more))

    def refund(self, number: str, minor: int, *, submit: bool) -> Question:
        currency = CURRENCIES.get(self.provider, "CNY")
        return self.question(
            Kind.REFUND,
            refund=number,
            amount=Amount(minor, currency),
            total=Amount(TOTAL, currency),
            submit=submit,
        )


@dataclass
class World:
    """Our side and theirs."""

    platforms: Platforms
    book: AccountBook
    client: httpx2.AsyncClient

    async def ask(self, trade: Trade, question: Question | None = None) -> Finding:
        account = self.book.current().find(trade.provider, trade.account)
        assert account is not None
        web = Web(self.client, timeout_s=TIMEOUT_S, clock=REAL.clock)
        try:
            finding: Finding = await MAKE[trade.provider](web, REAL).ask(
                account, question or trade.question()
            )
        except NothingLearntError as error:
            return error.finding
        return finding

    async def ask_later(self, trade: Trade) -> Finding:
        await asyncio.sleep(TICK_S)
        return await self.ask(trade)

    def create(self, provider: str, **more: Any) -> Trade:  # noqa: ANN401
        number = f"T{next(COUNT):08}"
        told = self.platforms.control.create(provider, number, TOTAL, **more)
        handle = told["handle"] or (told["id"] if provider == "stripe" else "")
        return Trade(provider, told["account"], told["number"], handle)

    def pay(self, trade: Trade) -> None:
        told = self.platforms.control.pay(trade.provider, trade.number)
        trade.payment = told["id"]

    def refund_number(self) -> str:
        return f"R{next(COUNT):08}"

    def refunded(self, trade: Trade) -> list[int]:
        told = self.platforms.control.trade(trade.provider, trade.number)
        return [each["amount_minor"] for each in told["refunds"]]


@pytest.fixture(scope="session")
def platform_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_platform_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def platforms(platform_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platforms]:
    """The platforms, for all tests of a module; each has trades of its own."""
    folder = tmp_path_factory.mktemp("platforms")
    with running_platforms(folder / "platforms", keys=platform_keys) as running:
        yield running


@pytest.fixture
async def world(platforms: Platforms) -> AsyncIterator[World]:
    platforms.control.behave(reset=True)
    book = AccountBook(platforms.accounts_file, {}, time.monotonic)
    async with new_client(8, timeout_s=TIMEOUT_S) as client:
        yield World(platforms, book, client)

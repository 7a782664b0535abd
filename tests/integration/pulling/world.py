"""A merchant's pullers before the fake channels, in one process and in a time of its own.

The way between them is real HTTP without sockets; the service is a register in memory, which keeps
receipts by their content and moves cursors as it is told. Nothing waits: pauses let the time pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from clients.connectors.channels import CHANNELS
from clients.connectors.metrics import Metrics
from clients.connectors.pulling.bodies import PAGE_BYTES_MAX
from clients.connectors.pulling.calling import Caller
from clients.connectors.pulling.platform import AnyPlatform, Message
from clients.connectors.pulling.puller import Lease, Puller
from clients.connectors.pulling.register import Tally, Told, report_of
from clients.connectors.pulling.tokens import Tokens
from clients.connectors.web import Web
from clients.providers.accounts import AccountBook
from concord.channels.v1.feed_pb2 import Feed
from concord.channels.v1.run_pb2 import ReportRunRequest, Run
from deploy.local.channels.front import Booth
from deploy.local.channels.orders import Shop
from deploy.local.channels.world import World as Channels

START = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
TIMEOUT_S = 0.2
LEASE_S = 100_000.0
TEMPLATES = {
    "douyin": "douyin.orders",
    "jd": "jd.orders",
    "pdd": "pdd.orders",
    "taobao": "taobao.trades",
}
SHOPS = {
    "wechat_channels": "wechat_channels.order",
    "mini": "mini.orders",
    "amazon": "amazon.orders.v2026",
    "shopify": "shopify.order",
    "woocommerce": "woocommerce.order",
}
EVERY = TEMPLATES | SHOPS


class Time:
    """A clock that goes on when somebody waits."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at
        self.skew = timedelta(0)
        """Of the merchant's clock."""

    def true(self) -> datetime:
        return self.at

    def ours(self) -> datetime:
        return self.at + self.skew

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def go_on(self, **much: float) -> None:
        self.at += timedelta(**much)


@dataclass
class FakeRegister:
    """Keeps what is submitted, once each, and what is reported."""

    receipts: dict[bytes, Message] = field(default_factory=dict)
    reports: list[ReportRunRequest] = field(default_factory=list)
    submitted: int = 0

    async def submit(
        self, feed: Feed, account: str, messages: tuple[Message, ...], arrived_at: datetime
    ) -> list[bool]:
        were_known = [each.body in self.receipts for each in messages]
        self.receipts |= {each.body: each for each in messages}
        self.submitted += len(messages)
        return were_known

    async def report(self, run: Run, told: Told, tally: Tally) -> Run:
        self.reports.append(report_of(run, told, tally))
        after = Run()
        after.CopyFrom(run)
        after.page_token = told.token
        is_part = told.result == ReportRunRequest.RESULT_PART
        after.state = Run.STATE_RUNNING if is_part else Run.STATE_WAITING
        return after

    def orders(self) -> list[str]:
        """Return every order that came, as often as it came with another content."""
        return [each.order for each in self.receipts.values()]


@dataclass
class World:
    """Both sides, and the feed between them."""

    time: Time
    channels: Channels
    book: AccountBook
    register: FakeRegister
    client: httpx2.AsyncClient
    pullers: dict[str, Puller] = field(default_factory=dict)
    feeds: dict[str, datetime] = field(default_factory=dict)
    """Cursors, by template."""
    page_size: int = 0
    """Of the feeds."""
    places: dict[str, tuple[datetime, datetime, str]] = field(default_factory=dict)
    """Where a run that was broken off goes on: its window and its token, by template."""

    def booth(self, platform: str) -> Booth:
        return self.channels.booths[platform]

    def shop(self, platform: str) -> Shop:
        return self.booth(platform).shop

    def puller(
        self, platform: str, wrap: Callable[[AnyPlatform], AnyPlatform] = lambda each: each
    ) -> Puller:
        """Return the puller of a platform, made once."""
        if platform not in self.pullers:
            web = Web(
                self.client,
                timeout_s=TIMEOUT_S,
                clock=self.time.ours,
                bytes_max=PAGE_BYTES_MAX,
            )
            channel = CHANNELS[platform]
            caller = Caller(
                web,
                clock=self.time.ours,
                monotonic=self.time.monotonic,
                rates=channel.rates,
                sleep=self.time.sleep,
            )
            self.pullers[platform] = Puller(
                platform=wrap(channel.make(caller, Tokens(self.time.monotonic))),
                caller=caller,
                register=self.register,  # type: ignore[arg-type]  # A fake of the same shape.
                book=self.book,
                metrics=Metrics(CollectorRegistry()),
                clock=self.time.ours,
                monotonic=self.time.monotonic,
            )
        return self.pullers[platform]

    async def pull(
        self,
        platform: str,
        start: datetime,
        end: datetime,
        *,
        purpose: Run.Purpose.ValueType = Run.PURPOSE_REGULAR,
        token: str = "",
        template: str = "",
    ) -> ReportRunRequest:
        """Ask a feed for a window, in as many parts as are needed; return the last report."""
        puller = self.puller(platform)
        template = template or EVERY[platform]
        feed = Feed(
            name=f"feeds/{platform}", channel=platform, platform=platform, template=template
        )
        feed.limits.page_size = self.page_size
        longest = puller.platform.terms[template].rules.longest
        while True:
            run = Run(name="runs/1", state=Run.STATE_RUNNING, purpose=purpose, page_token=token)
            run.ask_start_time.FromDatetime(start)
            run.ask_end_time.FromDatetime(min(start + longest, end))
            self.places[template] = (start, end, token)
            before = len(self.register.reports)
            try:
                await puller.work(run, feed, Lease(LEASE_S, self.time.monotonic() + LEASE_S))
            finally:
                # As the service remembers it: only what was reported counts.
                if len(self.register.reports) > before:
                    self.places[template] = (start, end, self.register.reports[-1].page_token)
            last = self.register.reports[-1]
            if last.result != ReportRunRequest.RESULT_COMPLETED:
                return last
            del self.places[template]
            covered = last.covered_time.ToDatetime(tzinfo=UTC)
            is_cut = last.HasField("covered_time") and covered < min(start + longest, end)
            if is_cut or start + longest >= end:
                return last
            start, token = start + longest, ""

    async def poll(self, platform: str, template: str = "") -> ReportRunRequest:
        """Do what the service plans: from the cursor less an overlap to now; move the cursor."""
        template = template or EVERY[platform]
        rules = self.puller(platform).platform.terms[template].rules
        cursor = self.feeds.setdefault(template, self.time.at - timedelta(minutes=30))
        now = self.time.ours() - rules.lag
        start = cursor - timedelta(minutes=5)
        if now <= start:
            # By the service's clock it is not yet time.
            return ReportRunRequest()
        if template in self.places:
            start, now, token = self.places[template]
            last = await self.pull(platform, start, now, template=template, token=token)
        else:
            last = await self.pull(platform, start, now, template=template)
        if last.result == ReportRunRequest.RESULT_COMPLETED:
            covered = last.covered_time.ToDatetime(tzinfo=UTC)
            self.feeds[template] = max(cursor, min(now, covered))
        return last


def a_world(folder: Path, at: datetime = START) -> World:
    """Return both sides with nothing sold yet."""
    time = Time(at)
    channels = Channels(time.true, folder, "http://channels")
    path = channels.write_accounts()
    book = AccountBook(path, {}, time.monotonic)
    app = Starlette(routes=[*channels.routes()])
    client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app))
    return World(time, channels, book, FakeRegister(), client)


def completed(report: ReportRunRequest) -> Any:  # noqa: ANN401  # A message, for chaining.
    """Return the report, which must tell of a part that is complete."""
    assert report.result == ReportRunRequest.RESULT_COMPLETED, (report.result, report.code)
    return report

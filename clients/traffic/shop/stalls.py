"""The shop's stalls on other channels: what is sold there, Concord learns by asking the channels.

The fake channels of the embedded stack stand beside the fake platforms. Where they are not served,
there are no stalls, and the shop sells in its mini program alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import httpx2
from google.protobuf.timestamp_pb2 import Timestamp

from clients.sdk.errors import FeedExistsError, OutageError
from clients.traffic.purchases import Purchase, purchase
from clients.traffic.shop.warehouse import own_articles
from concord.channels.v1.feed_pb2 import Feed, FeedSchedule

TIMEOUT_S: Final = 5.0
# With the mini program, five.
TEMPLATES: Final[Mapping[str, str]] = {
    "douyin": "douyin.orders",
    "jd": "jd.orders",
    "pdd": "pdd.orders",
    "taobao": "taobao.trades",
}
ZONE: Final = "Asia/Shanghai"
SHOP: Final = "fake"
# Often enough to be watched by eye; a real feed is asked once a minute.
INTERVAL_S: Final = 10
# Platforms answer completely up to three minutes ago. What a new stall sold five minutes before is
# told at once, so nobody waits for the first orders.
BEFORE_S: Final = 300
BEFORE: Final = 2
# Where a new feed begins: before all of that.
BEGINS_BEFORE_S: Final = 600


class Channels(Protocol):
    """Where feeds are registered: `Concord.channels`."""

    def create(self, feed: Feed) -> object:
        """Register one."""


@dataclass(slots=True)
class Stalls:
    """The stalls, and how much was sold there."""

    address: str
    clock_us: Callable[[], int]
    run: str
    is_open: bool = False
    sold: int = 0
    _count: int = 0
    _http: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        """Know the way there; nothing is asked yet."""
        self._http = httpx2.Client(
            base_url=f"http://{self.address}/channels", timeout=TIMEOUT_S, trust_env=False
        )

    def open(self, channels: Channels) -> None:
        """Register a feed for each stall, where there are any; else, or in an outage, stay shut."""
        try:
            if self._http.get("/readyz").status_code != httpx2.codes.OK:
                return
            added = [each.channel for each in feeds(self.clock_us()) if _register(channels, each)]
        except (httpx2.HTTPError, OutageError):
            return
        self.is_open = True
        for channel in BEFORE * added:
            self._sell_at(channel, BEFORE_S)

    def sell(self) -> bool:
        """Sell one order at the next stall; false if it is not there at the moment."""
        return self._sell_at(tuple(TEMPLATES)[self._count % len(TEMPLATES)])

    def _sell_at(self, channel: str, ago_s: int = 0) -> bool:
        order = own_articles(purchase(self.run, 0, self._count))
        self._count += 1
        asked = sale_of(order, number_of(channel, self.clock_us())) | {"ago_s": ago_s}
        try:
            answer = self._http.post(f"/control/{channel}/orders", json=asked)
        except httpx2.HTTPError:
            return False
        self.sold += answer.is_success
        return answer.is_success

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def feeds(at_us: int) -> list[Feed]:
    """Return a feed for each stall, as it is registered at a time."""
    begin = Timestamp(seconds=at_us // 1_000_000 - BEGINS_BEFORE_S)
    return [
        Feed(
            name=f"feeds/{channel}-{SHOP}",
            channel=channel,
            shop=SHOP,
            mode=Feed.MODE_PULL,
            platform=channel,
            template=template,
            zone=ZONE,
            account=f"{channel}-shop",
            schedule=FeedSchedule(interval_s=INTERVAL_S),
            begin_time=begin,
        )
        for channel, template in TEMPLATES.items()
    ]


def sale_of(order: Purchase, number: str) -> dict[str, Any]:
    """Return what the channel's control is asked for."""
    lines = [
        {
            "sku": line.sku,
            "title": line.sku,
            "quantity": line.quantity,
            "price_minor": line.price_minor,
        }
        for line in order.lines
    ]
    discount_minor = order.list_minor - order.total_minor
    return {
        "number": number,
        "lines": lines,
        "buyer": order.customer,
        "discount_minor": discount_minor,
    }


def number_of(channel: str, at_us: int) -> str:
    """Return a number of the channel's shape that no earlier run had."""
    if channel == "pdd":
        day = datetime.fromtimestamp(at_us / 1_000_000, tz=UTC)
        return f"{day:%y%m%d}-{at_us % 10**15:015d}"
    # Microseconds have 16 digits; JD's numbers have 12, enough for a hundred in a second.
    return str(at_us // 10_000) if channel == "jd" else f"690{at_us}"


def _register(channels: Channels, feed: Feed) -> bool:
    """Return whether the feed was not there before."""
    try:
        channels.create(feed)
    except FeedExistsError:
        # Of an earlier run, or changed by somebody since: it stays as it is.
        return False
    return True

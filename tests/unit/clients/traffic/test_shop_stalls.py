"""The shop sells on other channels where they are served, and registers how they are asked."""

from __future__ import annotations

from dataclasses import dataclass, field

from clients.connectors.channels import CHANNELS
from clients.traffic.purchases import purchase
from clients.traffic.shop.stalls import TEMPLATES, Stalls, feeds, number_of, sale_of
from concord.channels.v1.feed_pb2 import Feed

AT_US = 1_900_000_000_000_000


@dataclass
class FakeChannels:
    """The register of feeds."""

    created: list[Feed] = field(default_factory=list)

    def create(self, feed: Feed) -> object:
        self.created.append(feed)
        return feed


def test_four_stalls_and_the_mini_program_are_five_channels() -> None:
    assert set(TEMPLATES) == {"douyin", "jd", "pdd", "taobao"}
    assert all(each.mode == Feed.MODE_PULL for each in feeds(AT_US))


def test_every_feed_names_a_template_that_its_connector_can_ask_for() -> None:
    assert {each.platform for each in feeds(AT_US)} <= set(CHANNELS)


def test_no_two_moments_give_one_number() -> None:
    for channel in TEMPLATES:
        assert number_of(channel, AT_US) != number_of(channel, AT_US + 10_000)
    assert number_of("douyin", AT_US) == "6901900000000000000"
    assert number_of("jd", AT_US) == "190000000000"
    assert number_of("pdd", AT_US) == "300317-900000000000000"


def test_what_is_sold_costs_what_the_purchase_costs() -> None:
    order = purchase("run", 0, 5)

    sale = sale_of(order, "1")

    listed = sum(each["price_minor"] * each["quantity"] for each in sale["lines"])
    assert listed - sale["discount_minor"] == order.total_minor


def test_where_there_are_no_channels_nothing_is_registered() -> None:
    channels = FakeChannels()
    stalls = Stalls("127.0.0.1:9", lambda: AT_US, "run")

    stalls.open(channels)

    assert not stalls.is_open
    assert channels.created == []
    assert not stalls.sell()
    stalls.close()

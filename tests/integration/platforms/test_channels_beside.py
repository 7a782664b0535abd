"""The fake channels are served beside the fake platforms, and one accounts file names both."""

from __future__ import annotations

from pathlib import Path

from clients.providers.accounts import load
from clients.traffic.shop.stalls import TEMPLATES, Stalls
from concord.channels.v1.feed_pb2 import Feed
from tests.platforms import running_platforms


class Register:
    """Takes every feed."""

    def __init__(self) -> None:
        self.feeds: list[Feed] = []

    def create(self, feed: Feed) -> object:
        self.feeds.append(feed)
        return feed


def test_the_shop_sells_where_the_accounts_say(tmp_path: Path, platform_keys: Path) -> None:
    folder = tmp_path / "platforms"
    with running_platforms(folder, keys=platform_keys, has_shops=True) as platforms:
        register, at_us = Register(), iter(range(1_900_000_000_000_000, 2**62, 20_000))
        stalls = Stalls(platforms.settings.address, lambda: next(at_us), "run")

        stalls.open(register)
        for _ in TEMPLATES:
            assert stalls.sell()
        stalls.close()

    accounts = load(platforms.accounts_file, {})
    for feed in register.feeds:
        account = accounts.find(feed.platform, feed.account)
        assert account is not None
        assert f"{platforms.settings.address}/channels/{feed.platform}" in account.api  # type: ignore[attr-defined]  # Of these, each has one.
    assert accounts.of("wechatpay")


def test_without_them_the_stalls_stay_shut(tmp_path: Path, platform_keys: Path) -> None:
    with running_platforms(tmp_path / "platforms", keys=platform_keys) as platforms:
        register, stalls = Register(), Stalls(platforms.settings.address, lambda: 0, "run")

        stalls.open(register)
        stalls.close()

    assert (stalls.is_open, register.feeds) == (False, [])

"""All fake platforms together: their money, their keys, and what they send and answer.

It must be made inside a running event loop, which it then belongs to.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from deploy.local.platforms import accounts_file, ledger, making
from deploy.local.platforms.accounts import Account, load
from deploy.local.platforms.adyen import Adyen
from deploy.local.platforms.alipay.platform import Alipay
from deploy.local.platforms.behaviour import Behaviours, Faults
from deploy.local.platforms.clock import Clock
from deploy.local.platforms.courier import Courier, Delivery, Sender
from deploy.local.platforms.desk import Desk
from deploy.local.platforms.douyin_pay import DouyinPay
from deploy.local.platforms.front import Front
from deploy.local.platforms.notices import Platform
from deploy.local.platforms.records import Records
from deploy.local.platforms.stripe.platform import Stripe
from deploy.local.platforms.timeline import Timeline
from deploy.local.platforms.trades import Book, Event, Refund, RefusedError, Trade
from deploy.local.platforms.unionpay.platform import UnionPay
from deploy.local.platforms.vault import Vault
from deploy.local.platforms.wechatpay.platform import WechatPay

MAKERS: Final[tuple[Callable[..., Platform], ...]] = (
    WechatPay,
    Alipay,
    UnionPay,
    Stripe,
    Adyen,
    DouyinPay,
)

CURRENCIES: Final[Mapping[str, str]] = {"stripe": "EUR", "adyen": "EUR"}


class World:
    """The platforms, as a test or the control API holds them."""

    def __init__(
        self,
        vault: Vault,
        *,
        api: str,
        public_url: str,
        clock: Clock,
        sender: Sender,
        seed: str = "0",
        shops: Sequence[accounts_file.Row] = (),
    ) -> None:
        self.vault = vault
        self._shops = shops
        self.api = api
        self.public_url = public_url
        self.clock = clock
        self.book = Book()
        self.behaviours = Behaviours()
        self.records = Records()
        # What happens to money, and what is sent: apart, so that each can be hurried alone.
        self._happening = Timeline(clock)
        self._sending = Timeline(clock)
        self.platforms: dict[str, Platform] = {}
        self.accounts: Mapping[str, Account] = {}
        self.desk = Desk(clock, self.book, self.behaviours, self._happening, self._tell)
        front = Front(self.desk, self.records, Faults(seed), lambda: self.accounts)
        for platform in (make(front, lambda: self.accounts) for make in MAKERS):
            self.platforms[platform.provider] = platform
        self.courier = Courier(
            clock,
            self._sending,
            self.platforms,
            self.records,
            behaviours=self.behaviours,
            sender=sender,
            seed=seed,
        )
        self.refresh()

    def refresh(self) -> None:
        """Make what is missing of the keys, and tell both sides of all of them."""
        making.fill(self.vault)
        accounts_file.write(self.vault, api=self.api, public_url=self.public_url, shops=self._shops)
        self.accounts = load(self.vault, self.public_url)

    def create(  # noqa: PLR0913  # Each is a part of what a merchant says of a trade.
        self,
        provider: str,
        number: str,
        amount_minor: int,
        *,
        account: str = "",
        currency: str = "",
        handle: str = "",
        notify_url: str = "",
        subject: str = "",
        dialect: str = "",
    ) -> Trade:
        """Create a trade, by default at the provider's first account.

        Raises:
            RefusedError: `unknown`: no such provider or account. `exists`: the number is taken.
        """
        name = account or self._first_account(provider)
        known = self.accounts.get(name)
        if known is None or known.provider != provider or provider not in self.platforms:
            raise RefusedError("unknown", f"no account {name!r} at {provider!r}")
        trade = Trade(
            provider=provider,
            account=name,
            number=number,
            handle=handle,
            id="",
            amount_minor=amount_minor,
            currency=currency or CURRENCIES.get(provider, "CNY"),
            created=self.clock.moment(),
            notify_url=notify_url or known.callback_url,
            subject=subject,
            dialect=dialect,
        )
        self.platforms[provider].name_trade(trade)
        self.desk.create(trade)
        return trade

    def find(self, provider: str, name: str) -> Trade:
        """Return the trade of that number, or the newest one, or the one of that id.

        Raises:
            RefusedError: `unknown`: there is none.
        """
        for account in self.accounts.values():
            if account.provider == provider:
                trade = self.book.find(provider, account.name, name)
                if trade is not None:
                    return trade
        raise RefusedError("unknown", f"no trade {name!r} at {provider!r}")

    def take_over(self, path: Path) -> None:
        """Know the trades of an earlier run; what it had begun to give back goes back now."""
        ledger.load(self.book, path)
        for trade in self.book:
            for refund in trade.refunds.values():
                self.desk.settle(refund, self.behaviours.of(trade.provider).refund_ends)

    async def settle(self, chosen: Callable[[Delivery], bool] = lambda _: True) -> int:
        """Let happen what is due to happen, and send until nothing waits; return the calls."""
        count = 0
        while True:
            happened = self._happening.run_all()
            sent = await self.courier.settle(chosen)
            count += sent
            if not happened and not sent:
                return count

    def rotate(self, account: str, *, mode: str = "public_key", is_announced: bool = True) -> str:
        """Sign WeChat Pay's notices with another key from now on; return its id.

        A merchant to whom it is not announced does not know it, until `announce`.
        """
        known = self.vault.known[account]
        key = making.new_wechat_key(self.vault, account, mode)
        known["keys"].append({**key, "is_announced": is_announced})
        known["signs_with"] = key["id"]
        self.vault.save()
        self.refresh()
        return str(key["id"])

    def announce(self, account: str) -> None:
        """Let the merchant have every key of the platform."""
        for key in self.vault.known[account]["keys"]:
            key["is_announced"] = True
        self.vault.save()
        self.refresh()

    def roll_webhook_secret(self, account: str) -> None:
        """Begin to roll a webhook secret: events are signed with the old and the new one."""
        making.new_webhook_secret(self.vault, account)
        self.refresh()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[World]:
        """Let provider time pass, until the end of the block."""
        passing = [asyncio.create_task(each.run()) for each in (self._happening, self._sending)]
        try:
            yield self
        finally:
            for task in passing:
                task.cancel()
            await asyncio.gather(*passing, return_exceptions=True)
            await self.courier.close()

    def statistics(self) -> dict[str, Any]:
        """Return what became of everything so far."""
        states: dict[str, dict[str, int]] = {}
        for trade in self.book:
            counts = states.setdefault(trade.provider, {})
            counts[trade.state.value] = counts.get(trade.state.value, 0) + 1
        summary = self.records.counts
        names = states.keys() | summary.keys() | self.courier.outcomes.keys()
        return {
            "pending": self.courier.pending(),
            "wrong": sum(counts["wrong"] for counts in summary.values()),
            "platforms": {
                name: {
                    "trades": states.get(name, {}),
                    "notices": self.courier.outcomes.get(name, {}),
                    **summary.get(name, {}),
                }
                for name in sorted(names)
            },
        }

    def _tell(self, event: Event, trade: Trade, refund: Refund | None) -> None:
        self.courier.tell(event, trade, refund)

    def _first_account(self, provider: str) -> str:
        return next((each.name for each in self.accounts.values() if each.provider == provider), "")

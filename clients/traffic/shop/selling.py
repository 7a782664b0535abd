"""Sells one order after the other, each in three steps.

1. The trade is created at the platform: without its handle nobody can ask for it later.
2. Concord is told of the order and that its buyer begins to pay, until it has it.
3. The buyer pays; the platform tells the gateway, or, as for one in ten, nobody.

A crash between 1 and 2 leaves a trade that nobody pays. One between 2 and 3 leaves an order that
waits for its payment, as when a buyer thinks better of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import orjson

from clients.sdk.errors import OutageError
from clients.traffic.dice import Dice
from clients.traffic.feeding import PAUSE_FIRST_S, PAUSE_MAX_S, receipt_of
from clients.traffic.purchases import Purchase, purchase
from clients.traffic.shop.warehouse import own_articles
from clients.traffic.stories import Happening
from clients.traffic.wording import Message, event_id, money, rfc3339, worded
from concord.intake.v1 import receipt_pb2

CHANNEL: Final = "mini"

# One after the other, so that each is seen within seconds; Stripe's account is kept in euros.
PROVIDERS: Final = ("wechatpay", "alipay", "unionpay", "stripe")
CURRENCIES: Final = {"stripe": "EUR"}

# Buyers type for so long, in seconds.
PAYS_AFTER_S: Final = (1, 5)

Pause = Callable[[float], bool]
"""Waits for so many seconds; true if the shop is to close."""


class Till(Protocol):
    """Where buyers pay: the control of the fake platforms."""

    def create(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Create a trade, and return it.

        Raises:
            OSError: the platforms do not answer.
        """

    def pay(self, trade: dict[str, Any], in_s: float) -> None:
        """Let the buyer pay after so many seconds.

        Raises:
            OSError: the platforms do not answer.
        """


class Intake(Protocol):
    """Where receipts go: `Concord.intake`."""

    def submit(self, receipts: Sequence[receipt_pb2.Receipt]) -> object: ...


@dataclass(slots=True)
class Shop:
    """One shop, and how many orders it has sold."""

    till: Till
    intake: Intake
    clock_us: Callable[[], int]
    pause: Pause
    run: str
    sold: int = 0
    outages: int = 0

    def sell(self) -> bool:
        """Sell an order; false if the shop was closed before that was done."""
        order = an_order(self.run, self.sold)
        dice = Dice(self.run, "payment", self.sold)
        trade: dict[str, Any] = {}
        if not self._until_done(lambda: trade.update(self.till.create(trade_of(order)))):
            return False
        receipts = [receipt_of(each) for each in told(order, trade, self.clock_us())]
        if not self._until_done(lambda: self.intake.submit(receipts)):
            return False
        least, most = PAYS_AFTER_S
        in_s = least + dice.share("pays after") * (most - least)
        if not self._until_done(lambda: self.till.pay(trade, in_s)):
            return False
        self.sold += 1
        return True

    def _until_done(self, step: Callable[[], object]) -> bool:
        """Repeat the step until it succeeds; false if the shop closes before."""
        pause_s = PAUSE_FIRST_S
        while True:
            try:
                step()
            except (OutageError, OSError):
                self.outages += 1
            else:
                return True
            if self.pause(pause_s):
                return False
            pause_s = min(2 * pause_s, PAUSE_MAX_S)


def an_order(run: str, number: int) -> Purchase:
    """Return an order of the run: its provider comes round robin, the rest by chance."""
    provider = PROVIDERS[number % len(PROVIDERS)]
    plain = purchase(run, 0, number)
    return replace(
        own_articles(plain),
        channel=CHANNEL,
        channel_number=f"MP{plain.merchant_number.removeprefix('CN')}",
        provider=provider,
        currency=CURRENCIES.get(provider, "CNY"),
    )


def trade_of(order: Purchase) -> dict[str, Any]:
    """Return what the platform is asked for."""
    return {
        "provider": order.provider,
        "number": order.merchant_number,
        "amount_minor": order.total_minor,
        "currency": order.currency,
    }


def told(order: Purchase, trade: dict[str, Any], at_us: int) -> tuple[Message, Message]:
    """Return what Concord is told: the order, and by which trade its buyer begins to pay."""
    happening = Happening(
        at_us=at_us, type="order.created", source=CHANNEL, amount_minor=order.total_minor
    )
    created_id = event_id(order.merchant_number, "created")
    created = Message(
        arrives_us=at_us,
        source=CHANNEL,
        message_id=created_id,
        body=worded(order, happening, told_as=created_id),
        channel=CHANNEL,
        order_hint=order.channel_number,
    )
    started_id = event_id(order.merchant_number, "started", trade["handle"])
    body: dict[str, object] = {
        "id": started_id,
        "type": "payment.started",
        "source": CHANNEL,
        "channel": CHANNEL,
        "order": {"namespace": "merchant", "value": order.merchant_number},
        "occurred_at": rfc3339(at_us),
        "amount": money(order.total_minor, order.currency),
        "provider": order.provider,
        "account": trade["account"],
    }
    # Only UnionPay and Stripe need more than the number to find a trade.
    if trade["handle"]:
        body["voucher"] = trade["handle"]
    started = Message(
        arrives_us=at_us,
        source=CHANNEL,
        message_id=started_id,
        body=orjson.dumps(body),
        channel=CHANNEL,
        order_hint=order.merchant_number,
    )
    return created, started

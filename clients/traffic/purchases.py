"""What one made-up order is: who buys what, where, for how much, and how each party calls it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from clients.traffic.dice import Dice

# Repeated names are weights: of 20 orders, seven come from Douyin.
CHANNELS: Final = (
    *["douyin"] * 7,
    *["jd"] * 4,
    *["pdd"] * 4,
    *["mini"] * 3,
    *["amazon"] * 2,
)
PROVIDERS: Final = (*["wechatpay"] * 5, *["alipay"] * 4, "unionpay")
CURRENCIES: Final = {"amazon": "USD"}
HOME_CURRENCY: Final = "CNY"

# (article number, price in minor units). Narrow on purpose: a customer's mean must mean something.
CATALOGUE: Final = (
    ("TEA-250", 4_900),
    ("MUG-350", 3_900),
    ("TOWEL-2", 5_900),
    ("SOCK-5P", 3_500),
    ("SOAP-3P", 2_900),
    ("BOOK-A5", 4_200),
    ("LAMP-07", 9_900),
    ("BAG-12L", 8_900),
)
DISCOUNTS_PERCENT: Final = (0, 0, 0, 5, 10, 20)

# 30 for each channel: each buys about every 40th order of its channel, enough for a history.
REGULARS: Final = 30
REGULAR_SHARE: Final = 0.7
# A channel's returner stays for 5000 orders: 20 returns over five channels, four for one of them.
RETURNER_ORDERS: Final = 5000


@dataclass(frozen=True, slots=True)
class Line:
    """A quantity of one article."""

    sku: str
    quantity: int
    price_minor: int


@dataclass(frozen=True, slots=True)
class Purchase:
    """One order as the parties know it."""

    number: int
    channel: str
    channel_number: str
    merchant_number: str
    provider: str
    payment_number: str
    waybill: str
    customer: str
    currency: str
    lines: tuple[Line, ...]
    total_minor: int

    @property
    def list_minor(self) -> int:
        return sum(line.quantity * line.price_minor for line in self.lines)


def purchase(run: str, seed: int, number: int) -> Purchase:
    """Return order `number` of a run: contents by the seed, outside numbers by the run."""
    dice = Dice(seed, "purchase", number)
    channel = dice.pick("channel", CHANNELS)
    # 8 digits of the run and 9 of the order: 17, as long as an Amazon order number.
    tail = f"{Dice(run).number('tail', 10**8):08d}{number:09d}"
    lines = _lines(dice, channel)
    listed = sum(line.quantity * line.price_minor for line in lines)
    off = listed * dice.pick("discount", DISCOUNTS_PERCENT) // 100
    return Purchase(
        number=number,
        channel=channel,
        channel_number=_channel_number(channel, tail),
        merchant_number=f"CN{tail}",
        provider="wechatpay" if channel == "mini" else dice.pick("provider", PROVIDERS),
        payment_number=f"42000{tail}",
        waybill=f"SF{tail[4:]}",
        customer=_customer(dice, channel, number),
        currency=CURRENCIES.get(channel, HOME_CURRENCY),
        lines=lines,
        total_minor=listed - off,
    )


def far_above_the_usual(plain: Purchase) -> Purchase:
    """Return the purchase by a regular customer, of forty times one article."""
    line = replace(plain.lines[0], quantity=40)
    regular = f"c-{plain.channel}-{plain.number % REGULARS}"
    return replace(
        plain, lines=(line,), total_minor=line.quantity * line.price_minor, customer=regular
    )


def nearly_given_away(plain: Purchase) -> Purchase:
    """Return the purchase at 12 % of its list price."""
    return replace(plain, total_minor=plain.list_minor * 12 // 100)


def sent_back(plain: Purchase) -> Purchase:
    """Return the purchase by the customer who sends nearly all back."""
    return replace(plain, customer=f"c-{plain.channel}-back-{plain.number // RETURNER_ORDERS}")


def _lines(dice: Dice, channel: str) -> tuple[Line, ...]:
    first = dice.number("first", len(CATALOGUE))
    chosen = [CATALOGUE[(first + i) % len(CATALOGUE)] for i in range(1 + dice.number("lines", 2))]
    # A dollar is taken as seven yuan.
    rate = 7 if CURRENCIES.get(channel) == "USD" else 1
    return tuple(
        Line(sku, 1 + dice.number(f"quantity {sku}", 2), minor // rate) for sku, minor in chosen
    )


def _customer(dice: Dice, channel: str, number: int) -> str:
    if dice.happens("regular", REGULAR_SHARE):
        return f"c-{channel}-{dice.number('which regular', REGULARS)}"
    return f"c-{channel}-once-{number}"


def _channel_number(channel: str, tail: str) -> str:
    """Return a number in the manner of the channel; 19 digits do not fit a float, on purpose."""
    match channel:
        case "douyin":
            return f"69{tail}"
        case "pdd":
            return f"{tail[:6]}-{tail[6:]}"
        case "amazon":
            return f"{tail[:3]}-{tail[3:10]}-{tail[10:]}"
        case "mini":
            return f"M{tail}"
        case _:
            return tail

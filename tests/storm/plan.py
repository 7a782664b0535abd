"""What a storm is made of: who buys what and pays when, and what breaks when; all from one seed.

Every time here is in seconds of provider time from the storm's begin. The platforms' clock runs
`speed` times as fast as the machine's, and probes are asked as much faster, so the two agree.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

# The shares that the acceptance list names.
FAULTS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "drop_share": 0.10,
        "double_share": 0.20,
        "late_share": 0.10,
        "late_within_s": 86_400.0,
        # Callbacks of orders that are paid within so long of each other come in any order.
        "disorder_s": 8.0,
        "forge_share": 0.01,
    }
)
# Of the questions to providers.
QUESTION_FAULTS: Final[Mapping[str, float]] = MappingProxyType(
    {"server_error": 0.04, "html": 0.02, "wrong_signature": 0.02, "error_200": 0.02}
)
# Half of China's small shops are paid so; the rest is there to be wrong in another way each.
PROVIDERS: Final[Mapping[str, int]] = MappingProxyType(
    {"wechatpay": 40, "alipay": 35, "unionpay": 15, "stripe": 10}
)
VICTIMS: Final = ("gateway", "service", "relay", "streams", "connectors")

# Of the orders: those that nobody pays, which is what forgers would change.
UNPAID_SHARE: Final = 0.05
# A buyer takes so long from the shop's page to the password.
PAYS_WITHIN_S: Final = (3.0, 25.0)
# Of the shops' messages: those that come in the wrong order, or long after the money.
SWAPPED_SHARE: Final = 0.10
BELATED_SHARE: Final = 0.05
BELATED_BY_S: Final = (20.0, 40.0)


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a storm is, and how hard."""

    seed: int
    orders: int
    kills: int
    per_second: float
    """Orders in a second of real time: what the machine under test can carry."""
    speed: float
    """Provider seconds in a second."""
    database_down_s: float
    """Provider time."""

    @property
    def lasts_s(self) -> float:
        """Provider time over which orders come."""
        return self.orders / self.per_second * self.speed


@dataclass(frozen=True, slots=True)
class Purchase:
    """One order, as its buyer and its shop act."""

    number: str
    """Ours, which the provider is given."""
    shop_number: str
    """The channel's."""
    provider: str
    amount_minor: int
    begins_s: float
    pays_after_s: float | None
    """From the begin; None: never."""
    is_swapped: bool
    """Whether the shop tells first that payment began, then that there is an order."""
    belated_by_s: float
    """How much later than the payment's begin the shop tells that there is an order."""

    @property
    def currency(self) -> str:
        """In which it is paid."""
        return "EUR" if self.provider == "stripe" else "CNY"


@dataclass(frozen=True, slots=True)
class Kill:
    """A process that is killed at a moment."""

    at_s: float
    victim: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is going to happen."""

    shape: Shape
    purchases: tuple[Purchase, ...]
    kills: tuple[Kill, ...]
    database_down_at_s: float
    faults: Mapping[str, float] = field(default_factory=lambda: FAULTS)


def plan(shape: Shape) -> Plan:
    """Draw a storm of this shape."""
    dice = random.Random(f"storm/{shape.seed}")  # noqa: S311  # Nothing secret is drawn.
    purchases = tuple(_purchase(dice, shape, index) for index in range(shape.orders))
    return Plan(shape, purchases, _kills(dice, shape), shape.lasts_s * dice.uniform(0.45, 0.55))


def _purchase(dice: random.Random, shape: Shape, index: int) -> Purchase:
    # Each is drawn whether or not it is used, so that one share does not turn another's dice.
    unpaid, swapped, belated = (dice.random() for _ in range(3))
    pays_after_s, belated_by_s = dice.uniform(*PAYS_WITHIN_S), dice.uniform(*BELATED_BY_S)
    [provider] = dice.choices(list(PROVIDERS), list(PROVIDERS.values()))
    return Purchase(
        number=f"S{shape.seed % 10**6:06d}{index:08d}",
        shop_number=f"mini-{shape.seed}-{index}",
        provider=provider,
        amount_minor=dice.randrange(100, 100_000),
        begins_s=index * shape.speed / shape.per_second,
        pays_after_s=None if unpaid < UNPAID_SHARE else pays_after_s,
        is_swapped=swapped < SWAPPED_SHARE,
        belated_by_s=belated_by_s if belated < BELATED_SHARE else 0.0,
    )


def _kills(dice: random.Random, shape: Shape) -> tuple[Kill, ...]:
    """Kill everybody in turn, in an order and at moments that are drawn.

    In turn, because five ends of one process within two minutes are, rightly, taken for a fault
    that starting it again does not heal.
    """
    victims: list[str] = []
    while len(victims) < shape.kills:
        victims += dice.sample(VICTIMS, len(VICTIMS))
    slot_s = shape.lasts_s / (shape.kills + 1)
    return tuple(
        Kill((index + 0.5 + dice.random() * 0.8) * slot_s, victim)
        for index, victim in enumerate(victims[: shape.kills])
    )

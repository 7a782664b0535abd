"""How fast each account is asked, and when it is left alone.

Providers count questions by merchant, and punish whoever asks too often. A provider that fails is
asked less and less, one question at a time, so that its silence costs nobody else's turn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

Monotonic = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Rate:
    """How many questions a second an account stands, and how many at once."""

    per_s: float
    burst: int


# A tenth or less of what providers publish, or of what merchants report: callbacks bring nearly
# everything, and a probe that waits a second longer loses nothing. 20 a second work off 100,000
# open orders within 84 minutes; Stripe's test mode stands 25.
RATES: Final[Mapping[str, Rate]] = MappingProxyType(
    {
        "wechatpay": Rate(20.0, 40),
        "alipay": Rate(20.0, 40),
        "unionpay": Rate(10.0, 20),
        "stripe": Rate(15.0, 20),
    }
)

# One lost answer is weather; five in a row are an outage.
FAILURES_MAX: Final = 5
# 1, 2, 4 … 30 s: a provider that comes back is noticed within half a minute.
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0
# Where a provider throttles and names no pause.
THROTTLED_PAUSE_S: Final = 5.0


@dataclass(slots=True)
class Bucket:
    """Lets through so many questions a second, and a few more after a rest."""

    rate: Rate
    monotonic: Monotonic
    _tokens: float = field(init=False)
    _counted_at: float = field(init=False)

    def __post_init__(self) -> None:
        """Begin full."""
        self._tokens = float(self.rate.burst)
        self._counted_at = self.monotonic()

    def take(self) -> float:
        """Take one turn, and return in how many seconds it comes."""
        now = self.monotonic()
        refilled = self._tokens + (now - self._counted_at) * self.rate.per_s
        self._tokens = min(float(self.rate.burst), refilled) - 1
        self._counted_at = now
        return max(0.0, -self._tokens / self.rate.per_s)


@dataclass(slots=True)
class Patience:
    """Knows how an account's provider fared of late, and when to ask it again."""

    monotonic: Monotonic
    longest_s: float = LONGEST_PAUSE_S
    failures: int = 0
    """In a row."""
    _paused_until: float = 0.0

    @property
    def pause_s(self) -> float:
        """Return how long it is to be left alone from here; 0 where it may be asked."""
        return max(0.0, self._paused_until - self.monotonic())

    @property
    def is_failing(self) -> bool:
        """Return whether it is asked one question at a time."""
        return self.failures >= FAILURES_MAX

    def answered(self) -> None:
        """Note that it does its work."""
        self.failures = 0

    def failed(self) -> None:
        """Note that it could not be reached, or failed.

        What was under way when a pause began tells nothing more.
        """
        if self.pause_s:
            return
        self.failures += 1
        if self.is_failing:
            beyond = min(self.failures - FAILURES_MAX, 10)
            self._pause(min(FIRST_PAUSE_S * 2**beyond, self.longest_s))

    def throttled(self, retry_after_s: int) -> None:
        """Note that it wants fewer questions."""
        self._pause(float(retry_after_s) or min(THROTTLED_PAUSE_S, self.longest_s))

    def _pause(self, seconds: float) -> None:
        self._paused_until = max(self._paused_until, self.monotonic() + seconds)


@dataclass(slots=True)
class Line:
    """The way to one account: its pace, and our patience with it."""

    bucket: Bucket
    patience: Patience


class Lines:
    """The lines to all accounts of one provider, made when they are first needed."""

    def __init__(
        self, rate: Rate, monotonic: Monotonic, longest_pause_s: float = LONGEST_PAUSE_S
    ) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._longest_pause_s = longest_pause_s
        self._lines: dict[str, Line] = {}

    def to(self, account: str) -> Line:
        """Return the line to an account."""
        if account not in self._lines:
            self._lines[account] = Line(
                Bucket(self._rate, self._monotonic),
                Patience(self._monotonic, self._longest_pause_s),
            )
        return self._lines[account]

    def pause_s(self, accounts: list[str]) -> float:
        """Return how long every one of the accounts is to be left alone; 0 where one is not."""
        return min((self.to(account).patience.pause_s for account in accounts), default=0.0)

    def are_failing(self, accounts: list[str]) -> bool:
        """Return whether each of the accounts fails, so that one question is enough."""
        return all(self.to(account).patience.is_failing for account in accounts)


def whole_seconds(seconds: float) -> int:
    """Return a pause as reports carry it; less than a second is none."""
    return math.ceil(seconds) if seconds >= 1 else 0

"""Channel health: what came in over each channel, and what became of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

_MS: Final = timedelta(milliseconds=1)


@dataclass(slots=True)
class ChannelNumbers:
    """Numbers of one channel; they add up over minutes."""

    receipts: int = 0
    facts: int = 0
    duplicates: int = 0
    rejects: int = 0
    contradictions: int = 0
    delay_sum_ms: int = 0
    delayed: int = 0
    newest_event_at: datetime | None = None

    def merge(self, other: "ChannelNumbers") -> None:
        """Add all that the other counted."""
        self.receipts += other.receipts
        self.facts += other.facts
        self.duplicates += other.duplicates
        self.rejects += other.rejects
        self.contradictions += other.contradictions
        self.delay_sum_ms += other.delay_sum_ms
        self.delayed += other.delayed
        self.newest_event_at = _newest(self.newest_event_at, other.newest_event_at)

    def weigh(self, outcome: "WeighedReceipt") -> None:
        """Count what became of one receipt."""
        self.facts += outcome.facts
        self.rejects += outcome.is_rejected
        self.contradictions += outcome.contradictions
        if outcome.event_at is not None:
            # A source whose clock runs ahead is not early: it is on time.
            self.delay_sum_ms += max(0, (outcome.received_at - outcome.event_at) // _MS)
            self.delayed += 1
            self.newest_event_at = _newest(self.newest_event_at, outcome.event_at)


@dataclass(frozen=True, slots=True)
class WeighedReceipt:
    """What became of one receipt; `event_at` is when the newest of its facts happened."""

    received_at: datetime
    event_at: datetime | None
    facts: int
    contradictions: int
    is_rejected: bool


@dataclass(frozen=True, slots=True)
class ArrivedReceipt:
    """One receipt, how often it came again, and what became of it if it was weighed."""

    channel: str
    repeats: int
    weighed: WeighedReceipt | None


def count(arrived: Iterable[ArrivedReceipt]) -> dict[str, ChannelNumbers]:
    """Return the numbers of each channel. A repeat counts where the receipt first arrived."""
    channels: dict[str, ChannelNumbers] = {}
    for each in arrived:
        numbers = channels.setdefault(each.channel, ChannelNumbers())
        numbers.receipts += 1
        numbers.duplicates += each.repeats
        if each.weighed is not None:
            numbers.weigh(each.weighed)
    return channels


def _newest(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return max(one, other)

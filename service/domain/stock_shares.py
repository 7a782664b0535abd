"""How an article is divided among channels: by shares, or all of it as one pool.

What is divided is what lies there and what has gone since: a parcel that leaves takes nothing from
the others' shares, and what comes is divided as what was there. A channel has its share less what
it had of it. Nothing here gives pieces away that are not there: stock is asked beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

WHOLE: Final = 100
# The name of what all channels without a share of their own have together.
OTHERS: Final = ""


@dataclass(frozen=True, slots=True)
class Share:
    """One channel's part of an article, and what it had of it: reserved or gone."""

    channel: str
    percent: int
    used: int = 0


@dataclass(frozen=True, slots=True)
class Allocation:
    """How one article is divided."""

    sku: str
    set_at: datetime
    # By channel, that of all others among them.
    shares: tuple[Share, ...]
    # Pieces that have gone since it is divided.
    gone: int = 0

    def share_of(self, channel: str) -> Share:
        """Return the share from which a channel has its pieces."""
        named = {each.channel: each for each in self.shares}
        return named.get(channel, named[OTHERS])

    def entitled(self, channel: str, on_hand: int) -> int:
        """Return how many pieces a channel's share is, of all that is divided.

        Cut where the cumulated percentages are, so that the parts add up to the whole.
        """
        whole, own = on_hand + self.gone, self.share_of(channel)
        until = 0
        for each in self.shares:
            until += each.percent
            if each is own:
                break
        return whole * until // WHOLE - whole * (until - own.percent) // WHOLE

    def free(self, channel: str, on_hand: int) -> int:
        """Return how many pieces a channel can still have by its share; perhaps none are there."""
        return max(self.entitled(channel, on_hand) - self.share_of(channel).used, 0)

    def having(self, channel: str, pieces: int) -> "Allocation":
        """Return the division after a channel was promised pieces; negative: gave them back."""
        own = self.share_of(channel)
        after = replace(own, used=max(own.used + pieces, 0))
        return replace(self, shares=tuple(after if each is own else each for each in self.shares))

    def taken(self, pieces: int) -> "Allocation":
        """Return the division after pieces left."""
        return replace(self, gone=self.gone + pieces)


def divided(
    sku: str, percents: Mapping[str, int], held: Mapping[str, int], *, at: datetime
) -> Allocation:
    """Return a fresh division, in which what orders hold is had already.

    `percents` are those of channels with a share of their own; at most 100 together.
    """
    rest = WHOLE - sum(percents.values())
    others = sum(count for channel, count in held.items() if channel not in percents)
    own = [
        Share(channel, percent, held.get(channel, 0))
        for channel, percent in sorted(percents.items())
    ]
    return Allocation(sku, at, (*own, Share(OTHERS, rest, others)))


def lacking(
    asked: Mapping[str, int],
    on_hand: Mapping[str, int],
    allocations: Sequence[Allocation],
    channel: str,
) -> dict[str, int]:
    """Return what a channel's shares do not suffice for, by article."""
    found = {}
    for each in allocations:
        free = each.free(channel, on_hand.get(each.sku, 0))
        if each.sku in asked and free < asked[each.sku]:
            found[each.sku] = asked[each.sku] - free
    return found

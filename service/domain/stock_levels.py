"""What a channel may still sell of an item: the number that it can show its buyers.

Of each article it may have what is free and what its share allows, whichever is less; of an item
as many as the scarcest of its articles allows. Nothing is set aside by that: two channels may read
the last piece, and whoever is paid first has it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.domain.stock_names import sellable
from service.domain.stock_shares import Allocation


@dataclass(frozen=True, slots=True)
class Shelves:
    """What lies of one article in all warehouses together, and what of it is free."""

    on_hand: int
    available: int


@dataclass(frozen=True, slots=True)
class Level:
    """What a channel may still sell of one of its items."""

    channel: str
    channel_sku: str
    # None where of one of its articles no stock is kept: nobody knows.
    sellable: int | None
    # The article that is scarcest, or of which no stock is kept.
    sku: str


def level_of(
    channel: str,
    channel_sku: str,
    parts: Sequence[tuple[str, int]],
    shelves: Mapping[str, Shelves],
    allocations: Mapping[str, Allocation],
) -> Level:
    """Return what a channel may still sell of an item, by what lies there of its articles."""

    def free(sku: str) -> int:
        there, divided = shelves[sku], allocations.get(sku)
        if divided is None:
            return there.available
        return min(there.available, divided.free(channel, there.on_hand))

    unknown = [sku for sku, _ in parts if sku not in shelves]
    if unknown:
        return Level(channel, channel_sku, None, unknown[0])
    return Level(channel, channel_sku, *sellable(parts, free))

"""What channels call things, and of which articles of ours these consist.

A channel of which no item is mapped speaks of our articles by our names. From its first mapping on
its items are known by their mappings, or by the name of an article of which stock is kept; what is
neither is unmapped: its orders are kept and wait, and somebody is told.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from service.domain.facts import OrderLine
from service.domain.stock import needs

# Cases of items that nobody mapped.
UNMAPPED_CASE = "SKU_UNMAPPED"


@dataclass(frozen=True, slots=True)
class SkuMapping:
    """Of which articles one item of a channel consists."""

    channel: str
    channel_sku: str
    # (article, pieces) of each, by article.
    parts: tuple[tuple[str, int], ...]
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class UnmappedSku:
    """An item that orders name and nobody mapped."""

    channel: str
    channel_sku: str
    # Which case tells of it, and the order that was the first to name it.
    case_id: str
    order_id: str
    found_at: datetime


@dataclass(frozen=True, slots=True)
class Names:
    """What is known of a channel's items, as far as somebody asked."""

    # Whether the channel has names of its own.
    is_mapped: bool = False
    parts: Mapping[str, tuple[tuple[str, int], ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    # Those that are names of articles of which stock is kept.
    kept: frozenset[str] = frozenset()


OWN_NAMES = Names()


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked of the stock, by article; and items of which nobody knows what they are."""

    pieces: Mapping[str, int]
    unmapped: tuple[str, ...] = ()


def demand(lines: Iterable[OrderLine], names: Names = OWN_NAMES) -> Demand:
    """Return how many pieces of which articles the lines ask for."""
    asked: dict[str, int] = {}
    unmapped = []
    for item, count in needs(lines).items():
        parts = names.parts.get(item, ())
        if not parts and names.is_mapped and item not in names.kept:
            unmapped.append(item)
        for sku, pieces in parts or ((item, 1),):
            asked[sku] = asked.get(sku, 0) + count * pieces
    return Demand(dict(sorted(asked.items())), tuple(unmapped))


def waits_for_mapping(channel: str, item: str) -> str:
    """Return the word under which orders wait until an item is mapped; no article is called so."""
    return f"\t{channel}\t{item}"


def sellable(parts: Sequence[tuple[str, int]], free: Callable[[str], int]) -> tuple[int, str]:
    """Return how many items can be sold of what is free, and the article that is scarcest."""
    return min((max(free(sku), 0) // pieces, sku) for sku, pieces in parts)

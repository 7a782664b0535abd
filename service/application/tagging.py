"""Puts tags on orders and takes them off, many at once: what batches find orders by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from service.application.ports import Encoder, Unit
from service.application.recording import Decided, record
from service.domain.changes import Change, ChangeKind, Named
from service.domain.facts import OrderRef
from service.domain.journal import Origin
from service.domain.order import Order


@dataclass(frozen=True, slots=True)
class TagChange:
    """Which tag, on which orders, by whom and why."""

    tag: str
    orders: tuple[str, ...]
    refs: tuple[OrderRef, ...]
    origin: Origin
    source: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tagged:
    """What became of the orders that were named."""

    changed: int
    unchanged: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tagging:
    """Changes tags within one transaction."""

    unit: Unit
    encoder: Encoder
    at: datetime

    def add(self, asked: TagChange) -> Tagged:
        """Put the tag on the orders; those that have it, or are not there, are told and left."""
        return self._change(asked, "ADDED", lambda each: each.tagged(asked.tag, at=self.at))

    def remove(self, asked: TagChange) -> Tagged:
        """Take the tag off the orders, in the same way."""
        return self._change(asked, "REMOVED", lambda each: each.untagged(asked.tag, at=self.at))

    def _change(self, asked: TagChange, act: str, change: Callable[[Order], Order]) -> Tagged:
        owners = self.unit.owners_of(asked.refs)
        named = {*asked.orders, *owners.values()}
        dossiers = self.unit.open_dossiers(sorted(named))
        found = [each.order for each in dossiers.values() if each.order is not None]
        pairs = [(before, change(before)) for before in found]
        decided = [
            Decided(order=after, changes=((_row(before, after, asked, act), asked.origin),))
            for before, after in pairs
            if before is not after
        ]
        record(self.unit, decided, encoder=self.encoder, at=self.at)
        return Tagged(
            changed=len(decided),
            unchanged=len(found) - len(decided),
            missing=_missing(asked, owners, {each.order_id for each in found}),
        )


def _missing(asked: TagChange, owners: dict[OrderRef, str], found: set[str]) -> tuple[str, ...]:
    unknown = [f"{each.namespace}:{each.value}" for each in asked.refs if each not in owners]
    return (*(each for each in asked.orders if each not in found), *unknown)


def _row(before: Order, after: Order, asked: TagChange, act: str) -> Change:
    return Change(
        kind=ChangeKind.TAGS_CHANGED,
        detail=Named(asked.tag, act),
        occurred_at=after.updated_at,
        source=asked.source,
        old=_joined(before.tags),
        new=_joined(after.tags),
        reason=asked.reason,
    )


def _joined(tags: Sequence[str]) -> str:
    return ",".join(tags)

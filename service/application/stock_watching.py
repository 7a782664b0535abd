"""Watches stock: flags what runs low, and tells those who sell elsewhere what is sold out."""

from dataclasses import dataclass, replace
from typing import Final

from service.application.ports import Clock, Storage, Unit
from service.domain.channels.feeds import OWNER as FEED_MENDERS
from service.domain.desk.notices import NoticeAsked
from service.domain.desk.taxonomy import Severity
from service.domain.stock_late import Oversale
from service.domain.stock_levels import level_of
from service.domain.stock_plans import Article, Supply, is_red

# Each is a row and at most a notice: some 2 ms.
FLAGGED_MOST: Final = 100
TOLD_MOST: Final = 20
# Who sells, where a channel's feeds name nobody else.
SELLERS: Final = "operations"


@dataclass(frozen=True, slots=True)
class StockWatching:
    """What the clockwork does for stock that runs low, or has run out unseen."""

    storage: Storage
    clock: Clock

    def flag_articles(self) -> int:
        """Flag articles that run low with nothing planned, and take back flags; return how many."""

        def work(unit: Unit) -> int:
            now = self.clock()
            turned = unit.turned_articles(now, most=FLAGGED_MOST)
            for article, supply in turned:
                red = is_red(article, supply)
                flagged = replace(article, red_since=now if red else None)
                unit.keep_article(flagged)
                if red:
                    unit.queue_notices([_low(flagged, supply)], at=now)
            return len(turned)

        return self.storage.transact(work)

    def tell_oversales(self) -> int:
        """Tell those who sell elsewhere what late orders found gone; return how many oversales."""

        def work(unit: Unit) -> int:
            now = self.clock()
            found = unit.tell_oversales(now, most=TOLD_MOST)
            # How articles are divided is locked one after another: sorted, as everybody does.
            for each in sorted(found, key=lambda each: each.sku):
                unit.queue_notices([_sold_out(each), *_to_stop(unit, each)], at=now)
            return len(found)

        return self.storage.transact(work)


def _low(article: Article, supply: Supply) -> NoticeAsked:
    since = article.red_since.isoformat() if article.red_since else ""
    return NoticeAsked(
        key=f"low_stock|{article.sku}|{since}",
        template="low_stock",
        recipient=f"role:{article.owner_role}",
        values={
            "sku": article.sku,
            "available": str(supply.available),
            "level": str(article.safety_level),
        },
        severity=Severity.HIGH,
    )


def _sellers(unit: Unit, channel: str) -> list[str]:
    """Return the roles that sell at a channel: whoever was made the owner of its feeds.

    Who mends a feed that has no owner of its own does not sell there.
    """
    owners = [each for each in unit.feed_owners(channel) if each != FEED_MENDERS]
    return owners or [SELLERS]


def _key(oversale: Oversale) -> str:
    told = oversale.told_at.isoformat() if oversale.told_at else ""
    return f"oversold|{oversale.sku}|{oversale.channel}|{told}"


def _sold_out(oversale: Oversale) -> NoticeAsked:
    return NoticeAsked(
        key=_key(oversale),
        template="oversold",
        recipient=f"role:{SELLERS}",
        values={
            "sku": oversale.sku,
            "channel": oversale.channel,
            "orders": str(oversale.orders),
            "pieces": str(oversale.pieces),
            "hours": str(int(oversale.late.total_seconds()) // 3600),
        },
        case_id=oversale.cases[0] if oversale.cases else "",
        severity=Severity.CRITICAL,
    )


def _to_stop(unit: Unit, oversale: Oversale) -> list[NoticeAsked]:
    """Return what the sellers of each other channel are told: to stop, and what it can have."""
    sku = oversale.sku
    shelves = unit.shelves([sku])
    allocations = {each.sku: each for each in unit.lock_allocations([sku])}
    asked = []
    for other in unit.selling(sku):
        if other == oversale.channel:
            continue
        left = level_of(other, sku, ((sku, 1),), shelves, allocations).sellable
        asked += [
            NoticeAsked(
                key=f"{_key(oversale)}|{other}|{role}",
                template="stop_selling",
                recipient=f"role:{role}",
                values={
                    "sku": sku,
                    "channel": oversale.channel,
                    "pieces": str(oversale.pieces),
                    "other": other,
                    **({} if left is None else {"left": str(left)}),
                },
                severity=Severity.HIGH,
            )
            for role in _sellers(unit, other)
        ]
    return asked

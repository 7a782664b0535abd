"""Asks channels again for what we lack of a shop's day."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from service.application.feed_register import FeedRegister
from service.application.ports import Unit
from service.domain.journal import Origin
from service.domain.reconciling.statements import ShopDay

# Asks for a shop's orders of a time once more; tells whether anybody can be asked.
AskAgain = Callable[[Unit, ShopDay, datetime, datetime, datetime], bool]

_RECONCILIATION: Final = Origin("reconciliation", "system")


def nobody(*_: object) -> bool:
    """Ask no channel."""
    return False


def ask_feeds(unit: Unit, of: ShopDay, begin: datetime, end: datetime, at: datetime) -> bool:
    """Let every feed of the shop that is pulled be asked for a time, by its next worker."""
    until = min(end, at)
    if until <= begin:
        # The day is still to come: nobody can have sold on it.
        return False
    register = FeedRegister(unit, _RECONCILIATION, at)
    asked = [each for each in unit.feeds_of(of.channel, of.shop) if each.is_asked]
    for feed in asked:
        register.start_run(feed.feed_id, begin, until)
    return bool(asked)

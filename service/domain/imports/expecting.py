"""Which file should be here by now: each day's, at an hour of the shop's own clock."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum, unique
from typing import Final
from zoneinfo import ZoneInfo

# A service that was away for a week asks for what it missed; an alert mends nothing older.
LOOK_BACK: Final = timedelta(days=7)
# Whoever brings the file at the hour it is due has this long before somebody is told.
GRACE: Final = timedelta(minutes=30)


@unique
class ExpectedState(Enum):
    """Whether a file came; the names are those of `ExpectedFile.State`."""

    AWAITED = "AWAITED"
    MISSING = "MISSING"
    CAME = "CAME"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFeed:
    """What the channel register says of a feed that brings a file for each day."""

    feed_id: str
    channel: str
    shop: str
    template: str
    zone: str
    owner: str
    # At this hour of the zone's clock, so many days after its day.
    due: time
    days_after: int
    begins_at: datetime

    def due_at(self, day: date) -> datetime:
        """Return when the file of a day should be here."""
        # An hour that a clock skips, or has twice, is the one before the change (PEP 495).
        local = datetime.combine(
            day + timedelta(days=self.days_after), self.due, ZoneInfo(self.zone)
        )
        return local.astimezone(UTC)

    def day_of(self, moment: datetime) -> date:
        """Return the shop's day in which a moment lies."""
        return moment.astimezone(ZoneInfo(self.zone)).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedFile:
    """A file that a feed brings for a day."""

    feed_id: str
    day: date
    channel: str
    shop: str
    template: str
    owner: str
    due_at: datetime
    state: ExpectedState = ExpectedState.AWAITED
    import_id: str = ""
    missed_at: datetime | None = None

    @property
    def key(self) -> str:
        """Names it for alerts and cases: one each."""
        return f"{self.feed_id}/{self.day.isoformat()}"

    def came(self, import_id: str) -> "ExpectedFile":
        """Return it as it came."""
        return replace(self, state=ExpectedState.CAME, import_id=import_id)

    def is_late(self, now: datetime) -> bool:
        """Tell whether its owner must hear that it is not here."""
        return self.state is ExpectedState.AWAITED and now >= self.due_at + GRACE

    def missed(self, *, at: datetime) -> "ExpectedFile":
        """Return it as one that is not here."""
        return replace(self, state=ExpectedState.MISSING, missed_at=at)


def expected(feed: FileFeed, now: datetime) -> Iterator[ExpectedFile]:
    """Return every file of the last week that should be here by now, oldest first.

    The first is that of the day on which the feed begins.
    """
    day = max(feed.day_of(feed.begins_at), feed.day_of(now - LOOK_BACK))
    while (due_at := feed.due_at(day)) <= now:
        yield ExpectedFile(
            feed_id=feed.feed_id,
            day=day,
            channel=feed.channel,
            shop=feed.shop,
            template=feed.template,
            owner=feed.owner,
            due_at=due_at,
        )
        day += timedelta(days=1)

"""What the register of channels needs within a transaction, as a Protocol of plain values."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from service.domain.channels.feeds import Feed
from service.domain.channels.incidents import Incident, Missed
from service.domain.channels.rhythm import Rhythm
from service.domain.channels.runs import Run, Seen
from service.domain.facts import OrderRef


class FeedPart(Protocol):
    """The part of a transaction that knows feeds. Their locks come before those of orders."""

    def add_feed(self, feed: Feed) -> None:
        """Store a fresh feed, or raise `FeedExistsError`."""

    def lock_feed(self, feed_id: str) -> Feed:
        """Lock and return a feed, or raise `FeedNotFoundError`. Its runs are locked with it."""

    def feeds_of(self, channel: str, shop: str) -> list[Feed]:
        """Return the feeds of a shop, by name; unlocked."""

    def claim_feeds(self, platforms: Sequence[str], now: datetime, *, most: int) -> list[Feed]:
        """Lock and return feeds of which something may be asked, longest due first.

        Such as somebody else has locked are passed over.
        """

    def save_feed(self, feed: Feed, wake_at: datetime | None) -> None:
        """Store a (locked) feed, and from when something of it may be claimed."""

    def run_owner(self, run_id: str) -> str:
        """Return whose run it is, or raise `RunNotFoundError`."""

    def run_of(self, run_id: str) -> Run:
        """Return a run (of a locked feed), or raise `RunNotFoundError`."""

    def open_runs(self, feed_id: str) -> list[Run]:
        """Return the runs of a (locked) feed that have not ended, oldest first."""

    def last_poll(self, feed_id: str) -> Run | None:
        """Return the newest completed regular run of a feed."""

    def save_feed_runs(self, runs: Sequence[Run]) -> None:
        """Store runs of locked feeds."""

    def known_orders(self, refs: Sequence[OrderRef], before: datetime) -> set[OrderRef]:
        """Return which orders we knew of before then."""

    def keep_missed(self, run: Run, missed: Sequence[Seen], *, at: datetime) -> int:
        """Write down which orders had not come, each once ever; return how many were added."""

    def give_missed(self, run_id: str, incident_id: str) -> None:
        """Let what a run found missing belong to an incident."""

    def missed_of(self, incident_id: str) -> Missed:
        """Return what was missing, of an incident."""

    def find_incident(self, incident_id: str) -> Incident:
        """Return an incident (of a locked feed), or raise `IncidentNotFoundError`."""

    def save_incident(self, incident: Incident) -> None:
        """Store an incident of a locked feed."""

    def count_arrivals(self, feed_id: str, hour: datetime, count: int) -> None:
        """Add to what came in an hour."""

    def rhythm_of(self, feed: Feed, now: datetime) -> Rhythm:
        """Return what is usual for a feed."""

    def watched_feeds(self, after: str, now: datetime, *, most: int) -> list[Feed]:
        """Lock and return active feeds that nobody looked at for a while, by name.

        Such as somebody else has locked are passed over.
        """

    def count_pushed(self, feed: Feed, now: datetime) -> datetime | None:
        """Count what came for a feed since this was last counted; return when the newest came."""

    def forget_runs(self, before: datetime, *, most: int) -> int:
        """Delete runs that ended before then; return how many."""

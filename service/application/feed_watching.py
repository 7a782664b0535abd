"""Watches feeds from the clockwork: counts what comes by itself, and tells of silences.

Several processes do no harm to each other: a feed is locked while it is looked at.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from service.application.feed_running import open_gap
from service.application.ports import Clock, Encoder, Storage, Unit
from service.domain.channels import incidents, planning
from service.domain.channels.feeds import Feed, Mode
from service.domain.terms import USUAL, Terms

# Each is a row and a month of hours: well under a second.
LOOKED_MOST: Final = 50
# What was asked two months ago explains nothing any more.
RUNS_KEPT: Final = timedelta(days=60)
FORGOTTEN_MOST: Final = 1_000


@dataclass(frozen=True, slots=True)
class FeedWatch:
    """Looks at feeds, a bounded claim at a time."""

    storage: Storage
    encoder: Encoder
    clock: Clock
    terms: Terms = USUAL

    def look(self) -> int:
        """Look at feeds that nobody looked at for a minute; return how many."""

        def work(unit: Unit) -> int:
            now = self.clock()
            feeds = unit.watched_feeds("", now, most=LOOKED_MOST)
            for feed in feeds:
                self._look_at(unit, feed, now)
            return len(feeds)

        return self.storage.transact(work)

    def forget(self) -> int:
        """Delete runs that are long over, a bounded number at a time; return how many."""

        def work(unit: Unit) -> int:
            return unit.forget_runs(self.clock() - RUNS_KEPT, most=FORGOTTEN_MOST)

        return self.storage.transact(work)

    def _look_at(self, unit: Unit, feed: Feed, now: datetime) -> None:
        progress = replace(feed.progress, watched_at=now)
        if feed.mode is not Mode.PULL:
            newest = unit.count_pushed(feed, now)
            known = progress.last_new_at
            if newest is not None and (known is None or newest > known):
                progress = replace(progress, last_new_at=newest)
        feed = replace(feed, progress=progress)
        if feed.mode in (Mode.PUSH, Mode.PULL):
            self._tell_of_silence(unit, feed, now)
        unit.save_feed(feed, planning.wake_at(feed, unit.open_runs(feed.feed_id)))

    def _tell_of_silence(self, unit: Unit, feed: Feed, now: datetime) -> None:
        """Tell once of each silence that is longer than is usual at its hours.

        Where an incident is open, the feed's orders are known not to come by its polls.
        """
        since = feed.progress.last_new_at
        if since is None or feed.progress.incident_id:
            return
        rhythm = unit.rhythm_of(feed, now)
        usual = rhythm.expected(since, now)
        if not rhythm.is_silent(since, at=now):
            return
        about = f"silent|{since.isoformat()}"
        case_id = open_gap(unit, feed, about, self.encoder, self.terms, now)
        notice = incidents.silent_notice(feed, since=since, usual=usual, case_id=case_id)
        unit.queue_notices([notice], at=now)

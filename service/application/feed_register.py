"""Registers feeds and changes what is said of them: each act in the transaction of its request."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from service.application.ports import Unit
from service.domain.channels import planning
from service.domain.channels.feeds import Feed
from service.domain.channels.planning import Window
from service.domain.channels.runs import Purpose, Run
from service.domain.errors import InvalidRequestError
from service.domain.journal import Origin


@dataclass(frozen=True, slots=True)
class FeedRegister:
    """Acts on feeds within one transaction, on behalf of one caller."""

    unit: Unit
    origin: Origin
    at: datetime

    def create(self, feed: Feed) -> Feed:
        """Register a feed, or raise `FeedExistsError`."""
        self.unit.add_feed(feed)
        return self._saved(feed)

    def update(self, feed_id: str, fields: Mapping[str, object], etag: str) -> Feed:
        """Change what is said of a feed.

        Raises:
            FeedNotFoundError: there is no such feed.
            FeedChangedError: somebody else changed it first.
        """
        feed = self.unit.lock_feed(feed_id)
        feed.refuse_stale(etag)
        changed = feed.changed(self.at, **fields)
        due = min(changed.progress.due_at, self.at + changed.schedule.interval)
        return self._saved(replace(changed, progress=replace(changed.progress, due_at=due)))

    def pause(self, feed_id: str) -> Feed:
        """Let it be, or raise `FeedNotFoundError`, `FeedNotInStateError`."""
        return self._saved(self.unit.lock_feed(feed_id).paused(at=self.at))

    def resume(self, feed_id: str) -> Feed:
        """Let it go on, or raise `FeedNotFoundError`, `FeedNotInStateError`."""
        return self._saved(self.unit.lock_feed(feed_id).resumed(at=self.at))

    def start_run(self, feed_id: str, start: datetime | None, end: datetime | None) -> Run:
        """Ask a feed for a window as soon as a connector has time.

        Raises:
            FeedNotFoundError, FeedNotPulledError, FeedNotInStateError.
            InvalidRequestError: the window is empty.
        """
        feed = self.unit.lock_feed(feed_id)
        feed.refuse_unpulled()
        start = start or feed.progress.cursor_at - feed.limits.overlap
        end = end or self.at - feed.limits.lag
        if start >= end:
            raise InvalidRequestError((("window_end_time", "send a time after the start"),))
        fresh = planning.fresh_run(feed, Purpose.BY_HAND, Window(start, end), at=self.at)
        run = replace(fresh, actor=self.origin.actor)
        self.unit.save_feed_runs([run])
        self._saved(feed)
        return run

    def _saved(self, feed: Feed) -> Feed:
        open_runs = self.unit.open_runs(feed.feed_id)
        self.unit.save_feed(feed, planning.wake_at(feed, open_runs))
        return feed

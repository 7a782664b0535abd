"""Feeds, their runs and incidents in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from service.domain.channels.errors import (
    FeedExistsError,
    FeedNotFoundError,
    IncidentNotFoundError,
    RunNotFoundError,
)
from service.domain.channels.feeds import Feed, FeedState
from service.domain.channels.incidents import EXAMPLES, Incident, Missed
from service.domain.channels.rhythm import Rhythm
from service.domain.channels.runs import Purpose, Run, RunState, Seen
from service.domain.facts import OrderRef
from service.postgres.feed_rows import WATCHED_EVERY, counted_between
from tests.fake_rows import Table, Undo


@dataclass(frozen=True, slots=True)
class KeptMissed:
    """An order that had not come, by which run it was found, and of which incident it is."""

    seen: Seen
    run_id: str
    incident_id: str


class FeedTables:
    """What is stored of feeds."""

    def __init__(self, undo: Undo) -> None:
        self.feeds: Table[str, Feed] = Table(undo)
        self.wakes: Table[str, datetime | None] = Table(undo)
        self.runs: Table[str, Run] = Table(undo)
        # Those of them that have not ended, and the newest poll of each feed.
        self.open: Table[str, Run] = Table(undo)
        self.polls: Table[str, Run] = Table(undo)
        self.incidents: Table[str, Incident] = Table(undo)
        self.missed: Table[tuple[str, OrderRef], KeptMissed] = Table(undo)
        self.arrivals: Table[tuple[str, datetime], int] = Table(undo)
        # From when orders are known.
        self.known: Table[OrderRef, datetime] = Table(undo)


class FakeFeedUnit:
    """Implements `service.application.feed_ports.FeedPart`."""

    @property
    def _all(self) -> Any:  # noqa: ANN401  # FakeUnit's tables, of which these are a part
        return self.tables  # type: ignore[attr-defined]

    @property
    def _feeds(self) -> FeedTables:
        tables: FeedTables = self._all.channels
        return tables

    def add_feed(self, feed: Feed) -> None:
        if feed.feed_id in self._feeds.feeds:
            raise FeedExistsError(feed=feed.feed_id)
        self._feeds.feeds[feed.feed_id] = feed

    def lock_feed(self, feed_id: str) -> Feed:
        if feed_id not in self._feeds.feeds:
            raise FeedNotFoundError(feed=feed_id)
        return self._feeds.feeds[feed_id]

    def feeds_of(self, channel: str, shop: str) -> list[Feed]:
        found = (each for each in self._feeds.feeds.values())
        chosen = [each for each in found if (each.channel, each.shop) == (channel, shop)]
        return sorted(chosen, key=lambda each: each.feed_id)

    def claim_feeds(self, platforms: Sequence[str], now: datetime, *, most: int) -> list[Feed]:
        wakes = self._feeds.wakes
        due = [
            (wake, name)
            for name, feed in self._feeds.feeds.items()
            if (wake := wakes.get(name)) and wake <= now and feed.platform in platforms
        ]
        return [self._feeds.feeds[name] for _, name in sorted(due)[:most]]

    def save_feed(self, feed: Feed, wake_at: datetime | None) -> None:
        before = self._feeds.feeds[feed.feed_id]
        assert before.progress.cursor_at <= feed.progress.cursor_at, "the cursor went back"
        self._feeds.feeds[feed.feed_id] = feed
        self._feeds.wakes[feed.feed_id] = wake_at

    def run_owner(self, run_id: str) -> str:
        return self.run_of(run_id).feed_id

    def run_of(self, run_id: str) -> Run:
        if run_id not in self._feeds.runs:
            raise RunNotFoundError(run=run_id)
        return self._feeds.runs[run_id]

    def open_runs(self, feed_id: str) -> list[Run]:
        found = [each for each in self._feeds.open.values() if each.feed_id == feed_id]
        return sorted(found, key=lambda each: (each.created_at, each.run_id))

    def last_poll(self, feed_id: str) -> Run | None:
        return self._feeds.polls.get(feed_id)

    def save_feed_runs(self, runs: Sequence[Run]) -> None:
        for each in runs:
            self._feeds.runs[each.run_id] = each
            self._feeds.open.pop(each.run_id)
            if each.is_open:
                self._feeds.open[each.run_id] = each
            if each.state is RunState.COMPLETED and each.purpose is Purpose.REGULAR:
                self._feeds.polls[each.feed_id] = each
        for each in runs:
            running = [one for one in self.open_runs(each.feed_id) if one.lease]
            assert len(running) <= 1, "two connectors ask one feed"

    def known_orders(self, refs: Sequence[OrderRef], before: datetime) -> set[OrderRef]:
        known = dict(self._feeds.known)
        begun = {row.order_id: row.recorded_at for row in self._all.journal if row.sequence == 1}
        for ref in refs:
            if since := begun.get(self._all.refs.get(ref) or ""):
                known[ref] = since
        return {each for each in refs if (since := known.get(each)) and since < before}

    def keep_missed(self, run: Run, missed: Sequence[Seen], *, at: datetime) -> int:
        fresh = {
            (run.feed_id, each.ref): KeptMissed(each, run.run_id, run.incident_id)
            for each in missed
            if (run.feed_id, each.ref) not in self._feeds.missed
        }
        self._feeds.missed.update(fresh)
        return len(fresh)

    def give_missed(self, run_id: str, incident_id: str) -> None:
        for key, each in list(self._feeds.missed.items()):
            if each.run_id == run_id and not each.incident_id:
                self._feeds.missed[key] = replace(each, incident_id=incident_id)

    def missed_of(self, incident_id: str) -> Missed:
        found = [
            each.seen for each in self._feeds.missed.values() if each.incident_id == incident_id
        ]
        moments = sorted(each.changed_at for each in found if each.changed_at)
        found.sort(key=lambda each: (each.changed_at is None, each.changed_at, each.ref.value))
        refs = tuple(each.ref for each in found[:EXAMPLES])
        ends = (moments[0], moments[-1]) if moments else (None, None)
        return Missed(len(found), refs, *ends)

    def find_incident(self, incident_id: str) -> Incident:
        if incident_id not in self._feeds.incidents:
            raise IncidentNotFoundError(incident=incident_id)
        return self._feeds.incidents[incident_id]

    def save_incident(self, incident: Incident) -> None:
        self._feeds.incidents[incident.incident_id] = incident

    def count_arrivals(self, feed_id: str, hour: datetime, count: int) -> None:
        key = (feed_id, hour)
        self._feeds.arrivals[key] = self._feeds.arrivals.get(key, 0) + count

    def rhythm_of(self, feed: Feed, now: datetime) -> Rhythm:
        hours = {
            hour: count
            for (feed_id, hour), count in self._feeds.arrivals.items()
            if feed_id == feed.feed_id
        }
        return Rhythm(feed.zone, hours, since=feed.created_at)

    def watched_feeds(self, after: str, now: datetime, *, most: int) -> list[Feed]:
        found = [
            each
            for name, each in sorted(self._feeds.feeds.items())
            if name > after
            and each.state is FeedState.ACTIVE
            and (not each.progress.watched_at or each.progress.watched_at < now - WATCHED_EVERY)
        ]
        return found[:most]

    def count_pushed(self, feed: Feed, now: datetime) -> datetime | None:
        since, until = counted_between(feed, now)
        found = [
            receipt.received_at
            for each in self._all.receipts.values()
            if since <= (receipt := each.stored.receipt).received_at < until
            and (receipt.source, receipt.template) == (feed.source, feed.template)
            and (not feed.accounts or receipt.account in feed.accounts)
        ]
        for at in found:
            hour = at.replace(minute=0, second=0, microsecond=0)
            self.count_arrivals(feed.feed_id, hour, 1)
        return max(found, default=None)

    def forget_runs(self, before: datetime, *, most: int) -> int:
        old = [
            each.run_id
            for each in self._feeds.runs.values()
            if each.ended_at and each.ended_at < before
        ][:most]
        for each in old:
            del self._feeds.runs[each]
        return len(old)

"""Locks and changes feeds, with their runs and what was found missing.

A feed's row is the lock of all that belongs to it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from service.domain.channels.errors import (
    FeedExistsError,
    FeedNotFoundError,
    IncidentNotFoundError,
    RunNotFoundError,
)
from service.domain.channels.feeds import Feed
from service.domain.channels.incidents import EXAMPLES, Incident, Missed
from service.domain.channels.rhythm import KEPT, Rhythm
from service.domain.channels.runs import Run, Seen
from service.domain.facts import OrderRef
from service.postgres import bulk, driver
from service.postgres import channel_tables as tables
from service.postgres.feed_documents import (
    feed_from,
    feed_row,
    incident_from,
    incident_row,
    missed_from,
    run_from,
    run_row,
)
from service.postgres.tables import order_refs

# Looked at each minute: a silence is told of by hours.
WATCHED_EVERY: Final = timedelta(minutes=1)
# A receipt is stored within moments after the edge took it.
SETTLED_AFTER: Final = timedelta(seconds=10)
# After a pause or a standstill of weeks, the first look must not read weeks of receipts. What is
# not counted makes a feed look quieter than it usually is, and so never silent.
COUNTED_BACK: Final = timedelta(days=1)

_CLAIM: Final = (
    "SELECT * FROM feeds WHERE platform = ANY(%(platforms)s) AND wake_at <= %(now)s"
    " ORDER BY wake_at, feed_id LIMIT %(most)s FOR UPDATE SKIP LOCKED"
)
_WATCHED: Final = (
    "SELECT * FROM feeds WHERE state = 'ACTIVE' AND feed_id > %(after)s"
    " AND (watched_at IS NULL OR watched_at < %(before)s)"
    " ORDER BY feed_id LIMIT %(most)s FOR UPDATE SKIP LOCKED"
)
_OPEN: Final = (
    "SELECT * FROM feed_runs WHERE feed_id = %(feed)s AND state IN ('WAITING', 'RUNNING')"
    " ORDER BY created_at, run_id"
)
_LAST_POLL: Final = (
    "SELECT * FROM feed_runs WHERE feed_id = %(feed)s AND state = 'COMPLETED'"
    " AND purpose = 'REGULAR' ORDER BY ended_at DESC LIMIT 1"
)
# An order is known from when its journal begins.
_KNOWN: Final = (
    "SELECT r.namespace, r.value FROM order_refs AS r"  # noqa: S608  # names of our own tables
    f" JOIN {bulk.told(order_refs, ('namespace', 'value'))} USING (namespace, value)"
    " JOIN journal AS j ON j.order_id = r.order_id AND j.sequence = 1"
    " WHERE j.recorded_at < %(before)s"
)
_GIVE: Final = (
    "UPDATE feed_missed SET incident_id = %(incident)s WHERE run_id = %(run)s AND incident_id = ''"
)
_MISSED: Final = (
    "SELECT count(*) AS count, min(changed_at) AS oldest_at, max(changed_at) AS newest_at"
    " FROM feed_missed WHERE incident_id = %(incident)s"
)
_EXAMPLES: Final = (
    "SELECT namespace, value FROM feed_missed WHERE incident_id = %(incident)s"
    " ORDER BY changed_at NULLS LAST, namespace, value LIMIT %(most)s"
)
_ARRIVED: Final = (
    "INSERT INTO feed_arrivals (feed_id, hour, arrivals) VALUES (%(feed)s, %(hour)s, %(count)s)"
    " ON CONFLICT (feed_id, hour) DO UPDATE SET arrivals = feed_arrivals.arrivals + %(count)s"
)
_PUSHED: Final = (
    "SELECT date_trunc('hour', received_at, 'UTC') AS hour, count(*) AS count,"
    " max(received_at) AS newest_at FROM receipts"
    " WHERE received_at >= %(since)s AND received_at < %(until)s"
    " AND source = %(source)s AND template = %(template)s"
    " AND (%(is_any)s OR account = ANY(%(accounts)s::text[])) GROUP BY 1"
)
_FORGET: Final = (
    "DELETE FROM feed_runs WHERE run_id IN (SELECT run_id FROM feed_runs"
    " WHERE ended_at < %(before)s ORDER BY ended_at LIMIT %(most)s)"
)


class FeedRows:
    """The part of a transaction that knows feeds."""

    _connection: sa.Connection

    def add_feed(self, feed: Feed) -> None:
        """Store a fresh feed, or raise `FeedExistsError`."""
        then = "ON CONFLICT (feed_id) DO NOTHING"
        if not bulk.insert(self._connection, tables.feeds, [feed_row(feed)], then=then):
            raise FeedExistsError(feed=feed.feed_id)

    def lock_feed(self, feed_id: str) -> Feed:
        """Lock and return a feed, or raise `FeedNotFoundError`. Its runs are locked with it."""
        statement = "SELECT * FROM feeds WHERE feed_id = %(feed)s FOR UPDATE"
        found = driver.named(self._connection, statement, {"feed": feed_id})
        if not found:
            raise FeedNotFoundError(feed=feed_id)
        return feed_from(found[0])

    def feeds_of(self, channel: str, shop: str) -> list[Feed]:
        """Return the feeds of a shop, by name; unlocked."""
        statement = (
            "SELECT * FROM feeds WHERE channel = %(channel)s AND shop = %(shop)s ORDER BY feed_id"
        )
        values = {"channel": channel, "shop": shop}
        return [feed_from(row) for row in driver.named(self._connection, statement, values)]

    def claim_feeds(self, platforms: Sequence[str], now: datetime, *, most: int) -> list[Feed]:
        """Lock and return feeds of which something may be asked, longest due first."""
        values = {"platforms": list(platforms), "now": now, "most": most}
        return [feed_from(row) for row in driver.named(self._connection, _CLAIM, values)]

    def save_feed(self, feed: Feed, wake_at: datetime | None) -> None:
        """Store a (locked) feed, and from when something of it may be claimed."""
        row = {**feed_row(feed), "wake_at": wake_at}
        bulk.upsert(self._connection, tables.feeds, [row])

    def run_owner(self, run_id: str) -> str:
        """Return whose run it is, or raise `RunNotFoundError`."""
        statement = "SELECT feed_id FROM feed_runs WHERE run_id = %(run)s"
        found = driver.rows(self._connection, statement, {"run": run_id})
        if not found:
            raise RunNotFoundError(run=run_id)
        return str(found[0][0])

    def run_of(self, run_id: str) -> Run:
        """Return a run (of a locked feed), or raise `RunNotFoundError`."""
        statement = "SELECT * FROM feed_runs WHERE run_id = %(run)s"
        found = driver.named(self._connection, statement, {"run": run_id})
        if not found:
            raise RunNotFoundError(run=run_id)
        return run_from(found[0])

    def open_runs(self, feed_id: str) -> list[Run]:
        """Return the runs of a (locked) feed that have not ended, oldest first."""
        found = driver.named(self._connection, _OPEN, {"feed": feed_id})
        return [run_from(row) for row in found]

    def last_poll(self, feed_id: str) -> Run | None:
        """Return the newest completed regular run of a feed."""
        found = driver.named(self._connection, _LAST_POLL, {"feed": feed_id})
        return run_from(found[0]) if found else None

    def save_feed_runs(self, runs: Sequence[Run]) -> None:
        """Store runs of locked feeds."""
        bulk.upsert(self._connection, tables.feed_runs, [run_row(each) for each in runs])

    def known_orders(self, refs: Sequence[OrderRef], before: datetime) -> set[OrderRef]:
        """Return which orders we knew of before then."""
        told = [{"namespace": each.namespace, "value": each.value} for each in refs]
        values = {"rows": bulk.document(told), "before": before}
        return {OrderRef(*row) for row in driver.rows(self._connection, _KNOWN, values)}

    def keep_missed(self, run: Run, missed: Sequence[Seen], *, at: datetime) -> int:
        """Write down which orders had not come, each once ever; return how many were added."""
        rows = [
            {
                "feed_id": run.feed_id,
                "namespace": each.ref.namespace,
                "value": each.ref.value,
                "run_id": run.run_id,
                "incident_id": run.incident_id,
                "changed_at": each.changed_at,
                "found_at": at,
            }
            for each in missed
        ]
        then = "ON CONFLICT (feed_id, namespace, value) DO NOTHING"
        return bulk.insert(self._connection, tables.feed_missed, rows, then=then)

    def give_missed(self, run_id: str, incident_id: str) -> None:
        """Let what a run found missing belong to an incident."""
        driver.change(self._connection, _GIVE, {"run": run_id, "incident": incident_id})

    def missed_of(self, incident_id: str) -> Missed:
        """Return what was missing, of an incident."""
        values = {"incident": incident_id, "most": EXAMPLES}
        figures = driver.named(self._connection, _MISSED, values)[0]
        examples = [list(row) for row in driver.rows(self._connection, _EXAMPLES, values)]
        return missed_from(figures, figures["count"], examples)

    def find_incident(self, incident_id: str) -> Incident:
        """Return an incident (of a locked feed), or raise `IncidentNotFoundError`."""
        statement = "SELECT * FROM feed_incidents WHERE incident_id = %(incident)s"
        found = driver.named(self._connection, statement, {"incident": incident_id})
        if not found:
            raise IncidentNotFoundError(incident=incident_id)
        return incident_from(found[0])

    def save_incident(self, incident: Incident) -> None:
        """Store an incident of a locked feed."""
        bulk.upsert(self._connection, tables.feed_incidents, [incident_row(incident)])

    def count_arrivals(self, feed_id: str, hour: datetime, count: int) -> None:
        """Add to what came in an hour."""
        values = {"feed": feed_id, "hour": hour, "count": count}
        driver.change(self._connection, _ARRIVED, values)

    def rhythm_of(self, feed: Feed, now: datetime) -> Rhythm:
        """Return what is usual for a feed."""
        return rhythms_of(self._connection, [feed], now)[feed.feed_id]

    def watched_feeds(self, after: str, now: datetime, *, most: int) -> list[Feed]:
        """Lock and return active feeds that nobody looked at for a while, by name."""
        values = {"after": after, "before": now - WATCHED_EVERY, "most": most}
        return [feed_from(row) for row in driver.named(self._connection, _WATCHED, values)]

    def count_pushed(self, feed: Feed, now: datetime) -> datetime | None:
        """Count what came for a feed since this was last counted; return when the newest came."""
        since, until = counted_between(feed, now)
        values = {
            "since": since,
            "until": until,
            "source": feed.source,
            "template": feed.template,
            "is_any": not feed.accounts,
            "accounts": list(feed.accounts),
        }
        found: list[dict[str, Any]] = driver.named(self._connection, _PUSHED, values)
        for row in found:
            self.count_arrivals(feed.feed_id, row["hour"], row["count"])
        return max((row["newest_at"] for row in found), default=None)

    def forget_runs(self, before: datetime, *, most: int) -> int:
        """Delete runs that ended before then; return how many."""
        return driver.change(self._connection, _FORGET, {"before": before, "most": most})


def counted_between(feed: Feed, now: datetime) -> tuple[datetime, datetime]:
    """Return from when to before when pushes are yet to be counted."""
    since = max(feed.progress.watched_at or feed.created_at, now - COUNTED_BACK)
    return since - SETTLED_AFTER, now - SETTLED_AFTER


def rhythms_of(
    connection: sa.Connection, feeds: Sequence[Feed], now: datetime
) -> dict[str, Rhythm]:
    """Return what is usual for each of some feeds."""
    table = tables.feed_arrivals
    wanted = sa.select(table).where(
        table.c.feed_id.in_([each.feed_id for each in feeds]), table.c.hour >= now - KEPT
    )
    hours: dict[str, dict[datetime, int]] = {each.feed_id: {} for each in feeds}
    for row in connection.execute(wanted):
        hours[row.feed_id][row.hour] = row.arrivals
    return {
        each.feed_id: Rhythm(each.zone, hours[each.feed_id], since=each.created_at)
        for each in feeds
    }

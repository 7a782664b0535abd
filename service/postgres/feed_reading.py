"""Reads the register of channels for callers, without locks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.application.feed_reading import FeedFigures, FeedQuery, IncidentQuery, RunQuery
from service.application.reading import Page
from service.domain.channels.errors import (
    FeedNotFoundError,
    IncidentNotFoundError,
    RunNotFoundError,
)
from service.domain.channels.feeds import Feed
from service.domain.channels.incidents import Incident, IncidentState
from service.domain.channels.runs import Run
from service.postgres import channel_tables as tables
from service.postgres.engine import begin_snapshot
from service.postgres.feed_documents import feed_from, incident_from, run_from
from service.postgres.feed_rows import rhythms_of
from service.postgres.newest_first import NewestFirst
from service.postgres.tokens import make_token, open_token
from service.postgres.translating import translated


class PostgresFeedReader:
    """Implements `service.application.feed_reading.FeedReader`."""

    def __init__(self, engine: sa.Engine) -> None:
        """Take the engine."""
        self._engine = engine

    def feed(self, feed_id: str) -> Feed:
        """Return a feed, or raise `FeedNotFoundError`."""
        wanted = sa.select(tables.feeds).where(tables.feeds.c.feed_id == feed_id)
        row = self._first(wanted)
        if row is None:
            raise FeedNotFoundError(feed=feed_id)
        return feed_from(row)

    def feeds(self, query: FeedQuery) -> Page[Feed]:
        """List feeds by name; or raise `CursorInvalidError`."""
        table = tables.feeds
        wanted = sa.select(table).order_by(table.c.feed_id)
        for column, value in (
            (table.c.channel, query.channel),
            (table.c.shop, query.shop),
            (table.c.mode, query.mode.value if query.mode else ""),
            (table.c.state, query.state.value if query.state else ""),
        ):
            if value:
                wanted = wanted.where(column == value)
        if query.page_token:
            (after,) = open_token("feeds", query.page_token, str)
            wanted = wanted.where(table.c.feed_id > after)
        rows = self._rows(wanted.limit(query.page_size + 1))
        found = [feed_from(row) for row in rows[: query.page_size]]
        token = make_token("feeds", found[-1].feed_id) if len(rows) > len(found) else ""
        return Page(tuple(found), token)

    def run(self, run_id: str) -> Run:
        """Return a run, or raise `RunNotFoundError`."""
        wanted = sa.select(tables.feed_runs).where(tables.feed_runs.c.run_id == run_id)
        row = self._first(wanted)
        if row is None:
            raise RunNotFoundError(run=run_id)
        return run_from(row)

    def runs(self, query: RunQuery) -> Page[Run]:
        """List runs, newest first; or raise `FeedNotFoundError`, `CursorInvalidError`."""
        table = tables.feed_runs
        newest = NewestFirst("runs", table.c.created_at, (table.c.run_id,))
        wanted = sa.select(table)
        if query.feed_id:
            wanted = wanted.where(table.c.feed_id == self.feed(query.feed_id).feed_id)
        if query.purpose:
            wanted = wanted.where(table.c.purpose == query.purpose.value)
        if query.state:
            wanted = wanted.where(table.c.state == query.state.value)
        rows = self._rows(newest.asked(wanted, query.page_size, query.page_token))
        found, token = newest.cut(rows, query.page_size)
        return Page(tuple(map(run_from, found)), token)

    def incident(self, incident_id: str) -> Incident:
        """Return an incident, or raise `IncidentNotFoundError`."""
        table = tables.feed_incidents
        row = self._first(sa.select(table).where(table.c.incident_id == incident_id))
        if row is None:
            raise IncidentNotFoundError(incident=incident_id)
        return incident_from(row)

    def incidents(self, query: IncidentQuery) -> Page[Incident]:
        """List incidents, newest first; or raise `FeedNotFoundError`, `CursorInvalidError`."""
        table = tables.feed_incidents
        newest = NewestFirst("incidents", table.c.opened_at, (table.c.incident_id,))
        wanted = sa.select(table)
        if query.feed_id:
            wanted = wanted.where(table.c.feed_id == self.feed(query.feed_id).feed_id)
        if query.only_open:
            wanted = wanted.where(table.c.state != IncidentState.CLOSED.value)
        rows = self._rows(newest.asked(wanted, query.page_size, query.page_token))
        found, token = newest.cut(rows, query.page_size)
        return Page(tuple(map(incident_from, found)), token)

    def figures(self, *, feed_id: str, channel: str, at: datetime) -> Sequence[FeedFigures]:
        """Return feeds with what tells how they are, by name; or raise `FeedNotFoundError`."""
        table = tables.feeds
        wanted = sa.select(table).order_by(table.c.feed_id)
        if feed_id:
            wanted = wanted.where(table.c.feed_id == feed_id)
        if channel:
            wanted = wanted.where(table.c.channel == channel)
        with translated(), self._engine.connect() as connection:
            begin_snapshot(connection)
            rows = connection.execute(wanted).mappings().all()
            feeds = [feed_from(row) for row in rows]
            rhythms = rhythms_of(connection, feeds, at)
        if feed_id and not feeds:
            raise FeedNotFoundError(feed=feed_id)
        return [
            FeedFigures(feed, rhythms[feed.feed_id], row["wake_at"])
            for feed, row in zip(feeds, rows, strict=True)
        ]

    def _first(self, wanted: sa.Select[Any]) -> Any:  # noqa: ANN401  # a row, or None
        with translated(), self._engine.connect() as connection:
            return connection.execute(wanted).mappings().first()

    def _rows(self, wanted: sa.Select[Any]) -> Sequence[Any]:
        with translated(), self._engine.connect() as connection:
            return connection.execute(wanted).mappings().all()

"""What is stored of feeds, runs and incidents; part of the metadata in `tables.py`."""

from enum import Enum
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from service.domain.channels.feeds import FeedState, Mode
from service.domain.channels.incidents import IncidentState
from service.domain.channels.runs import Purpose, RunState
from service.postgres.metadata import Moment, metadata, text_column


def _among(column: str, values: type[Enum]) -> str:
    return f"{column} IN ({', '.join(repr(each.value) for each in values)})"


# What people say of a feed, and how far it is. A trigger keeps the cursor from going back.
feeds: Final = sa.Table(
    "feeds",
    metadata,
    sa.Column("feed_id", sa.Text, primary_key=True),
    text_column("title"),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("shop", sa.Text, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("platform", sa.Text, nullable=False),
    sa.Column("template", sa.Text, nullable=False),
    sa.Column("zone", sa.Text, nullable=False),
    text_column("account"),
    sa.Column("limits", JSONB, nullable=False),
    sa.Column("schedule", JSONB, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("settings", JSONB, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("begin_at", Moment, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("cursor_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("looked_back_at", Moment, nullable=False),
    text_column("last_purpose"),
    sa.Column("empty_polls", sa.Integer, nullable=False),
    sa.Column("probed_polls", sa.Integer, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("failing_since", Moment),
    sa.Column("is_told", sa.Boolean, nullable=False),
    text_column("last_result"),
    text_column("last_code"),
    sa.Column("last_run_at", Moment),
    sa.Column("last_success_at", Moment),
    sa.Column("last_new_at", Moment),
    sa.Column("clock_offset_ms", sa.BigInteger),
    text_column("incident_id"),
    sa.Column("watched_at", Moment),
    # From when something of it may be claimed; none while nobody may ask.
    sa.Column("wake_at", Moment),
    sa.CheckConstraint(_among("mode", Mode), name="mode"),
    sa.CheckConstraint(_among("state", FeedState), name="state"),
    sa.Index(
        "ix_feeds_wake", "platform", "wake_at", postgresql_where=sa.text("wake_at IS NOT NULL")
    ),
)

feed_runs: Final = sa.Table(
    "feed_runs",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("feed_id", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("window_start", Moment, nullable=False),
    sa.Column("window_end", Moment, nullable=False),
    sa.Column("ask_start", Moment, nullable=False),
    sa.Column("ask_end", Moment),
    text_column("page_token"),
    sa.Column("asked", JSONB, nullable=False),
    sa.Column("pages", sa.Integer, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("new_receipts", sa.Integer, nullable=False),
    sa.Column("missed_orders", sa.Integer, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    text_column("last_result"),
    text_column("last_code"),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("started_at", Moment),
    sa.Column("ended_at", Moment),
    text_column("incident_id"),
    text_column("lease"),
    sa.Column("lease_until", Moment),
    sa.Column("lease_s", sa.Integer, nullable=False),
    sa.Column("window_max_s", sa.Integer, nullable=False),
    sa.Column("cursor_before", Moment),
    text_column("note_zh"),
    text_column("note_en"),
    text_column("actor"),
    sa.CheckConstraint(_among("purpose", Purpose), name="purpose"),
    sa.CheckConstraint(_among("state", RunState), name="state"),
    sa.CheckConstraint("window_start < window_end", name="window"),
    sa.Index("ix_feed_runs_created_at", "created_at", "run_id"),
    sa.Index("ix_feed_runs_feed_id", "feed_id", "created_at", "run_id"),
    sa.Index(
        "ix_feed_runs_open",
        "feed_id",
        postgresql_where=sa.text("state IN ('WAITING', 'RUNNING')"),
    ),
    # One connector asks a feed at a time.
    sa.Index(
        "ix_feed_runs_running",
        "feed_id",
        unique=True,
        postgresql_where=sa.text("state = 'RUNNING'"),
    ),
    sa.Index(
        "ix_feed_runs_polls",
        "feed_id",
        "ended_at",
        postgresql_where=sa.text("state = 'COMPLETED' AND purpose = 'REGULAR'"),
    ),
    sa.Index("ix_feed_runs_ended_at", "ended_at"),
    # Probes, what was filled and what was asked by hand, among two months of polls.
    sa.Index(
        "ix_feed_runs_rare",
        "purpose",
        "created_at",
        "run_id",
        postgresql_where=sa.text("purpose <> 'REGULAR'"),
    ),
)

# Each order that a look beyond the polls found and that had not come; once for its feed.
feed_missed: Final = sa.Table(
    "feed_missed",
    metadata,
    sa.Column("feed_id", sa.Text, primary_key=True),
    sa.Column("namespace", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False),
    text_column("incident_id"),
    sa.Column("changed_at", Moment),
    sa.Column("found_at", Moment, nullable=False),
    sa.Index("ix_feed_missed_run_id", "run_id"),
    sa.Index("ix_feed_missed_incident_id", "incident_id"),
)

feed_incidents: Final = sa.Table(
    "feed_incidents",
    metadata,
    sa.Column("incident_id", sa.Text, primary_key=True),
    sa.Column("feed_id", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("asked_start", Moment, nullable=False),
    sa.Column("asked_end", Moment, nullable=False),
    sa.Column("found_start", Moment, nullable=False),
    sa.Column("found_end", Moment, nullable=False),
    text_column("asked_text"),
    text_column("found_text"),
    sa.Column("empty_polls", sa.Integer, nullable=False),
    sa.Column("missed", sa.Integer, nullable=False),
    sa.Column("examples", JSONB, nullable=False),
    sa.Column("oldest_at", Moment),
    sa.Column("newest_at", Moment),
    text_column("case_id"),
    text_column("backfill"),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("filled_at", Moment),
    sa.Column("closed_at", Moment),
    sa.CheckConstraint(_among("state", IncidentState), name="state"),
    sa.Index("ix_feed_incidents_opened_at", "opened_at", "incident_id"),
    sa.Index("ix_feed_incidents_feed_id", "feed_id", "opened_at"),
)

# How much came of a feed in an hour (UTC, its beginning): what is usual is told from these.
feed_arrivals: Final = sa.Table(
    "feed_arrivals",
    metadata,
    sa.Column("feed_id", sa.Text, primary_key=True),
    sa.Column("hour", Moment, primary_key=True),
    sa.Column("arrivals", sa.BigInteger, nullable=False),
)

"""Keeps the register of channels: feeds, their runs and what was found missing."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply it."""
    _feeds()
    _runs()
    _missed()
    _incidents()
    _arrivals()
    _keep_cursors()
    for table in ("feeds", "feed_missed", "feed_incidents"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO concord_app")
    # Runs and hours are forgotten when they are old.
    for table in ("feed_runs", "feed_arrivals"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO concord_app")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _feeds() -> None:
    op.create_table(
        "feeds",
        sa.Column("feed_id", sa.Text(), nullable=False),
        _text("title"),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("shop", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        _text("account"),
        sa.Column("limits", postgresql.JSONB(), nullable=False),
        sa.Column("schedule", postgresql.JSONB(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("settings", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("begin_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("cursor_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("looked_back_at", MOMENT, nullable=False),
        _text("last_purpose"),
        sa.Column("empty_polls", sa.Integer(), nullable=False),
        sa.Column("probed_polls", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", MOMENT, nullable=True),
        sa.Column("is_told", sa.Boolean(), nullable=False),
        _text("last_result"),
        _text("last_code"),
        sa.Column("last_run_at", MOMENT, nullable=True),
        sa.Column("last_success_at", MOMENT, nullable=True),
        sa.Column("last_new_at", MOMENT, nullable=True),
        sa.Column("clock_offset_ms", sa.BigInteger(), nullable=True),
        _text("incident_id"),
        sa.Column("watched_at", MOMENT, nullable=True),
        sa.Column("wake_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "mode IN ('PUSH', 'PULL', 'FILE', 'MANUAL')", name=op.f("ck_feeds_mode")
        ),
        sa.CheckConstraint("state IN ('ACTIVE', 'PAUSED')", name=op.f("ck_feeds_state")),
        sa.PrimaryKeyConstraint("feed_id", name=op.f("pk_feeds")),
    )
    op.create_index(
        "ix_feeds_wake",
        "feeds",
        ["platform", "wake_at"],
        unique=False,
        postgresql_where=sa.text("wake_at IS NOT NULL"),
    )


def _runs() -> None:
    op.create_table(
        "feed_runs",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("feed_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("window_start", MOMENT, nullable=False),
        sa.Column("window_end", MOMENT, nullable=False),
        sa.Column("ask_start", MOMENT, nullable=False),
        sa.Column("ask_end", MOMENT, nullable=True),
        _text("page_token"),
        sa.Column("asked", postgresql.JSONB(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("new_receipts", sa.Integer(), nullable=False),
        sa.Column("missed_orders", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        _text("last_result"),
        _text("last_code"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        _text("incident_id"),
        _text("lease"),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("lease_s", sa.Integer(), nullable=False),
        sa.Column("window_max_s", sa.Integer(), nullable=False),
        sa.Column("cursor_before", MOMENT, nullable=True),
        _text("note_zh"),
        _text("note_en"),
        _text("actor"),
        sa.CheckConstraint(
            "purpose IN ('REGULAR', 'PROBE', 'BACKFILL', 'BY_HAND')",
            name=op.f("ck_feed_runs_purpose"),
        ),
        sa.CheckConstraint(
            "state IN ('WAITING', 'RUNNING', 'COMPLETED', 'ABANDONED')",
            name=op.f("ck_feed_runs_state"),
        ),
        sa.CheckConstraint("window_start < window_end", name=op.f("ck_feed_runs_window")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_feed_runs")),
    )
    for name, columns in (
        ("ix_feed_runs_created_at", ["created_at", "run_id"]),
        ("ix_feed_runs_feed_id", ["feed_id", "created_at", "run_id"]),
        ("ix_feed_runs_ended_at", ["ended_at"]),
    ):
        op.create_index(name, "feed_runs", columns, unique=False)
    for name, columns, unique, where in (
        ("ix_feed_runs_open", ["feed_id"], False, "state IN ('WAITING', 'RUNNING')"),
        ("ix_feed_runs_running", ["feed_id"], True, "state = 'RUNNING'"),
        (
            "ix_feed_runs_polls",
            ["feed_id", "ended_at"],
            False,
            "state = 'COMPLETED' AND purpose = 'REGULAR'",
        ),
    ):
        op.create_index(name, "feed_runs", columns, unique=unique, postgresql_where=sa.text(where))


def _missed() -> None:
    op.create_table(
        "feed_missed",
        sa.Column("feed_id", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        _text("incident_id"),
        sa.Column("changed_at", MOMENT, nullable=True),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("feed_id", "namespace", "value", name=op.f("pk_feed_missed")),
    )
    op.create_index("ix_feed_missed_run_id", "feed_missed", ["run_id"], unique=False)
    op.create_index("ix_feed_missed_incident_id", "feed_missed", ["incident_id"], unique=False)


def _incidents() -> None:
    op.create_table(
        "feed_incidents",
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("feed_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_start", MOMENT, nullable=False),
        sa.Column("asked_end", MOMENT, nullable=False),
        sa.Column("found_start", MOMENT, nullable=False),
        sa.Column("found_end", MOMENT, nullable=False),
        _text("asked_text"),
        _text("found_text"),
        sa.Column("empty_polls", sa.Integer(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("examples", postgresql.JSONB(), nullable=False),
        sa.Column("oldest_at", MOMENT, nullable=True),
        sa.Column("newest_at", MOMENT, nullable=True),
        _text("case_id"),
        _text("backfill"),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("filled_at", MOMENT, nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "state IN ('FILLING', 'FILLED', 'CLOSED')", name=op.f("ck_feed_incidents_state")
        ),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_feed_incidents")),
    )
    op.create_index(
        "ix_feed_incidents_opened_at", "feed_incidents", ["opened_at", "incident_id"], unique=False
    )
    op.create_index(
        "ix_feed_incidents_feed_id", "feed_incidents", ["feed_id", "opened_at"], unique=False
    )


def _arrivals() -> None:
    op.create_table(
        "feed_arrivals",
        sa.Column("feed_id", sa.Text(), nullable=False),
        sa.Column("hour", MOMENT, nullable=False),
        sa.Column("arrivals", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("feed_id", "hour", name=op.f("pk_feed_arrivals")),
    )


def _keep_cursors() -> None:
    """Let no cursor go back, whoever asks for it."""
    op.execute(
        """
        CREATE FUNCTION concord_keep_cursor() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the cursor of feed % does not go back', OLD.feed_id;
        END
        $$
        """
    )
    op.execute(
        "CREATE TRIGGER keep_cursor BEFORE UPDATE ON feeds FOR EACH ROW"
        " WHEN (NEW.cursor_at < OLD.cursor_at) EXECUTE FUNCTION concord_keep_cursor()"
    )

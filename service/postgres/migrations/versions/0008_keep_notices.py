"""Keeps notices, their deliveries, and where people can be reached."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = (
    "notices",
    "notice_deliveries",
    "notice_sendings",
    "notice_lines",
    "notice_contacts",
)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, *, server_default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default=server_default)


def _notices() -> None:
    op.create_table(
        "notices",
        _text("notice_id"),
        _text("key"),
        _text("template"),
        _text("recipient"),
        sa.Column("placeholders", postgresql.JSONB(), nullable=False),
        _text("order_id"),
        _text("case_id"),
        _text("batch_id"),
        _text("severity"),
        _text("language"),
        _text("state"),
        _moment("queued_at"),
        _moment("composed_at", nullable=True),
        _text("title", server_default=""),
        _text("body", server_default=""),
        _text("problem", server_default=""),
        sa.CheckConstraint(
            "state IN ('QUEUED', 'WAITING', 'SENT', 'UNCERTAIN', 'DEAD')",
            name=op.f("ck_notices_state"),
        ),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notices")),
        sa.UniqueConstraint("key", name=op.f("uq_notices_key")),
    )
    op.create_index("ix_notices_queued_at", "notices", ["queued_at", "notice_id"])
    op.create_index(
        "ix_notices_to_compose",
        "notices",
        ["queued_at"],
        postgresql_where=sa.text("state = 'QUEUED'"),
    )
    op.create_index(
        "ix_notices_to_look_at",
        "notices",
        ["queued_at", "notice_id"],
        postgresql_where=sa.text("state IN ('UNCERTAIN', 'DEAD')"),
    )
    for name in ("order_id", "case_id", "batch_id"):
        op.create_index(
            f"ix_notices_{name}",
            "notices",
            [name],
            postgresql_where=sa.text(f"{name} <> ''"),
        )
    op.create_index("ix_notices_recipient", "notices", ["recipient", "queued_at", "notice_id"])


def _deliveries() -> None:
    op.create_table(
        "notice_deliveries",
        _text("delivery_id"),
        _text("notice_id"),
        _text("channel"),
        _text("address"),
        _text("state"),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        _moment("queued_at"),
        _moment("due_at"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        _moment("failing_since", nullable=True),
        _text("sending_id", server_default=""),
        _text("code", server_default=""),
        _moment("sent_at", nullable=True),
        sa.CheckConstraint(
            "state IN ('WAITING', 'SENDING', 'SENT', 'UNCERTAIN', 'DEAD')",
            name=op.f("ck_notice_deliveries_state"),
        ),
        sa.CheckConstraint(
            "(state = 'SENT') = (sent_at IS NOT NULL)", name=op.f("ck_notice_deliveries_sent")
        ),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_notice_deliveries")),
    )
    op.create_index("ix_notice_deliveries_notice_id", "notice_deliveries", ["notice_id"])
    op.create_index(
        "ix_notice_deliveries_waiting",
        "notice_deliveries",
        ["channel", "address", "rank", "due_at"],
        postgresql_where=sa.text("state = 'WAITING'"),
    )
    op.create_index(
        "ix_notice_deliveries_sending_id",
        "notice_deliveries",
        ["sending_id"],
        postgresql_where=sa.text("sending_id <> ''"),
    )


def _sendings() -> None:
    op.create_table(
        "notice_sendings",
        _text("sending_id"),
        _text("lease"),
        _text("channel"),
        _text("address"),
        _moment("claimed_at"),
        _moment("lease_until"),
        _moment("ended_at", nullable=True),
        _text("result", server_default=""),
        _text("code", server_default=""),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(result = '') = (ended_at IS NULL)", name=op.f("ck_notice_sendings_ended")
        ),
        sa.PrimaryKeyConstraint("sending_id", name=op.f("pk_notice_sendings")),
    )
    op.create_index("ix_notice_sendings_lease", "notice_sendings", ["lease"])
    op.create_index(
        "ix_notice_sendings_address", "notice_sendings", ["channel", "address", "ended_at"]
    )
    op.create_index(
        "ix_notice_sendings_under_way",
        "notice_sendings",
        ["lease_until"],
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def upgrade() -> None:
    """Apply it."""
    _notices()
    _deliveries()
    _sendings()
    op.create_table(
        "notice_lines",
        _text("channel"),
        _text("address"),
        _moment("paused_until", nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("channel", "address", name=op.f("pk_notice_lines")),
    )
    op.create_table(
        "notice_contacts",
        _text("recipient"),
        _text("channel"),
        _text("address"),
        _text("language", server_default=""),
        _moment("updated_at"),
        sa.PrimaryKeyConstraint("recipient", "channel", "address", name=op.f("pk_notice_contacts")),
    )
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO concord_app")

"""Keeps what providers are asked, and names the cases of money that has no order."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply it."""
    op.add_column("cases", sa.Column("subject", sa.Text(), server_default="", nullable=False))
    op.create_index(
        "ix_cases_subject",
        "cases",
        ["subject"],
        unique=False,
        postgresql_where=sa.text("subject <> ''"),
    )
    op.create_index(
        "ix_cases_refused",
        "cases",
        ["order_id"],
        unique=False,
        postgresql_where=sa.text("type = 'PROBE_REFUSED' AND state <> 'RESOLVED'"),
    )
    op.create_index(
        "ix_orders_unpaid",
        "orders",
        ["order_id"],
        unique=False,
        postgresql_where=sa.text("paid_minor < total_minor AND closed_at IS NULL"),
    )
    op.create_table(
        "probes",
        sa.Column("probe_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("armed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("give_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lane", sa.BigInteger(), nullable=False),
        sa.Column("wake_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("submitted", sa.Boolean(), nullable=False),
        sa.Column("last_ask_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_result", sa.Text(), server_default="", nullable=False),
        sa.Column("last_code", sa.Text(), server_default="", nullable=False),
        sa.Column("lease", sa.Text(), server_default="", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('ARMED', 'DISARMED', 'EXHAUSTED')", name=op.f("ck_probes_state")
        ),
        sa.PrimaryKeyConstraint("probe_id", name=op.f("pk_probes")),
    )
    op.create_index("ix_probes_order_id", "probes", ["order_id"], unique=False)
    op.create_index("ix_probes_due_at", "probes", ["due_at", "probe_id"], unique=False)
    op.create_index(
        "ix_probes_queue",
        "probes",
        ["provider", "lane", "wake_at"],
        unique=False,
        postgresql_where=sa.text("state = 'ARMED'"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON probes TO concord_app")

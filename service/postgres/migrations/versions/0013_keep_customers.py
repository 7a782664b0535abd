"""Keeps customers: buyers, by what they are known, what joined them, and whose orders are whose."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply it."""
    _buyers()
    _merges()
    op.create_table(
        "people_queue",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("asked", sa.Integer(), server_default="1", nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_people_queue")),
    )
    op.create_index("ix_people_queue_due_at", "people_queue", ["due_at", "order_id"])
    for table in ("buyers", "customer_orders", "merges"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO concord_app")
    for table in ("buyer_marks", "people_queue"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO concord_app")


def _buyers() -> None:
    op.create_table(
        "buyers",
        sa.Column("buyer_id", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), server_default="", nullable=False),
        sa.Column("channel", sa.Text(), server_default="", nullable=False),
        sa.Column("shop", sa.Text(), server_default="", nullable=False),
        sa.Column("first_seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("buyer_id", name=op.f("pk_buyers")),
        sa.UniqueConstraint("origin", name=op.f("uq_buyers_origin")),
    )
    op.create_index("ix_buyers_customer_id", "buyers", ["customer_id"])
    op.create_index("ix_buyers_first_seen_at", "buyers", ["first_seen_at", "origin"])
    op.create_table(
        "buyer_marks",
        sa.Column("buyer_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.CheckConstraint("orders > 0", name=op.f("ck_buyer_marks_orders")),
        sa.PrimaryKeyConstraint("buyer_id", "kind", "digest", name=op.f("pk_buyer_marks")),
    )
    op.create_index(
        "ix_buyer_marks_digest",
        "buyer_marks",
        ["digest", "kind"],
        postgresql_where=sa.text("digest <> ''"),
    )
    op.create_table(
        "customer_orders",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("buyer_id", sa.Text(), nullable=False),
        sa.Column("shop", sa.Text(), server_default="", nullable=False),
        sa.Column("marks", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_customer_orders")),
    )
    op.create_index("ix_customer_orders_buyer_id", "customer_orders", ["buyer_id"])


def _merges() -> None:
    op.create_table(
        "merges",
        sa.Column("merge_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("buyer_one", sa.Text(), nullable=False),
        sa.Column("buyer_other", sa.Text(), nullable=False),
        sa.Column("survivor", sa.Text(), nullable=False),
        sa.Column("absorbed", sa.Text(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("state_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "state IN ('SUGGESTED', 'MERGED', 'DISMISSED', 'UNDONE', 'WITHDRAWN', 'OBSOLETE')",
            name=op.f("ck_merges_state"),
        ),
        sa.PrimaryKeyConstraint("merge_id", name=op.f("pk_merges")),
    )
    op.create_index("ix_merges_buyer_one", "merges", ["buyer_one"])
    op.create_index("ix_merges_buyer_other", "merges", ["buyer_other"])
    op.create_index("ix_merges_created_at", "merges", ["created_at", "merge_id"])

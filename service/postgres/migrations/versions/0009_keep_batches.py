"""Keeps batches of orders that are handled at once, and the ledger of coupons.

What was done, and what was given, is only ever added.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply it."""
    _tags()
    _batches()
    _members()
    _coupons()
    for table in ("batches", "batch_members"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO concord_app")
    for table in ("batch_results", "coupons"):
        op.execute(f"GRANT SELECT, INSERT ON {table} TO concord_app")


def _tags() -> None:
    op.add_column(
        "orders",
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.create_index(
        "ix_orders_tags",
        "orders",
        ["tags"],
        unique=False,
        postgresql_using="gin",
        postgresql_where=sa.text("cardinality(tags) > 0"),
    )


def _batches() -> None:
    op.create_table(
        "batches",
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("document", postgresql.JSONB(), nullable=False),
        sa.Column("selection", postgresql.JSONB(), nullable=False),
        sa.Column("inputs", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("excluded", sa.Integer(), nullable=False),
        sa.Column("creator", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("confirmer", sa.Text(), server_default="", nullable=False),
        sa.Column("confirmed_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('FROZEN', 'RUNNING', 'PAUSED', 'DONE', 'CANCELLED')",
            name=op.f("ck_batches_state"),
        ),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_batches")),
    )
    op.create_index("ix_batches_created_at", "batches", ["created_at", "batch_id"], unique=False)
    op.create_index(
        "ix_batches_running",
        "batches",
        ["batch_id"],
        unique=False,
        postgresql_where=sa.text("state = 'RUNNING'"),
    )


def _members() -> None:
    op.create_table(
        "batch_members",
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("next_step", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "state IN ('WAITING', 'DONE', 'FAILED', 'EXCLUDED')",
            name=op.f("ck_batch_members_state"),
        ),
        sa.PrimaryKeyConstraint("batch_id", "order_id", name=op.f("pk_batch_members")),
    )
    for name, columns in (
        ("ix_batch_members_position", ["batch_id", "position"]),
        ("ix_batch_members_state", ["batch_id", "state", "position"]),
        ("ix_batch_members_order_id", ["order_id"]),
    ):
        op.create_index(name, "batch_members", columns, unique=False)
    op.create_index(
        "ix_batch_members_waiting",
        "batch_members",
        ["batch_id", "due_at", "position"],
        unique=False,
        postgresql_where=sa.text("state = 'WAITING'"),
    )
    op.create_table(
        "batch_results",
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("brought", sa.Text(), nullable=False),
        sa.Column("done_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("batch_id", "order_id", "step", name=op.f("pk_batch_results")),
    )


def _coupons() -> None:
    op.create_table(
        "coupons",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("valid_days", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.Text(), server_default="", nullable=False),
        sa.Column("case_id", sa.Text(), server_default="", nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_coupons_amount")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_coupons")),
        sa.UniqueConstraint("code", name=op.f("uq_coupons_code")),
    )
    op.create_index("ix_coupons_order_id", "coupons", ["order_id"], unique=False)
    op.create_index("ix_coupons_customer", "coupons", ["customer"], unique=False)
    op.create_index(
        "ix_coupons_batch_id",
        "coupons",
        ["batch_id"],
        unique=False,
        postgresql_where=sa.text("batch_id <> ''"),
    )

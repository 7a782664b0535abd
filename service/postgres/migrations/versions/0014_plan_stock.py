"""Keeps what stock is planned by: names of articles, safety levels, plans and allocations."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES = (
    "sku_mappings",
    "unmapped_skus",
    "articles",
    "purchase_plans",
    "allocations",
    "channel_shares",
    "oversold",
)


def upgrade() -> None:
    """Apply it."""
    _names()
    _plans()
    _shares()
    op.create_table(
        "oversold",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("pieces", sa.BigInteger(), nullable=False),
        sa.Column("late_s", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("order_id", "sku", name=op.f("pk_oversold")),
    )
    op.create_index("ix_oversold_sku", "oversold", ["sku", "channel", "found_at"])
    op.create_index(
        "ix_oversold_untold", "oversold", ["found_at"], postgresql_where=sa.text("told_at IS NULL")
    )
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO concord_app")


def _names() -> None:
    op.create_table(
        "sku_mappings",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("channel_sku", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_sku_mappings_quantity")),
        sa.PrimaryKeyConstraint("channel", "channel_sku", "sku", name=op.f("pk_sku_mappings")),
    )
    op.create_index("ix_sku_mappings_sku", "sku_mappings", ["sku"])
    op.create_table(
        "unmapped_skus",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("channel_sku", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("channel", "channel_sku", name=op.f("pk_unmapped_skus")),
    )


def _plans() -> None:
    op.create_table(
        "articles",
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("safety_level", sa.BigInteger(), nullable=False),
        sa.Column("owner_role", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("red_since", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("safety_level >= 0", name=op.f("ck_articles_safety_level")),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_articles")),
    )
    op.create_index(
        "ix_articles_red", "articles", ["sku"], postgresql_where=sa.text("red_since IS NOT NULL")
    )
    op.create_table(
        "purchase_plans",
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("warehouse", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("expected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("received", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('PLANNED', 'RECEIVED', 'DROPPED')", name=op.f("ck_purchase_plans_state")
        ),
        sa.CheckConstraint(
            "quantity > 0 AND received >= 0", name=op.f("ck_purchase_plans_quantity")
        ),
        sa.CheckConstraint(
            "(state = 'PLANNED') = (closed_at IS NULL)", name=op.f("ck_purchase_plans_closed")
        ),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_purchase_plans")),
    )
    op.create_index("ix_purchase_plans_expected_at", "purchase_plans", ["expected_at", "plan_id"])
    op.create_index(
        "ix_purchase_plans_planned",
        "purchase_plans",
        ["sku", "expected_at"],
        postgresql_where=sa.text("state = 'PLANNED'"),
    )


def _shares() -> None:
    op.create_table(
        "allocations",
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gone", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("gone >= 0", name=op.f("ck_allocations_gone")),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_allocations")),
    )
    op.create_table(
        "channel_shares",
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("percent BETWEEN 0 AND 100", name=op.f("ck_channel_shares_percent")),
        sa.CheckConstraint("used >= 0", name=op.f("ck_channel_shares_used")),
        sa.PrimaryKeyConstraint("sku", "channel", name=op.f("pk_channel_shares")),
    )

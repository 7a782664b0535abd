"""What is stored of what stock is planned by; part of the metadata in `tables.py`."""

from typing import Final

import sqlalchemy as sa

from service.domain.stock_plans import PlanState
from service.postgres.metadata import Moment, metadata, text_column

_STATES: Final = ", ".join(f"'{each.value}'" for each in PlanState)

sku_mappings = sa.Table(
    "sku_mappings",
    metadata,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("channel_sku", sa.Text, primary_key=True),
    sa.Column("sku", sa.Text, primary_key=True),
    sa.Column("quantity", sa.BigInteger, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.CheckConstraint("quantity > 0", name="quantity"),
    sa.Index("ix_sku_mappings_sku", "sku"),
)

unmapped_skus = sa.Table(
    "unmapped_skus",
    metadata,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("channel_sku", sa.Text, primary_key=True),
    sa.Column("case_id", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("found_at", Moment, nullable=False),
)

articles = sa.Table(
    "articles",
    metadata,
    sa.Column("sku", sa.Text, primary_key=True),
    sa.Column("safety_level", sa.BigInteger, nullable=False),
    sa.Column("owner_role", sa.Text, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("red_since", Moment),
    sa.CheckConstraint("safety_level >= 0", name="safety_level"),
    sa.Index("ix_articles_red", "sku", postgresql_where=sa.text("red_since IS NOT NULL")),
)

purchase_plans = sa.Table(
    "purchase_plans",
    metadata,
    sa.Column("plan_id", sa.Text, primary_key=True),
    sa.Column("sku", sa.Text, nullable=False),
    sa.Column("warehouse", sa.Text, nullable=False),
    sa.Column("quantity", sa.BigInteger, nullable=False),
    sa.Column("expected_at", Moment, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    text_column("note"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("received", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("closed_at", Moment),
    sa.CheckConstraint(f"state IN ({_STATES})", name="state"),
    sa.CheckConstraint("quantity > 0 AND received >= 0", name="quantity"),
    sa.CheckConstraint("(state = 'PLANNED') = (closed_at IS NULL)", name="closed"),
    sa.Index("ix_purchase_plans_expected_at", "expected_at", "plan_id"),
    sa.Index(
        "ix_purchase_plans_planned",
        "sku",
        "expected_at",
        postgresql_where=sa.text("state = 'PLANNED'"),
    ),
)

allocations = sa.Table(
    "allocations",
    metadata,
    sa.Column("sku", sa.Text, primary_key=True),
    sa.Column("set_at", Moment, nullable=False),
    sa.Column("gone", sa.BigInteger, nullable=False),
    sa.CheckConstraint("gone >= 0", name="gone"),
)

# The share without a channel is that of all others.
channel_shares = sa.Table(
    "channel_shares",
    metadata,
    sa.Column("sku", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("percent", sa.Integer, nullable=False),
    sa.Column("used", sa.BigInteger, nullable=False),
    sa.CheckConstraint("percent BETWEEN 0 AND 100", name="percent"),
    sa.CheckConstraint("used >= 0", name="used"),
)

oversold = sa.Table(
    "oversold",
    metadata,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("sku", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("pieces", sa.BigInteger, nullable=False),
    sa.Column("late_s", sa.BigInteger, nullable=False),
    sa.Column("case_id", sa.Text, nullable=False),
    sa.Column("found_at", Moment, nullable=False),
    sa.Column("told_at", Moment),
    sa.Index("ix_oversold_sku", "sku", "channel", "found_at"),
    sa.Index("ix_oversold_untold", "found_at", postgresql_where=sa.text("told_at IS NULL")),
)

"""What is stored of buyers and who they are; part of the metadata in `tables.py`."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from service.domain.customers.people import MergeState
from service.postgres.metadata import Moment, metadata, text_column

_STATES: Final = ", ".join(f"'{each.value}'" for each in MergeState)

buyers = sa.Table(
    "buyers",
    metadata,
    sa.Column("buyer_id", sa.Text, primary_key=True),
    # The customer that it brought, and the one that it belongs to.
    sa.Column("origin", sa.Text, nullable=False, unique=True),
    sa.Column("customer_id", sa.Text, nullable=False),
    text_column("key"),
    text_column("channel"),
    text_column("shop"),
    sa.Column("first_seen_at", Moment, nullable=False),
    sa.Index("ix_buyers_customer_id", "customer_id"),
    sa.Index("ix_buyers_first_seen_at", "first_seen_at", "origin"),
)

buyer_marks = sa.Table(
    "buyer_marks",
    metadata,
    sa.Column("buyer_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("orders", sa.Integer, nullable=False),
    sa.CheckConstraint("orders > 0", name="orders"),
    sa.Index("ix_buyer_marks_digest", "digest", "kind", postgresql_where=sa.text("digest <> ''")),
)

customer_orders = sa.Table(
    "customer_orders",
    metadata,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("buyer_id", sa.Text, nullable=False),
    text_column("shop"),
    sa.Column("marks", JSONB, nullable=False),
    # What was told of it last, as far as it counts for its customer's profile.
    sa.Column("told", JSONB),
    sa.Index("ix_customer_orders_buyer_id", "buyer_id"),
)

merges = sa.Table(
    "merges",
    metadata,
    sa.Column("merge_id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("buyer_one", sa.Text, nullable=False),
    sa.Column("buyer_other", sa.Text, nullable=False),
    sa.Column("survivor", sa.Text, nullable=False),
    sa.Column("absorbed", sa.Text, nullable=False),
    sa.Column("score", sa.Integer, nullable=False),
    sa.Column("evidence", JSONB, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    text_column("reason"),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("state_at", Moment, nullable=False),
    sa.CheckConstraint(f"state IN ({_STATES})", name="state"),
    sa.Index("ix_merges_buyer_one", "buyer_one"),
    sa.Index("ix_merges_buyer_other", "buyer_other"),
    sa.Index("ix_merges_created_at", "created_at", "merge_id"),
    sa.Index("ix_merges_state", "state", "created_at", "merge_id"),
)

people_queue = sa.Table(
    "people_queue",
    metadata,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("asked", sa.Integer, nullable=False, server_default="1"),
    sa.Column("due_at", Moment, nullable=False),
    sa.Index("ix_people_queue_due_at", "due_at", "order_id"),
)

# What changed of profiles, in the order in which it was told. Append-only.
profile_events = sa.Table(
    "profile_events",
    metadata,
    sa.Column("customer_id", sa.Text, primary_key=True),
    sa.Column("n", sa.BigInteger, primary_key=True),
    sa.Column("event", sa.LargeBinary, nullable=False),
    text_column("traceparent"),
)

# A place for each time that an order may count otherwise: who writes one waits for nobody.
profile_queue = sa.Table(
    "profile_queue",
    metadata,
    sa.Column("place", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False),
)

coupon_uses = sa.Table(
    "coupon_uses",
    metadata,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("used_at", Moment, nullable=False),
    sa.Index("ix_coupon_uses_code", "code"),
    sa.Index("ix_coupon_uses_used_at", "used_at", "order_id", "code"),
)

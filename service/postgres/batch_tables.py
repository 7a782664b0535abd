"""What is stored of batches and coupons; part of the metadata in `tables.py`."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from service.domain.desk.batches import BatchState, MemberState
from service.postgres.metadata import Moment, metadata

_STATES: Final = ", ".join(f"'{each.value}'" for each in BatchState)
_MEMBER_STATES: Final = ", ".join(f"'{each.value}'" for each in MemberState)

batches = sa.Table(
    "batches",
    metadata,
    sa.Column("batch_id", sa.Text, primary_key=True),
    # The template's key, and the template itself as it was when the batch was made.
    sa.Column("template", sa.Text, nullable=False),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("selection", JSONB, nullable=False),
    sa.Column("inputs", JSONB, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("excluded", sa.Integer, nullable=False),
    sa.Column("creator", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("confirmer", sa.Text, nullable=False, server_default=""),
    sa.Column("confirmed_at", Moment),
    sa.Column("ended_at", Moment),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("version", sa.Integer, nullable=False),
    sa.CheckConstraint(f"state IN ({_STATES})", name="state"),
    sa.Index("ix_batches_created_at", "created_at", "batch_id"),
    sa.Index("ix_batches_running", "batch_id", postgresql_where=sa.text("state = 'RUNNING'")),
)

batch_members = sa.Table(
    "batch_members",
    metadata,
    sa.Column("batch_id", sa.Text, primary_key=True),
    # What was named, where no order is there.
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("next_step", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.CheckConstraint(f"state IN ({_MEMBER_STATES})", name="state"),
    sa.Index("ix_batch_members_position", "batch_id", "position"),
    sa.Index("ix_batch_members_state", "batch_id", "state", "position"),
    sa.Index("ix_batch_members_order_id", "order_id"),
    sa.Index(
        "ix_batch_members_waiting",
        "batch_id",
        "due_at",
        "position",
        postgresql_where=sa.text("state = 'WAITING'"),
    ),
)

# One row a step that was done: its key is what lets nothing be done twice.
batch_results = sa.Table(
    "batch_results",
    metadata,
    sa.Column("batch_id", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("step", sa.Text, primary_key=True),
    sa.Column("brought", sa.Text, nullable=False),
    sa.Column("done_at", Moment, nullable=False),
)

coupons = sa.Table(
    "coupons",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("customer", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("template", sa.Text, nullable=False),
    sa.Column("amount_minor", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("valid_days", sa.Integer, nullable=False),
    sa.Column("batch_id", sa.Text, nullable=False, server_default=""),
    sa.Column("case_id", sa.Text, nullable=False, server_default=""),
    sa.Column("issued_at", Moment, nullable=False),
    sa.CheckConstraint("amount_minor > 0", name="amount"),
    sa.UniqueConstraint("code"),
    sa.Index("ix_coupons_order_id", "order_id"),
    sa.Index("ix_coupons_customer", "customer"),
    sa.Index("ix_coupons_batch_id", "batch_id", postgresql_where=sa.text("batch_id <> ''")),
)

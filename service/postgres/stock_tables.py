"""What is stored of stock and pick lists; part of the metadata in `tables.py`."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from service.domain.picking import PICKABLE, PickState
from service.postgres import stock_plan_tables
from service.postgres.tables import Moment, metadata

# Declared there, and part of the same metadata.
__all__ = ["pick_lists", "reservations", "stock", "stock_plan_tables", "stock_queue"]

_OPEN: Final = ", ".join(f"'{each.value}'" for each in PickState if each in PICKABLE)
_STATES: Final = ", ".join(f"'{each.value}'" for each in PickState)

stock = sa.Table(
    "stock",
    metadata,
    sa.Column("sku", sa.Text, primary_key=True),
    sa.Column("warehouse", sa.Text, primary_key=True),
    sa.Column("on_hand", sa.BigInteger, nullable=False),
    sa.Column("reserved", sa.BigInteger, nullable=False),
    sa.Column("counted_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    # Since when it is kept, and whether orders paid at that moment were looked for once more.
    sa.Column("kept_at", Moment, nullable=False),
    sa.Column("swept", sa.Boolean, nullable=False, server_default=sa.false()),
    # Whatever the code does, nothing is promised that is not there.
    sa.CheckConstraint("0 <= reserved AND reserved <= on_hand", name="promised"),
    sa.Index("ix_stock_unswept", "kept_at", postgresql_where=sa.text("NOT swept")),
)

reservations = sa.Table(
    "reservations",
    metadata,
    sa.Column("reservation_id", sa.Text, primary_key=True),
    sa.Column("sku", sa.Text, primary_key=True),
    sa.Column("warehouse", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("quantity", sa.BigInteger, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("released_at", Moment),
    sa.Column("taken_at", Moment),
    sa.CheckConstraint("quantity > 0", name="quantity"),
    sa.CheckConstraint("released_at IS NULL OR taken_at IS NULL", name="ended_once"),
    # An order has what it has once: a second one needs the first to be released.
    sa.Index(
        "uq_reservations_standing",
        "order_id",
        "sku",
        "warehouse",
        unique=True,
        postgresql_where=sa.text("released_at IS NULL"),
    ),
    sa.Index("ix_reservations_order_id", "order_id"),
    # What channels hold of an article, and which have sold it.
    sa.Index("ix_reservations_sku", "sku"),
)

stock_queue = sa.Table(
    "stock_queue",
    metadata,
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("since", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("conflicts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("waits_for", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Index("ix_stock_queue_due_at", "due_at", "since"),
    sa.Index("ix_stock_queue_waits_for", "waits_for", postgresql_using="gin"),
)

pick_lists = sa.Table(
    "pick_lists",
    metadata,
    sa.Column("pick_list_id", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("reservation_id", sa.Text, nullable=False),
    sa.Column("warehouse", sa.Text, nullable=False),
    sa.Column("order_number", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("lines", JSONB, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("picker", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("started_at", Moment),
    sa.Column("ended_at", Moment),
    sa.Column("void_reason", sa.Text, nullable=False),
    sa.CheckConstraint(f"state IN ({_STATES})", name="state"),
    sa.CheckConstraint(f"(state IN ({_OPEN})) = (ended_at IS NULL)", name="ended"),
    sa.Index("ix_pick_lists_order_id", "order_id"),
    sa.Index("ix_pick_lists_created_at", "created_at", "pick_list_id"),
    sa.Index(
        "ix_pick_lists_void",
        "created_at",
        "pick_list_id",
        postgresql_where=sa.text("state = 'VOID'"),
    ),
    sa.Index(
        "ix_pick_lists_open",
        "created_at",
        "pick_list_id",
        postgresql_where=sa.text(f"state IN ({_OPEN})"),
    ),
)

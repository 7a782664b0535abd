"""Keeps stock, what is set aside of it for orders, and the pick lists made of that."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("stock", "reservations", "stock_queue", "pick_lists")


def upgrade() -> None:
    """Apply it."""
    op.create_table(
        "stock",
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("warehouse", sa.Text(), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("swept", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("0 <= reserved AND reserved <= on_hand", name=op.f("ck_stock_promised")),
        sa.PrimaryKeyConstraint("sku", "warehouse", name=op.f("pk_stock")),
    )
    op.create_index(
        "ix_stock_unswept",
        "stock",
        ["kept_at"],
        unique=False,
        postgresql_where=sa.text("NOT swept"),
    )
    op.create_table(
        "reservations",
        sa.Column("reservation_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("warehouse", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_reservations_quantity")),
        sa.CheckConstraint(
            "released_at IS NULL OR taken_at IS NULL", name=op.f("ck_reservations_ended_once")
        ),
        sa.PrimaryKeyConstraint("reservation_id", "sku", "warehouse", name=op.f("pk_reservations")),
    )
    op.create_index(
        "uq_reservations_standing",
        "reservations",
        ["order_id", "sku", "warehouse"],
        unique=True,
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_index("ix_reservations_order_id", "reservations", ["order_id"], unique=False)
    op.create_table(
        "stock_queue",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("conflicts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("waits_for", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_stock_queue")),
    )
    op.create_index("ix_stock_queue_due_at", "stock_queue", ["due_at", "since"], unique=False)
    op.create_index(
        "ix_stock_queue_waits_for",
        "stock_queue",
        ["waits_for"],
        unique=False,
        postgresql_using="gin",
    )
    op.create_table(
        "pick_lists",
        sa.Column("pick_list_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("reservation_id", sa.Text(), nullable=False),
        sa.Column("warehouse", sa.Text(), nullable=False),
        sa.Column("order_number", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("lines", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("picker", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("void_reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('OPEN', 'PICKING', 'DONE', 'VOID')", name=op.f("ck_pick_lists_state")
        ),
        sa.CheckConstraint(
            "(state IN ('OPEN', 'PICKING')) = (ended_at IS NULL)", name=op.f("ck_pick_lists_ended")
        ),
        sa.PrimaryKeyConstraint("pick_list_id", name=op.f("pk_pick_lists")),
    )
    op.create_index("ix_pick_lists_order_id", "pick_lists", ["order_id"], unique=False)
    op.create_index(
        "ix_pick_lists_created_at", "pick_lists", ["created_at", "pick_list_id"], unique=False
    )
    op.create_index(
        "ix_pick_lists_open",
        "pick_lists",
        ["created_at", "pick_list_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('OPEN', 'PICKING')"),
    )
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO concord_app")

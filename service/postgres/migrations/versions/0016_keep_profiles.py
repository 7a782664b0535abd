"""Keeps what was told of customers' profiles, uses of coupons, and finds returns fast."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply it."""
    op.add_column("customer_orders", sa.Column("told", postgresql.JSONB(), nullable=True))
    op.create_table(
        "profile_events",
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.LargeBinary(), nullable=False),
        sa.Column("traceparent", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "n", name=op.f("pk_profile_events")),
    )
    op.create_table(
        "profile_queue",
        sa.Column("place", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_profile_queue")),
    )
    op.create_table(
        "coupon_uses",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("used_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("order_id", "code", name=op.f("pk_coupon_uses")),
    )
    op.create_index("ix_coupon_uses_code", "coupon_uses", ["code"])
    op.create_index("ix_coupon_uses_used_at", "coupon_uses", ["used_at", "order_id", "code"])
    op.create_index(
        "ix_facts_returned",
        "facts",
        ["occurred_at", "fact_id"],
        postgresql_where=sa.text("kind = 'REFUND_SUCCEEDED'"),
    )
    op.execute("GRANT SELECT, INSERT ON profile_events TO concord_app")
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON profile_events"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute("GRANT SELECT, INSERT, DELETE ON profile_queue TO concord_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON coupon_uses TO concord_app")
    # Whose orders were known before have profiles, too.
    op.execute("INSERT INTO profile_queue (order_id) SELECT order_id FROM customer_orders")

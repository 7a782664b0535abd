"""Keeps what the exception desk knows of cases: steps, clocks, documents, links."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = ("case_steps", "case_documents", "case_links", "purchase_requests", "effects_done")

# Until now a type said its side in the code; what was open keeps the deadline that it has.
CUSTOMER = "'ADDRESS_WRONG', 'DELIVERY_REFUSED', 'PAYMENT_DISPUTE'"
SUPPLY = "'OUT_OF_STOCK', 'WRONG_ITEM', 'CUSTOMS_DELAY'"


def upgrade() -> None:
    """Apply it."""
    _widen_cases()
    _widen_log()
    _find_customers()
    _create_steps_and_documents()
    _create_links_and_requests()
    for table in TABLES:
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO concord_app")


def _widen_cases() -> None:
    for column in (
        _text("side", "SYSTEM"),
        _text("severity", "NORMAL"),
        _text("calendar"),
        _text("workflow"),
        _moment("begun_at"),
        _moment("respond_by"),
        _moment("responded_at"),
        _moment("respond_breached_at"),
        _moment("warn_at"),
        _moment("warned_at"),
        _moment("breached_at"),
        _count("level"),
        _moment("paused_at"),
        _text("paused_by"),
        _text("pause_reason"),
        _text("merged_into"),
        _count("reopened"),
        _names("awaits"),
        sa.Column("order_seen", sa.BigInteger(), server_default="0", nullable=False),
        _moment("wake_at"),
        _text("traceparent"),
    ):
        op.add_column("cases", column)
    op.execute(f"UPDATE cases SET side = 'CUSTOMER' WHERE type IN ({CUSTOMER})")  # noqa: S608  # our own words
    op.execute(f"UPDATE cases SET side = 'SUPPLY' WHERE type IN ({SUPPLY})")  # noqa: S608  # our own words
    for name, indexed, where in (
        ("ix_cases_wake_at", "wake_at", "wake_at IS NOT NULL"),
        ("ix_cases_awaits", "order_id", "cardinality(awaits) > 0"),
        ("ix_cases_assignee", "assignee", "state <> 'RESOLVED' AND assignee <> ''"),
    ):
        op.create_index(name, "cases", [indexed], postgresql_where=sa.text(where))


def _find_customers() -> None:
    where = sa.text("customer <> ''")
    op.create_index("ix_orders_customer", "orders", ["customer"], postgresql_where=where)


def _widen_log() -> None:
    for name in ("role", "address", "step", "document"):
        op.add_column("case_log", _text(name))
    op.add_column(
        "case_log",
        sa.Column("automatic", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )


def _create_steps_and_documents() -> None:
    op.create_table(
        "case_steps",
        _key("case_id"),
        _key("step"),
        sa.Column("number", sa.Integer(), nullable=False),
        _key("role"),
        _moment("begun_at", nullable=False),
        _moment("timer_at"),
        _moment("ended_at"),
        sa.Column("begun_n", sa.Integer(), nullable=False),
        sa.Column("ended_n", sa.Integer()),
        _text("act"),
        _text("actor"),
        sa.PrimaryKeyConstraint("case_id", "step", "number", name=op.f("pk_case_steps")),
    )
    where = sa.text("ended_at IS NULL")
    op.create_index("ix_case_steps_active", "case_steps", ["step"], postgresql_where=where)
    op.create_index("ix_case_steps_begun_at", "case_steps", ["begun_at"])
    op.create_table(
        "case_documents",
        _key("case_id"),
        sa.Column("number", sa.Integer(), nullable=False),
        _key("name"),
        _text("text"),
        _text("location"),
        _text("file_name"),
        _text("media_type"),
        sa.Column("size", sa.BigInteger(), server_default="0", nullable=False),
        _text("digest"),
        _key("actor"),
        _text("role"),
        _moment("added_at", nullable=False),
        sa.PrimaryKeyConstraint("case_id", "number", name=op.f("pk_case_documents")),
    )


def _create_links_and_requests() -> None:
    op.create_table(
        "case_links",
        _key("case_id"),
        _key("other_id"),
        _key("kind"),
        _key("actor"),
        _moment("linked_at", nullable=False),
        sa.PrimaryKeyConstraint("case_id", "other_id", "kind", name=op.f("pk_case_links")),
    )
    op.create_index("ix_case_links_other_id", "case_links", ["other_id"])
    op.create_table(
        "purchase_requests",
        _key("purchase_id"),
        _key("case_id"),
        _key("order_id"),
        sa.Column("lines", postgresql.JSONB(), nullable=False),
        _key("state"),
        _moment("requested_at", nullable=False),
        _moment("expected_at"),
        _moment("closed_at"),
        _key("actor"),
        sa.PrimaryKeyConstraint("purchase_id", name=op.f("pk_purchase_requests")),
    )
    op.create_index("ix_purchase_requests_case_id", "purchase_requests", ["case_id"])
    op.create_index(
        "ix_purchase_requests_open",
        "purchase_requests",
        ["requested_at"],
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "effects_done",
        _key("key"),
        _key("kind"),
        _key("order_id"),
        _text("refusal"),
        _text("result"),
        _moment("done_at", nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_effects_done")),
    )


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _text(name: str, default: str = "") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=False)


def _names(name: str) -> sa.Column[list[str]]:
    return sa.Column(name, postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False)


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)

"""Keeps reconciliations, and each difference that they found."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
KINDS = (
    "'MISSING_HERE', 'MISSING_THERE', 'AMOUNT', 'QUANTITY', 'STATE', 'DOUBLED', 'WRONG_DAY',"
    " 'WRONG_CHANNEL'"
)


def upgrade() -> None:
    """Apply it."""
    _statements()
    _lines()
    _reconciliations()
    _differences()
    for table in ("statements", "statement_lines", "reconciliations", "differences"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO concord_app")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _statements() -> None:
    op.create_table(
        "statements",
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        _text("shop"),
        sa.Column("day", sa.Date(), nullable=False),
        _text("zone"),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("line_at", MOMENT, nullable=False),
        sa.Column("expected", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("look_at", MOMENT, nullable=True),
        sa.CheckConstraint("kind IN ('ORDERS', 'PAYMENTS')", name=op.f("ck_statements_kind")),
        sa.PrimaryKeyConstraint("statement_id", name=op.f("pk_statements")),
    )
    op.create_index("ix_statements_day", "statements", ["day", "statement_id"], unique=False)
    op.create_index("ix_statements_channel", "statements", ["channel", "day"], unique=False)
    op.create_index(
        "ix_statements_look_at",
        "statements",
        ["look_at"],
        unique=False,
        postgresql_where=sa.text("look_at IS NOT NULL"),
    )


def _lines() -> None:
    op.create_table(
        "statement_lines",
        sa.Column("statement_id", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=True),
        sa.Column("placed_at", MOMENT, nullable=True),
        sa.Column("told_at", MOMENT, nullable=True),
        _text("voucher"),
        _text("receipt_id"),
        sa.Column("is_read", sa.Boolean(), nullable=False),
        sa.Column("held", postgresql.JSONB(), nullable=True),
        sa.PrimaryKeyConstraint(
            "statement_id", "namespace", "value", "key", name=op.f("pk_statement_lines")
        ),
    )
    op.create_index(
        "ix_statement_lines_name", "statement_lines", ["namespace", "value"], unique=False
    )


def _reconciliations() -> None:
    op.create_table(
        "reconciliations",
        sa.Column("reconciliation_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        _text("shop"),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.Column("after_namespace", sa.Text(), nullable=True),
        sa.Column("after_value", sa.Text(), nullable=True),
        sa.Column("look_from", MOMENT, nullable=True),
        sa.Column("lines", sa.BigInteger(), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("payments", sa.BigInteger(), nullable=False),
        sa.Column("agreeing", sa.BigInteger(), nullable=False),
        sa.Column("notes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "phase IN ('LINES', 'ORDERS', 'LEFT', 'DONE')", name=op.f("ck_reconciliations_phase")
        ),
        sa.PrimaryKeyConstraint("reconciliation_id", name=op.f("pk_reconciliations")),
    )
    op.create_index(
        "ix_reconciliations_day", "reconciliations", ["day", "reconciliation_id"], unique=False
    )
    op.create_index(
        "ix_reconciliations_running",
        "reconciliations",
        ["began_at"],
        unique=False,
        postgresql_where=sa.text("phase <> 'DONE'"),
    )


def _differences() -> None:
    op.create_table(
        "differences",
        sa.Column("difference_id", sa.Text(), nullable=False),
        sa.Column("reconciliation_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        _text("order_id"),
        _text("file_value"),
        _text("order_value"),
        _text("payment_value"),
        sa.Column("state", sa.Text(), nullable=False),
        _text("repair"),
        _text("case_id"),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_differences_kind")),
        sa.CheckConstraint(
            "state IN ('OPEN', 'REPAIRING', 'REPAIRED', 'IN_CASE', 'GONE')",
            name=op.f("ck_differences_state"),
        ),
        sa.PrimaryKeyConstraint("difference_id", name=op.f("pk_differences")),
    )
    op.create_index(
        "ix_differences_reconciliation_id",
        "differences",
        ["reconciliation_id", "kind", "difference_id"],
        unique=False,
    )
    for column, where in (
        ("order_id", "order_id <> ''"),
        ("case_id", "case_id <> ''"),
        ("due_at", "due_at IS NOT NULL"),
    ):
        op.create_index(
            f"ix_differences_{column}",
            "differences",
            [column],
            unique=False,
            postgresql_where=sa.text(where),
        )

"""Keeps what came in files: each file, how far it was read, and the rows that could not be."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
REASONS = (
    "'ENCODING', 'COLUMNS', 'QUOTES', 'CUT', 'ORDER_MISSING', 'NUMBER_ROUNDED', 'FIELD_MISSING', "
    "'FIELD_INVALID', 'COLUMNS_DIFFER', 'ORDER_INCOMPLETE', 'ROWS_DIFFER', "
    "'DISCOUNT'"
)


def upgrade() -> None:
    """Apply it."""
    _imports()
    _rows()
    _expected()
    for table in ("imports", "import_rows", "expected_files"):
        op.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO concord_app")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default="", nullable=False)


def _imports() -> None:
    op.create_table(
        "imports",
        sa.Column("import_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        _text("shop"),
        sa.Column("template", sa.Text(), nullable=False),
        _text("day"),
        sa.Column("state", sa.Text(), nullable=False),
        _text("file_name"),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        _text("encoding"),
        _text("delimiter"),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("stored", sa.BigInteger(), nullable=False),
        sa.Column("repeated", sa.BigInteger(), nullable=False),
        sa.Column("passed", sa.BigInteger(), nullable=False),
        sa.Column("notes", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        _text("problem"),
        sa.Column("columns", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("arrivals", sa.Integer(), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "state IN ('RUNNING', 'DONE', 'REFUSED')", name=op.f("ck_imports_state")
        ),
        sa.PrimaryKeyConstraint("import_id", name=op.f("pk_imports")),
    )
    op.create_index("ix_imports_begun_at", "imports", ["begun_at", "import_id"], unique=False)
    op.create_index(
        "ix_imports_day", "imports", ["channel", "shop", "template", "day"], unique=False
    )


def _rows() -> None:
    op.create_table(
        "import_rows",
        sa.Column("import_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        _text("column_name"),
        _text("order_number"),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("settled_at", MOMENT, nullable=True),
        _text("settler"),
        sa.CheckConstraint(f"reason IN ({REASONS})", name=op.f("ck_import_rows_reason")),
        sa.CheckConstraint(
            "state IN ('OPEN', 'FIXED', 'DROPPED', 'NOTED')", name=op.f("ck_import_rows_state")
        ),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_import_rows")),
    )
    op.create_index(
        "ix_import_rows_state", "import_rows", ["import_id", "state", "number"], unique=False
    )


def _expected() -> None:
    op.create_table(
        "expected_files",
        sa.Column("feed_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        _text("shop"),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        _text("import_id"),
        sa.Column("missed_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "state IN ('AWAITED', 'MISSING', 'CAME')", name=op.f("ck_expected_files_state")
        ),
        sa.PrimaryKeyConstraint("feed_id", "day", name=op.f("pk_expected_files")),
    )
    op.create_index(
        "ix_expected_files_open",
        "expected_files",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state <> 'CAME'"),
    )

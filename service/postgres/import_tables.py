"""What is stored of files; part of the metadata in `tables.py`."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from service.domain.imports.expecting import ExpectedState
from service.domain.imports.files import ImportState, RowReason, RowState
from service.postgres.metadata import Moment, metadata, text_column


def _one_of(kind: type[ImportState | RowState | RowReason | ExpectedState], column: str) -> str:
    names = ", ".join(f"'{each.value}'" for each in kind)
    return f"{column} IN ({names})"


imports = sa.Table(
    "imports",
    metadata,
    sa.Column("import_id", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    text_column("shop"),
    sa.Column("template", sa.Text, nullable=False),
    text_column("day"),
    sa.Column("state", sa.Text, nullable=False),
    text_column("file_name"),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    text_column("encoding"),
    text_column("delimiter"),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("orders", sa.BigInteger, nullable=False),
    sa.Column("stored", sa.BigInteger, nullable=False),
    sa.Column("repeated", sa.BigInteger, nullable=False),
    sa.Column("passed", sa.BigInteger, nullable=False),
    sa.Column("notes", ARRAY(sa.Text), nullable=False, server_default="{}"),
    text_column("problem"),
    sa.Column("columns", JSONB, nullable=False, server_default="[]"),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("arrivals", sa.Integer, nullable=False),
    sa.Column("begun_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.CheckConstraint(_one_of(ImportState, "state"), name="state"),
    sa.Index("ix_imports_begun_at", "begun_at", "import_id"),
    sa.Index("ix_imports_day", "channel", "shop", "template", "day"),
)

# A row is never deleted: what was wrong with a file stays to be seen.
import_rows = sa.Table(
    "import_rows",
    metadata,
    sa.Column("import_id", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    text_column("column_name"),
    text_column("order_number"),
    sa.Column("text", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("settled_at", Moment),
    text_column("settler"),
    sa.CheckConstraint(_one_of(RowReason, "reason"), name="reason"),
    sa.CheckConstraint(_one_of(RowState, "state"), name="state"),
    sa.Index("ix_import_rows_state", "import_id", "state", "number"),
)

expected_files: Final = sa.Table(
    "expected_files",
    metadata,
    sa.Column("feed_id", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    text_column("shop"),
    sa.Column("template", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    text_column("import_id"),
    sa.Column("missed_at", Moment),
    sa.CheckConstraint(_one_of(ExpectedState, "state"), name="state"),
    sa.Index("ix_expected_files_open", "due_at", postgresql_where=sa.text("state <> 'CAME'")),
)

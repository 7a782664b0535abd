"""What is stored of workflows; part of the metadata in `tables.py`."""

from typing import Final

import sqlalchemy as sa

from service.postgres.metadata import Moment, metadata

workflow_versions: Final = sa.Table(
    "workflow_versions",
    metadata,
    # `out_of_stock@1`.
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("first_seen_at", Moment, nullable=False),
)

"""What is stored of notices; part of the metadata in `tables.py`."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from service.domain.desk.notices import DeliveryState, NoticeState
from service.postgres.metadata import Moment, metadata


def _in(values: object) -> str:
    return ", ".join(f"'{each.value}'" for each in values)  # type: ignore[attr-defined]  # an enum


notices: Final = sa.Table(
    "notices",
    metadata,
    sa.Column("notice_id", sa.Text, primary_key=True),
    # Whoever asks again under the same key asks for nothing.
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("template", sa.Text, nullable=False),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("placeholders", JSONB, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("case_id", sa.Text, nullable=False),
    sa.Column("batch_id", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("queued_at", Moment, nullable=False),
    sa.Column("composed_at", Moment),
    sa.Column("title", sa.Text, nullable=False, server_default=""),
    sa.Column("body", sa.Text, nullable=False, server_default=""),
    sa.Column("problem", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("key"),
    sa.CheckConstraint(f"state IN ({_in(NoticeState)})", name="state"),
    sa.Index("ix_notices_queued_at", "queued_at", "notice_id"),
    sa.Index(
        "ix_notices_to_compose",
        "queued_at",
        postgresql_where=sa.text("state = 'QUEUED'"),
    ),
    sa.Index(
        "ix_notices_to_look_at",
        "queued_at",
        "notice_id",
        postgresql_where=sa.text("state IN ('UNCERTAIN', 'DEAD')"),
    ),
    sa.Index("ix_notices_order_id", "order_id", postgresql_where=sa.text("order_id <> ''")),
    sa.Index("ix_notices_case_id", "case_id", postgresql_where=sa.text("case_id <> ''")),
    sa.Index("ix_notices_batch_id", "batch_id", postgresql_where=sa.text("batch_id <> ''")),
    sa.Index("ix_notices_recipient", "recipient", "queued_at", "notice_id"),
)

notice_deliveries: Final = sa.Table(
    "notice_deliveries",
    metadata,
    sa.Column("delivery_id", sa.Text, primary_key=True),
    sa.Column("notice_id", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    # 0 goes first.
    sa.Column("rank", sa.SmallInteger, nullable=False),
    sa.Column("queued_at", Moment, nullable=False),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failing_since", Moment),
    sa.Column("sending_id", sa.Text, nullable=False, server_default=""),
    sa.Column("code", sa.Text, nullable=False, server_default=""),
    sa.Column("sent_at", Moment),
    sa.CheckConstraint(f"state IN ({_in(DeliveryState)})", name="state"),
    sa.CheckConstraint("(state = 'SENT') = (sent_at IS NOT NULL)", name="sent"),
    sa.Index("ix_notice_deliveries_notice_id", "notice_id"),
    sa.Index(
        "ix_notice_deliveries_waiting",
        "channel",
        "address",
        "rank",
        "due_at",
        postgresql_where=sa.text("state = 'WAITING'"),
    ),
    sa.Index(
        "ix_notice_deliveries_sending_id",
        "sending_id",
        postgresql_where=sa.text("sending_id <> ''"),
    ),
)

notice_sendings: Final = sa.Table(
    "notice_sendings",
    metadata,
    sa.Column("sending_id", sa.Text, primary_key=True),
    sa.Column("lease", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("claimed_at", Moment, nullable=False),
    sa.Column("lease_until", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Column("result", sa.Text, nullable=False, server_default=""),
    sa.Column("code", sa.Text, nullable=False, server_default=""),
    sa.Column("count", sa.Integer, nullable=False),
    sa.CheckConstraint("(result = '') = (ended_at IS NULL)", name="ended"),
    sa.Index("ix_notice_sendings_lease", "lease"),
    sa.Index("ix_notice_sendings_address", "channel", "address", "ended_at"),
    sa.Index(
        "ix_notice_sendings_under_way",
        "lease_until",
        postgresql_where=sa.text("ended_at IS NULL"),
    ),
)

# Addresses that bear so many messages a minute; the row is locked by whoever sends there.
notice_lines: Final = sa.Table(
    "notice_lines",
    metadata,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("paused_until", Moment),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
)

# Where somebody is reached: `role:finance`, `customer:buyer-7`, or `order:…`.
notice_contacts: Final = sa.Table(
    "notice_contacts",
    metadata,
    sa.Column("recipient", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("language", sa.Text, nullable=False, server_default=""),
    sa.Column("updated_at", Moment, nullable=False),
)

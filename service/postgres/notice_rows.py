"""Stores notices and where people are reached: the part of every transaction."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from service.application.notice_ports import Contact
from service.domain.desk.grouping import rank
from service.domain.desk.notices import (
    Delivery,
    DeliveryState,
    Notice,
    NoticeAsked,
    NoticeState,
    notice_id_for,
)
from service.domain.desk.taxonomy import Severity
from service.domain.errors import NoticeNotFoundError
from service.postgres import bulk, driver
from service.postgres import notice_tables as tables

# A row, as SQLAlchemy or the driver gives it.
Columns = Any

# What is read of a delivery: the text is its notice's.
DELIVERY: Final = (
    "SELECT notice_deliveries.*, notices.severity, notices.title, notices.body,"
    " notices.template, notices.placeholders"
    " FROM notice_deliveries JOIN notices USING (notice_id)"
)
_DELIVERIES: Final = f"{DELIVERY} WHERE notice_id = %(notice)s ORDER BY delivery_id"
_NOTICE: Final = "SELECT * FROM notices WHERE notice_id = %(notice)s"
_SAVE_DELIVERIES: Final = (
    "UPDATE notice_deliveries SET state = told.state, due_at = told.due_at,"
    " attempts = told.attempts, failing_since = told.failing_since,"
    " sending_id = told.sending_id, code = told.code, sent_at = told.sent_at"
    " FROM jsonb_to_recordset(CAST(%(told)s AS jsonb)) AS told(delivery_id text, state text,"
    " due_at timestamptz, attempts int, failing_since timestamptz, sending_id text, code text,"
    " sent_at timestamptz)"
    " WHERE notice_deliveries.delivery_id = told.delivery_id"
)


class NoticeRows:
    """The part of a transaction that knows notices."""

    _connection: sa.Connection

    def queue_notices(self, asked: Sequence[NoticeAsked], *, at: datetime) -> None:
        """Let people be told, each key once ever."""
        # In one order, so that two who ask for the same do not wait for each other in a ring.
        rows = [_asked_row(each, at) for each in sorted(asked, key=lambda each: each.key)]
        bulk.insert(self._connection, tables.notices, rows, then="ON CONFLICT (key) DO NOTHING")

    def lock_notice(self, notice_id: str) -> Notice:
        """Lock and return a notice with its deliveries, or raise `NoticeNotFoundError`."""
        return read_notice(self._connection, notice_id, is_locked=True)

    def keep_notice(self, notice: Notice) -> None:
        """Store what became of a (locked) notice and its deliveries."""
        table = tables.notices
        self._connection.execute(
            sa.update(table)
            .where(table.c.notice_id == notice.notice_id)
            .values(state=notice.state.value, problem=notice.problem)
        )
        self.save_deliveries(notice.deliveries)

    def set_contact(self, contact: Contact, *, at: datetime) -> None:
        """Write down where somebody is reached, instead of what was known."""
        table = tables.notice_contacts
        self._connection.execute(sa.delete(table).where(table.c.recipient == contact.recipient))
        rows = [
            {
                "recipient": contact.recipient,
                "channel": channel,
                "address": address,
                "language": contact.language,
                "updated_at": at,
            }
            for channel, address in dict.fromkeys(contact.addresses)
        ]
        if rows:
            # Two who set it at once leave what both said; the next to set it says it alone.
            self._connection.execute(insert(table).on_conflict_do_nothing(), rows)

    def save_deliveries(self, deliveries: Iterable[Delivery]) -> None:
        """Store what became of (locked) deliveries."""
        told = [
            {
                "delivery_id": each.delivery_id,
                "state": each.state.value,
                "due_at": each.due_at.isoformat(),
                "attempts": each.attempts,
                "failing_since": each.failing_since and each.failing_since.isoformat(),
                "sending_id": each.sending_id,
                "code": each.code,
                "sent_at": each.sent_at and each.sent_at.isoformat(),
            }
            for each in deliveries
        ]
        if told:
            driver.change(self._connection, _SAVE_DELIVERIES, {"told": json.dumps(told)})


def read_notice(connection: sa.Connection, notice_id: str, *, is_locked: bool) -> Notice:
    """Return a notice with its deliveries, or raise `NoticeNotFoundError`."""
    # Deliveries before their notice, as whoever reports locks them.
    named = {"notice": notice_id}
    lock = " FOR UPDATE OF notice_deliveries" if is_locked else ""
    deliveries = driver.named(connection, _DELIVERIES + lock, named)
    found = driver.named(connection, _NOTICE + (" FOR UPDATE" if is_locked else ""), named)
    if not found:
        raise NoticeNotFoundError(notice=notice_id)
    return notice_from(found[0], tuple(delivery_from(each) for each in deliveries))


def notice_from(row: Columns, deliveries: tuple[Delivery, ...] = ()) -> Notice:
    """Return columns as a notice."""
    return Notice(
        notice_id=row["notice_id"],
        asked=NoticeAsked(
            key=row["key"],
            template=row["template"],
            recipient=row["recipient"],
            values=row["placeholders"],
            order_id=row["order_id"],
            case_id=row["case_id"],
            batch_id=row["batch_id"],
            severity=Severity(row["severity"]),
            language=row["language"],
        ),
        state=NoticeState(row["state"]),
        queued_at=row["queued_at"],
        composed_at=row["composed_at"],
        title=row["title"],
        body=row["body"],
        problem=row["problem"],
        deliveries=deliveries,
    )


def delivery_from(row: Columns) -> Delivery:
    """Return columns as a delivery."""
    return Delivery(
        delivery_id=row["delivery_id"],
        notice_id=row["notice_id"],
        channel=row["channel"],
        address=row["address"],
        state=DeliveryState(row["state"]),
        queued_at=row["queued_at"],
        due_at=row["due_at"],
        severity=Severity(row["severity"]),
        attempts=row["attempts"],
        failing_since=row["failing_since"],
        sending_id=row["sending_id"],
        code=row["code"],
        sent_at=row["sent_at"],
        title=row["title"],
        body=row["body"],
        template=row["template"],
        values=row["placeholders"],
    )


def delivery_row(delivery: Delivery) -> dict[str, Any]:
    """Return a fresh delivery as columns."""
    return {
        "delivery_id": delivery.delivery_id,
        "notice_id": delivery.notice_id,
        "channel": delivery.channel,
        "address": delivery.address,
        "state": delivery.state.value,
        "rank": rank(delivery.severity),
        "queued_at": delivery.queued_at,
        "due_at": delivery.due_at,
        "sent_at": delivery.sent_at,
    }


def _asked_row(asked: NoticeAsked, at: datetime) -> Mapping[str, Any]:
    return {
        "notice_id": notice_id_for(asked.key),
        "key": asked.key,
        "template": asked.template,
        "recipient": asked.recipient,
        "placeholders": dict(asked.values),
        "order_id": asked.order_id,
        "case_id": asked.case_id,
        "batch_id": asked.batch_id,
        "severity": asked.severity.value,
        "language": asked.language,
        "state": NoticeState.QUEUED.value,
        "queued_at": at,
    }

"""Stores how notices are composed and delivered: attempts, addresses with a limit, leases."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from service.application.notice_ports import Contact
from service.domain.desk.grouping import GROUPED, MINUTE, Line
from service.domain.desk.notices import Delivery, Notice, Sending, SendResult
from service.domain.errors import SendingEndedError
from service.postgres import bulk, driver
from service.postgres import notice_tables as tables
from service.postgres.notice_rows import (
    DELIVERY,
    NoticeRows,
    delivery_from,
    delivery_row,
    notice_from,
)

# A row, as SQLAlchemy or the driver gives it.
Columns = Any

_QUEUED: Final = (
    "SELECT * FROM notices WHERE state = 'QUEUED' ORDER BY queued_at LIMIT %(most)s"
    " FOR UPDATE SKIP LOCKED"
)
_COMPOSED: Final = (
    "UPDATE notices SET state = told.state, composed_at = told.composed_at, title = told.title,"
    " body = told.body, problem = told.problem"
    " FROM jsonb_to_recordset(CAST(%(rows)s AS jsonb)) AS told(notice_id text, state text,"
    " composed_at timestamptz, title text, body text, problem text)"
    " WHERE notices.notice_id = told.notice_id"
)
_LINES: Final = (
    "SELECT * FROM notice_lines WHERE channel = ANY(%(channels)s)"
    " AND (paused_until IS NULL OR paused_until <= %(now)s)"
    " AND EXISTS (SELECT FROM notice_deliveries WHERE state = 'WAITING'"
    "  AND notice_deliveries.channel = notice_lines.channel"
    "  AND notice_deliveries.address = notice_lines.address AND due_at <= %(now)s)"
    " ORDER BY channel, address FOR UPDATE SKIP LOCKED"
)
_RECENT: Final = (
    "SELECT ended_at FROM notice_sendings WHERE channel = %(channel)s AND address = %(address)s"
    " AND (ended_at IS NULL OR ended_at > %(since)s)"
)
_WAITING: Final = (
    f"{DELIVERY} WHERE notice_deliveries.state = 'WAITING' AND channel = %(channel)s"
    " AND address = %(address)s AND due_at <= %(now)s"
    " ORDER BY rank, notice_deliveries.queued_at, delivery_id LIMIT %(most)s"
    " FOR UPDATE OF notice_deliveries SKIP LOCKED"
)
_SINGLE: Final = (
    f"{DELIVERY} WHERE notice_deliveries.state = 'WAITING' AND channel = ANY(%(channels)s)"
    " AND due_at <= %(now)s ORDER BY rank, due_at, delivery_id LIMIT %(most)s"
    " FOR UPDATE OF notice_deliveries SKIP LOCKED"
)
_UNDER_WAY: Final = (
    "UPDATE notice_deliveries SET state = 'SENDING', sending_id = %(sending)s"
    " WHERE delivery_id = ANY(%(deliveries)s)"
)
_OF_SENDINGS: Final = (
    f"{DELIVERY} WHERE sending_id = ANY(%(sendings)s) AND sending_id <> ''"
    " ORDER BY rank, notice_deliveries.queued_at, delivery_id"
)
_LAPSED: Final = (
    "SELECT * FROM notice_sendings WHERE ended_at IS NULL AND lease_until < %(now)s"
    " ORDER BY lease_until LIMIT %(most)s FOR UPDATE SKIP LOCKED"
)
_ENDED: Final = (
    "UPDATE notice_sendings SET ended_at = %(at)s, result = %(result)s, code = %(code)s"
    " WHERE sending_id = %(sending)s"
)
# Two who report on one notice: the second looks when the first is done.
_LOCK_NOTICES: Final = (
    "SELECT FROM notices WHERE notice_id = ANY(%(notices)s) ORDER BY notice_id FOR UPDATE"
)
# A notice is where the least lucky of its deliveries is; see `state_of`.
_FOLLOW: Final = (
    "UPDATE notices SET state = found.state FROM ("
    " SELECT notice_id, CASE"
    "  WHEN bool_or(state = 'UNCERTAIN') THEN 'UNCERTAIN'"
    "  WHEN bool_or(state = 'DEAD') THEN 'DEAD'"
    "  WHEN bool_and(state = 'SENT') THEN 'SENT' ELSE 'WAITING' END AS state"
    " FROM notice_deliveries WHERE notice_id = ANY(%(notices)s) GROUP BY notice_id) AS found"
    " WHERE notices.notice_id = found.notice_id AND notices.state <> found.state"
)


class NoticeDelivering(NoticeRows):
    """Implements `service.application.notice_ports.NoticeDesk`."""

    _connection: sa.Connection

    def claim_queued(self, *, most: int) -> list[Notice]:
        """Lock and return notices that are not composed, oldest first."""
        return [notice_from(each) for each in self._rows(_QUEUED, most=most)]

    def contacts_of(self, recipients: Sequence[str]) -> dict[str, Contact]:
        """Return where people are reached; who is not known is not there."""
        statement = (
            "SELECT * FROM notice_contacts WHERE recipient = ANY(%(recipients)s)"
            " ORDER BY recipient, channel, address"
        )
        found: dict[str, Contact] = {}
        for row in self._rows(statement, recipients=list(recipients)):
            known = found.get(row["recipient"], Contact(row["recipient"], ()))
            reached = (*known.addresses, (row["channel"], row["address"]))
            found[row["recipient"]] = Contact(row["recipient"], reached, row["language"])
        return found

    def customers_of(self, order_ids: Sequence[str]) -> dict[str, str]:
        """Return the customer of each order."""
        statement = "SELECT order_id, customer FROM orders WHERE order_id = ANY(%(orders)s)"
        rows = driver.rows(self._connection, statement, {"orders": list(order_ids)})
        return dict(rows)

    def keep_composed(self, notices: Sequence[Notice]) -> None:
        """Store composed notices with their fresh deliveries."""
        rows = [
            {
                "notice_id": each.notice_id,
                "state": each.state.value,
                "composed_at": each.composed_at,
                "title": each.title,
                "body": each.body,
                "problem": each.problem,
            }
            for each in notices
        ]
        if not rows:
            return
        driver.change(self._connection, _COMPOSED, {"rows": bulk.document(rows)})
        fresh = [one for each in notices for one in each.deliveries]
        bulk.insert(
            self._connection,
            tables.notice_deliveries,
            [delivery_row(each) for each in fresh],
            then="ON CONFLICT DO NOTHING",
        )
        lines = sorted({(each.channel, each.address) for each in fresh if each.channel in GROUPED})
        bulk.insert(
            self._connection,
            tables.notice_lines,
            [{"channel": channel, "address": address} for channel, address in lines],
            then="ON CONFLICT DO NOTHING",
        )

    def sendings_of(self, lease: str) -> list[Sending]:
        """Return what was claimed under a lease, with the deliveries that are under way."""
        statement = "SELECT * FROM notice_sendings WHERE lease = %(lease)s ORDER BY sending_id"
        return self._with_deliveries(self._rows(statement, lease=lease))

    def lock_lines(self, channels: Sequence[str], now: datetime) -> list[Line]:
        """Lock and return addresses of grouped channels to which something is due."""
        rows = self._rows(_LINES, channels=list(channels), now=now)
        return [self._line(each, now) for each in rows]

    def waiting_for(self, line: Line, now: datetime, *, most: int) -> list[Delivery]:
        """Return what is due to a (locked) address: most urgent first, then oldest."""
        rows = self._rows(_WAITING, channel=line.channel, address=line.address, now=now, most=most)
        return [delivery_from(each) for each in rows]

    def claim_single(self, channels: Sequence[str], now: datetime, *, most: int) -> list[Delivery]:
        """Lock and return deliveries that are due and go alone."""
        rows = self._rows(_SINGLE, channels=list(channels), now=now, most=most)
        return [delivery_from(each) for each in rows]

    def begin_sendings(self, sendings: Sequence[Sending]) -> None:
        """Store fresh attempts; their deliveries are under way."""
        rows = [
            {
                "sending_id": each.sending_id,
                "lease": each.lease,
                "channel": each.channel,
                "address": each.address,
                "claimed_at": each.claimed_at,
                "lease_until": each.lease_until,
                "count": len(each.deliveries),
            }
            for each in sendings
        ]
        bulk.insert(self._connection, tables.notice_sendings, rows)
        for each in sendings:
            under_way = [one.delivery_id for one in each.deliveries]
            driver.change(
                self._connection, _UNDER_WAY, {"sending": each.sending_id, "deliveries": under_way}
            )

    def lock_sending(self, sending_id: str) -> Sending:
        """Lock and return an attempt with its deliveries, or raise `SendingEndedError`."""
        statement = "SELECT * FROM notice_sendings WHERE sending_id = %(sending)s FOR UPDATE"
        found = self._with_deliveries(self._rows(statement, sending=sending_id), is_locked=True)
        if not found:
            raise SendingEndedError(sending=sending_id)
        return found[0]

    def claim_lapsed(self, now: datetime, *, most: int) -> list[Sending]:
        """Lock and return attempts whose lease ended unreported."""
        return self._with_deliveries(self._rows(_LAPSED, now=now, most=most), is_locked=True)

    def end_sending(self, sending: Sending) -> None:
        """Store what came of a (locked) attempt, its deliveries, and their notices' states."""
        result = sending.result.value if sending.result else ""
        told = {"sending": sending.sending_id, "at": sending.ended_at, "result": result}
        driver.change(self._connection, _ENDED, {**told, "code": sending.code})
        self.save_deliveries(sending.deliveries)
        notices = sorted({each.notice_id for each in sending.deliveries})
        driver.change(self._connection, _LOCK_NOTICES, {"notices": notices})
        driver.change(self._connection, _FOLLOW, {"notices": notices})

    def lock_line(self, channel: str, address: str) -> Line:
        """Lock and return an address of a grouped channel."""
        statement = (
            "SELECT * FROM notice_lines WHERE channel = %(channel)s AND address = %(address)s"
            " FOR UPDATE"
        )
        row = self._rows(statement, channel=channel, address=address)[0]
        return Line(channel, address, row["paused_until"], row["failures"])

    def keep_line(self, line: Line) -> None:
        """Store until when a (locked) address is left alone."""
        statement = (
            "UPDATE notice_lines SET paused_until = %(until)s, failures = %(failures)s"
            " WHERE channel = %(channel)s AND address = %(address)s"
        )
        told = {"until": line.paused_until, "failures": line.failures}
        where = {"channel": line.channel, "address": line.address}
        driver.change(self._connection, statement, {**told, **where})

    def _line(self, row: Columns, now: datetime) -> Line:
        where = {"channel": row["channel"], "address": row["address"], "since": now - MINUTE}
        recent = driver.rows(self._connection, _RECENT, where)
        return Line(
            row["channel"],
            row["address"],
            row["paused_until"],
            row["failures"],
            tuple(ended for (ended,) in recent),
        )

    def _with_deliveries(
        self, rows: Sequence[Columns], *, is_locked: bool = False
    ) -> list[Sending]:
        lock = " FOR UPDATE OF notice_deliveries" if is_locked else ""
        found: dict[str, list[Delivery]] = defaultdict(list)
        names = [each["sending_id"] for each in rows]
        for row in self._rows(_OF_SENDINGS + lock, sendings=names) if names else ():
            found[row["sending_id"]].append(delivery_from(row))
        return [
            replace(_sending_from(each), deliveries=tuple(found[each["sending_id"]]))
            for each in rows
        ]

    def _rows(self, statement: str, **values: object) -> list[Columns]:
        return driver.named(self._connection, statement, values)


def _sending_from(row: Columns) -> Sending:
    return Sending(
        sending_id=row["sending_id"],
        lease=row["lease"],
        channel=row["channel"],
        address=row["address"],
        claimed_at=row["claimed_at"],
        lease_until=row["lease_until"],
        ended_at=row["ended_at"],
        result=SendResult(row["result"]) if row["result"] else None,
        code=row["code"],
    )

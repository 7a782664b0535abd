"""Reads notices, without locks."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa

from service.application.notice_ports import NoticeQuery
from service.domain.desk.notices import INBOX, Delivery, Notice, NoticeState
from service.postgres import driver
from service.postgres import notice_tables as tables
from service.postgres.newest_first import NewestFirst
from service.postgres.notice_rows import DELIVERY, delivery_from, notice_from, read_notice
from service.postgres.translating import translated

# Of what is sent nobody needs the number, and counting it would take longer every day.
_COUNTS: Final = (
    "SELECT state, count(*) FROM notices"
    " WHERE state IN ('QUEUED', 'WAITING', 'UNCERTAIN', 'DEAD') GROUP BY state"
)


class PostgresNoticeReader:
    """Implements `service.application.notice_ports.NoticeReader`."""

    def __init__(self, engine: sa.Engine) -> None:
        """Take the engine."""
        self._engine = engine

    def notice(self, notice_id: str) -> Notice:
        """Return a notice with its deliveries, or raise `NoticeNotFoundError`."""
        with translated(), self._engine.connect() as connection:
            return read_notice(connection, notice_id, is_locked=False)

    def notices(self, query: NoticeQuery) -> tuple[Sequence[Notice], str]:
        """List notices, newest first, and the next page's token."""
        table = tables.notices
        newest = NewestFirst("notices", table.c.queued_at, (table.c.notice_id,))
        wanted = sa.select(table).where(*_where(query))
        wanted = newest.asked(wanted, query.page_size, query.page_token)
        with translated(), self._engine.connect() as connection:
            found = connection.execute(wanted).mappings().all()
            page, token = newest.cut(found, query.page_size)
            deliveries = _deliveries(connection, [each["notice_id"] for each in page])
        notices = [notice_from(each, tuple(deliveries[each["notice_id"]])) for each in page]
        return notices, token

    def notice_counts(self) -> Mapping[NoticeState, int]:
        """Return how many notices are queued, wait, are uncertain, are dead."""
        with translated(), self._engine.connect() as connection:
            return {NoticeState(state): n for state, n in driver.rows(connection, _COUNTS)}


def _where(query: NoticeQuery) -> list[sa.ColumnElement[bool]]:
    table = tables.notices
    equal = {
        "recipient": query.recipient,
        "order_id": query.order_id,
        "case_id": query.case_id,
        "batch_id": query.batch_id,
        "template": query.template,
        "state": query.state.value if query.state else "",
    }
    where: list[sa.ColumnElement[bool]] = [
        table.c[name] == value for name, value in equal.items() if value
    ]
    if query.inbox:
        lies = tables.notice_deliveries
        where.append(
            sa.exists().where(
                lies.c.notice_id == table.c.notice_id,
                lies.c.channel == INBOX,
                lies.c.address == query.inbox,
            )
        )
    return where


def _deliveries(connection: sa.Connection, names: Sequence[str]) -> dict[str, list[Delivery]]:
    found: dict[str, list[Delivery]] = defaultdict(list)
    if names:
        statement = f"{DELIVERY} WHERE notice_id = ANY(%(notices)s) ORDER BY delivery_id"
        for row in driver.named(connection, statement, {"notices": list(names)}):
            found[row["notice_id"]].append(delivery_from(row))
    return found

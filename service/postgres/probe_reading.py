"""Reads probes, without locks."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from service.application.probe_ports import Backlog, ProbeQuery
from service.domain.errors import ProbeNotFoundError
from service.domain.probing import Probe, ProbeState
from service.postgres import tables
from service.postgres.moments import to_text
from service.postgres.probe_rows import probe_from
from service.postgres.tokens import make_token, open_token
from service.postgres.translating import translated

_BACKLOG: Final = sa.text(
    """
SELECT provider, count(*) FILTER (WHERE wake_at <= :now) AS due,
       min(due_at) FILTER (WHERE wake_at <= :now) AS oldest_due_at
FROM probes WHERE state = 'ARMED' GROUP BY provider ORDER BY provider
"""
)


class ProbeReading:
    """The part of the reader that knows probes."""

    _engine: sa.Engine

    def probe(self, probe_id: str) -> Probe:
        """Return a probe, or raise `ProbeNotFoundError`."""
        table = tables.probes
        with translated(), self._engine.connect() as connection:
            row = connection.execute(sa.select(table).where(table.c.probe_id == probe_id))
            found = row.mappings().first()
        if found is None:
            raise ProbeNotFoundError(probe=probe_id)
        return probe_from(found)

    def probes(self, query: ProbeQuery) -> tuple[Sequence[Probe], str]:
        """List probes, soonest due first, and the next page's token."""
        table = tables.probes
        where: list[sa.ColumnElement[bool]] = []
        if query.order_id:
            where.append(table.c.order_id == query.order_id)
        if query.state:
            where.append(table.c.state == query.state.value)
        if query.provider:
            where.append(table.c.provider == query.provider)
        if query.page_token:
            at, probe_id = open_token("probes", query.page_token, datetime, str)
            after = sa.tuple_(sa.literal(at), sa.literal(probe_id))
            where.append(sa.tuple_(table.c.due_at, table.c.probe_id) > after)
        with translated(), self._engine.connect() as connection:
            rows = connection.execute(
                sa.select(table)
                .where(*where)
                .order_by(table.c.due_at, table.c.probe_id)
                .limit(query.page_size + 1)
            ).mappings()
            found = [probe_from(each) for each in rows]
        page = found[: query.page_size]
        more = len(found) > query.page_size
        token = make_token("probes", to_text(page[-1].due_at), page[-1].probe_id) if more else ""
        return page, token

    def verifications(self, order_ids: Sequence[str]) -> Mapping[str, Sequence[Probe]]:
        """Return the armed probes of orders, soonest due first."""
        table = tables.probes
        found: dict[str, list[Probe]] = defaultdict(list)
        if order_ids:
            with translated(), self._engine.connect() as connection:
                rows = connection.execute(
                    sa.select(table)
                    .where(
                        table.c.order_id.in_(order_ids),
                        table.c.state == ProbeState.ARMED.value,
                    )
                    .order_by(table.c.due_at, table.c.probe_id)
                ).mappings()
                for row in rows:
                    found[row["order_id"]].append(probe_from(row))
        return found

    def probe_backlog(self, now: datetime) -> Sequence[Backlog]:
        """Return what is due, for each provider that has armed probes."""
        with translated(), self._engine.connect() as connection:
            rows = connection.execute(_BACKLOG, {"now": now})
            return [Backlog(row.provider, row.due, row.oldest_due_at) for row in rows]

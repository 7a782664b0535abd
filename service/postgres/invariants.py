"""Asks the database for what violates an invariant, one page at a time, and writes nothing.

A page is one snapshot (REPEATABLE READ, read-only) of a bounded number of rows, so that traffic
beside it never looks like a violation, and a database with a million orders takes longer and
nothing else. Within a page an order is read whole: rows, facts, cases and deadlines of one moment.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from service.application.invariants import AuditPage
from service.application.outbox import Stream
from service.domain.errors import CursorInvalidError, OrderNotFoundError
from service.domain.invariants import Tally
from service.postgres.engine import begin_snapshot
from service.postgres.invariant_bounds import Bounds, Walk
from service.postgres.invariant_orders import OrderWalk
from service.postgres.invariant_queries import (
    HeadWalk,
    OutboxWalk,
    ParkedFactWalk,
    ProbeWalk,
    ReceiptWalk,
    RequestWalk,
)
from service.postgres.invariant_settings import SettingWalk
from service.postgres.tokens import make_token, open_token
from service.postgres.translating import translated

# A page of the largest orders that there are must end within the time limit of a statement.
PAGE_MOST: Final = 5_000

# A minute: the alarms for a relay or a clockwork that stands still ring after half of it.
LATE: Final = timedelta(minutes=1)
# The article's scan: what a provider is to be asked is asked within it.
PROBES_LATE: Final = timedelta(minutes=15)
# The usual grace of money without an order, and what the clockwork may take.
ORPHANED: Final = timedelta(minutes=16)

# Statistics lag behind tables that grow: keep to the indexes that the walks are made for.
_BY_INDEX: Final = sa.text(
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;"
    " SET LOCAL enable_sort = off; SET LOCAL enable_hashagg = off; SET LOCAL jit = off"
)
_NOW: Final = sa.select(sa.func.clock_timestamp())


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late is too late."""

    work: timedelta = LATE
    probes: timedelta = PROBES_LATE
    orphans: timedelta = ORPHANED

    def at(self, moment: datetime) -> Bounds:
        """Return the bounds as of this moment."""
        return Bounds(moment, self.work, self.probes, self.orphans)


# Gives a connection in a transaction that is one snapshot.
Snapshots = Callable[[], AbstractContextManager[sa.Connection]]


def snapshots(engine: sa.Engine) -> Snapshots:
    """Return what opens a snapshot that writes nothing, each on a connection of the engine."""

    @contextmanager
    def opened() -> Iterator[sa.Connection]:
        with engine.connect() as connection:
            begin_snapshot(connection)
            yield connection

    return opened


def snapshots_on(connection: sa.Connection) -> Snapshots:
    """Return what opens each snapshot on this one connection, which `reading` has prepared."""

    @contextmanager
    def opened() -> Iterator[sa.Connection]:
        with connection.begin():
            yield connection

    return opened


def reading(connection: sa.Connection) -> sa.Connection:
    """Return the connection with each of its transactions one snapshot that writes nothing."""
    return connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


class PostgresAudit:
    """Implements `service.application.invariants.Audit`."""

    def __init__(
        self,
        snapshots: Snapshots,
        *,
        topics: Mapping[Stream, str],
        lateness: Lateness | None = None,
    ) -> None:
        """Take what opens snapshots, what the topics are called, and how late is too late."""
        self._snapshot = snapshots
        self._lateness = lateness or Lateness()
        self._orders = OrderWalk(topics[Stream.ORDERS])
        self._walks: Sequence[Walk] = (
            SettingWalk(),
            OutboxWalk(topics[Stream.ORDERS]),
            self._orders,
            RequestWalk(),
            ReceiptWalk(),
            ParkedFactWalk(),
            ProbeWalk(),
            HeadWalk(customers=topics[Stream.CUSTOMERS], profiles=topics[Stream.PROFILES]),
        )

    def page(self, token: str = "", *, size: int = 0) -> AuditPage:
        """Look at the next rows, all of one moment; see `service.application.invariants.Audit`."""
        index, after = self._place(token)
        walk, tally = self._walks[index], Tally()
        with translated(), self._snapshot() as connection:
            bounds = self._begin(connection)
            reached = walk.step(connection, after, min(size or walk.size, PAGE_MOST), bounds, tally)
        if reached is not None:
            return AuditPage(tally.findings, make_token("audit", walk.name, reached))
        following = self._walks[index + 1 : index + 2]
        token = make_token("audit", following[0].name, "") if following else ""
        return AuditPage(tally.findings, token)

    def order(self, order_id: str) -> AuditPage:
        """Look at one order, or raise `OrderNotFoundError`."""
        tally = Tally()
        with translated(), self._snapshot() as connection:
            if not self._orders.knows(connection, order_id):
                raise OrderNotFoundError(order=order_id)
            self._orders.look(connection, [order_id], self._begin(connection), tally)
        return AuditPage(tally.findings)

    def _place(self, token: str) -> tuple[int, str]:
        if not token:
            return 0, ""
        name, after = open_token("audit", token, str, str)
        names = [each.name for each in self._walks]
        if name not in names:
            raise CursorInvalidError(token=token[:40])
        return names.index(name), after

    def _begin(self, connection: sa.Connection) -> Bounds:
        connection.execute(_BY_INDEX)
        return self._lateness.at(connection.execute(_NOW).scalar_one())

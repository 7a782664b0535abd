"""What service, relay and auditor do by themselves, again and again, while the database grows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa

from benchmarks.growth_orders import Orders
from benchmarks.serving import Serving
from service.application.invariants import Audit
from service.application.probing import Probing
from service.application.waiting import Waiting
from service.domain.terms import USUAL
from service.kafka.encoding import ProtobufEncoder, ProtobufEnvelopes
from service.kafka.topics import NAMES
from service.postgres.insights import JournalMeasures
from service.postgres.invariants import PostgresAudit, snapshots
from service.postgres.outbox_queue import PostgresRelayQueue
from service.postgres.reader import PostgresReader
from service.postgres.storage import PostgresStorage
from service.postgres.tokens import make_token

# Where the auditor's walks begin: in the middle of what is stored, or at the beginning where what
# they go over does not grow.
PLACES: Final = {
    "settings": "",
    "outbox": "",
    "orders": "ord-8",
    "requests": "8",
    "receipts": "rcp-8",
    "facts": "",
    "probes": "prb-8",
    "heads": "",
}
# So few that there are as many at the smallest size, too.
AUDITED: Final = 50
WAITING: Final = 2_000
CLAIMED: Final = 500
MEBIBYTE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Job:
    """Something that is done by itself."""

    what: str
    work: Callable[[], object]
    # Over how much it goes, where that is all there is.
    items: int = 1


class Clockwork:
    """The parts of service, relay and auditor that look for work, on one connection each."""

    def __init__(self, world: Serving, engine: sa.Engine) -> None:
        self._world = world
        storage = PostgresStorage(engine, ProtobufEnvelopes())
        self._reader = PostgresReader(engine)
        self._waiting = Waiting(storage, ProtobufEncoder(), _now)
        self._probing = Probing(storage, ProtobufEncoder(), _now, USUAL)
        self._audit = PostgresAudit(snapshots(engine), topics=NAMES)
        self._measures = JournalMeasures(engine)
        self._queue = PostgresRelayQueue(
            world.servers.database_url, owner="benchmark", topics=NAMES, ids=str
        )
        self._queue.take_shards()

    def close(self) -> None:
        """Let go of the relay's connection."""
        self._queue.release()

    def jobs(self, orders: Orders) -> Iterator[Job]:
        """Yield what is done again and again."""
        self._world.rows(_LEAVE_SOME, (WAITING,))
        yield Job("relay: claim 500", lambda: self._queue.claim((), rows=CLAIMED, size=MEBIBYTE))
        yield Job("relay: backlog", self._queue.backlog)
        yield Job("relay: forget what was published", self._queue.prune)
        yield Job("deadlines that passed", self._waiting.expire_due)
        yield Job("money without an order", self._waiting.report_orphans)
        yield Job("receipts without an outcome", self._waiting.republish_stale)
        yield Job("answers to forget", self._waiting.forget_answers)
        yield Job("sweep for orders without a probe, an order", self._sweep, orders.waiting)
        yield Job("count of armed probes, a probe", self._count, orders.waiting)
        yield Job("watchers: changes since", self._feed(self._reader.feed_start()))
        for walk, after in PLACES.items():
            token = make_token("audit", walk, after)
            yield Job(f"auditor: a page of {walk}", _page(self._audit, token))

    def must_find_nothing_wrong(self, orders: Sequence[str]) -> None:
        """Raise where a copy is not as the service would have written it."""
        for each in orders:
            for finding in self._audit.order(each).findings:
                if finding.violations:
                    raise RuntimeError(f"{finding.violations[0]}")

    def _feed(self, cursor: str) -> Callable[[], object]:
        return lambda: self._reader.feed(cursor, order_id="", channel="", most=100)

    def _count(self) -> None:
        self._reader.probe_backlog(_now())

    def _sweep(self) -> None:
        after = ""
        while True:
            _, after = self._probing.sweep(after)
            if not after:
                return


def _page(audit: Audit, token: str) -> Callable[[], object]:
    return lambda: audit.page(token, size=AUDITED)


def _now() -> datetime:
    return datetime.now(UTC)


# What the relay has yet to publish: as much at each size.
_LEAVE_SOME: Final = """
WITH waiting AS (UPDATE outbox SET published_at = clock_timestamp() WHERE published_at IS NULL)
INSERT INTO outbox (shard, topic, key, n, payload, headers)
SELECT number %% 16, topic, 'waits-' || clock_timestamp() || number, 1, payload, headers
FROM (SELECT * FROM outbox WHERE n IS NOT NULL LIMIT 1) AS t, generate_series(1, %s) AS number
"""

"""The relay's side of the outbox, on one connection that also holds the locks of its shards.

A shard is locked for as long as the session lives, so a relay that lost its connection has lost
its shards and finds out with its next statement. What it sent meanwhile it cannot mark: marking
asks for the epoch that was written down with the lock (a repeat costs bandwidth, consumers drop
it by number). The connection must lead to PostgreSQL itself; a transaction pooler leaks session
locks.

To mark a row is to delete it, where its message is kept elsewhere; rows of one shard in sixteen,
and of topics without a history, stay for an hour with the time at which they were published
(ADR 0017).
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import orjson
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from service.application.outbox import (
    SHARDS,
    Backlog,
    BrokerLife,
    Claim,
    NewLife,
    OutboxRow,
    Stream,
    StreamKey,
)
from service.postgres import outbox_history
from service.postgres.engine import APPLICATION_ROLE, database_url
from service.postgres.outbox_history import LIFE_LOCK, LOCKS
from service.postgres.patience import Watchdog
from service.postgres.translating import translated

# Without tcp_user_timeout a cut network is noticed after 45 s and more. PostgreSQL must notice it,
# too, and by itself would after two hours: until then nobody else gets the locks. Nothing the
# relay asks takes seconds but the republishing of history, which raises the limit for itself.
STATEMENT_TIMEOUT_S: Final = 15
CONNECT: Final[Mapping[str, Any]] = {
    "application_name": "concord-relay",
    "connect_timeout": 3,
    "tcp_user_timeout": 5_000,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "options": f"-c role={APPLICATION_ROLE} -c statement_timeout={STATEMENT_TIMEOUT_S}s"
    " -c timezone=UTC -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2"
    " -c tcp_keepalives_count=2 -c tcp_user_timeout=5000",
}

# What is marked stays for an hour after it was published: long enough to look at, short enough to
# keep the table small. 5,000 deletes take about 50 ms.
PRUNE_ROWS_MAX: Final = 5_000

LOCK: Final = text(
    "SELECT shard, pg_try_advisory_lock(:locks, shard) AS is_ours"
    " FROM unnest(CAST(:shards AS int[])) AS shard"
)

TAKE: Final = text(
    "INSERT INTO relay_epochs (shard, epoch, owner)"
    " SELECT shard, 1, :owner FROM unnest(CAST(:shards AS int[])) AS shard"
    " ON CONFLICT (shard) DO UPDATE SET epoch = relay_epochs.epoch + 1,"
    " owner = excluded.owner, taken_at = clock_timestamp()"
    " RETURNING shard, epoch"
)

NOT_PARKED: Final = (
    "NOT EXISTS (SELECT FROM parked_streams AS p WHERE p.topic = o.topic AND p.key = o.key)"
)

SKIPPED: Final = """
    SELECT topic, key FROM parked_streams UNION ALL
    SELECT topic, key FROM unnest(CAST(:topics AS text[]), CAST(:keys AS text[])) AS w(topic, key)
"""

# One ordered scan of the partial index: the limit ends it, so a claim reads no more rows than it
# returns (and those it must pass over). A relay holds all shards or none, but while others leave.
CLAIM: Final = text(f"""
    WITH skipped AS MATERIALIZED ({SKIPPED}), oldest AS (
        SELECT id, topic, key, n, payload, headers::text,
               shard = :kept_shard OR topic <> ALL(:kept_elsewhere) AS is_kept
        FROM outbox
        WHERE published_at IS NULL AND shard = ANY(CAST(:shards AS smallint[]))
        AND (topic, key) NOT IN (SELECT topic, key FROM skipped)
        ORDER BY id LIMIT :rows
    )
    SELECT id, topic, key, n, payload, headers, is_kept,
           (SELECT max(epoch) FROM broker_lives) AS epoch
    FROM (
        SELECT *, sum(octet_length(payload)) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING)
            AS size_so_far FROM oldest
    ) AS sized
    WHERE size_so_far - octet_length(payload) < :size
    ORDER BY id
""")  # noqa: S608  # All of it is ours.

# Statistics are stale exactly when a backlog has just grown: the planner would read or sort all.
BY_INDEX: Final = text(
    "SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off; SET jit = off"
)

# Which shards are still ours is found out once, not for each row: that cost 4 µs of each.
OURS: Final = """
    o.published_at IS NULL AND :life = (SELECT max(epoch) FROM broker_lives)
    AND o.shard = ANY(ARRAY(
        SELECT e.shard FROM relay_epochs AS e
        JOIN unnest(CAST(:shards AS int[]), CAST(:epochs AS bigint[])) AS held (shard, epoch)
        USING (shard, epoch)))
"""

# What was sent in a life of the broker that is over by now, or is just ending, is not marked: it
# may be too new for the history that comes in the next one, and then goes out again by itself. So
# marks wait while a life begins, and look at it only then, with a snapshot of their own.
#
# To delete costs a fifth of marking: it moves nothing, and no index gets an entry.
MARK: Final = text(f"""
    SELECT pg_advisory_xact_lock_shared(:locks, :beginning);
    WITH gone AS (
        DELETE FROM outbox AS o WHERE o.id = ANY(CAST(:gone AS bigint[])) AND {OURS}
        RETURNING 1
    ), kept AS (
        UPDATE outbox AS o SET published_at = clock_timestamp()
        WHERE o.id = ANY(CAST(:kept AS bigint[])) AND {OURS} RETURNING 1
    )
    SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM kept)
""")  # noqa: S608  # All of it is ours.

BEHIND: Final = text(
    f"SELECT EXISTS (SELECT FROM outbox WHERE published_at IS NULL"  # noqa: S608  # Ours.
    " AND (id < 0 OR created_at < clock_timestamp() - make_interval(secs => :age_s))"
    f" AND (topic, key) NOT IN ({SKIPPED}))"
)

BACKLOG: Final = text(
    "SELECT count(*) AS messages,"  # noqa: S608  # All of it is ours.
    " coalesce(extract(epoch FROM clock_timestamp() - min(o.created_at)), 0)::float8 AS age_s,"
    " (SELECT count(*) FROM parked_streams) AS parked,"
    " (SELECT coalesce(max(epoch), 0) FROM broker_lives) AS epoch"
    f" FROM outbox AS o WHERE o.published_at IS NULL AND {NOT_PARKED}"
)

FAIL: Final = text(
    "UPDATE outbox SET attempts = attempts + 1, last_error = :error WHERE id = :id"
    " RETURNING attempts"
)

PARK: Final = text(
    "INSERT INTO parked_streams (topic, key, attempts, last_error)"
    " VALUES (:topic, :key, :attempts, :error) ON CONFLICT (topic, key) DO NOTHING"
)

PRUNE: Final = text(
    "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox"
    " WHERE published_at < now() - interval '1 hour' ORDER BY published_at LIMIT :most)"
)


def read_backlog(connection: Connection) -> Backlog:
    """Return how much waits, and for how long."""
    row = connection.execute(BACKLOG).one()
    return Backlog(row.messages, row.age_s, row.parked, row.epoch)


class PostgresRelayQueue:
    """Implements `RelayQueue`. Not for use by two threads."""

    def __init__(
        self,
        url: str,
        *,
        owner: str,
        topics: Mapping[Stream, str],
        ids: Callable[[], str],
        shards: Sequence[int] = tuple(range(SHARDS)),
    ) -> None:
        watchdog = Watchdog(STATEMENT_TIMEOUT_S)
        self._engine = create_engine(
            database_url(url),
            poolclass=NullPool,
            connect_args={**CONNECT, **watchdog.connect_args},
        )
        self._owner = owner
        self._topics = topics
        self._ids = ids
        self._shards = tuple(shards)
        self._epochs: dict[int, int] = {}
        self._kept_elsewhere = [topics[stream] for stream in outbox_history.HISTORY]
        # Of the last claim, rows that stay when they are published.
        self._kept: set[int] = set()
        self._life: int | None = None
        self._open: Connection | None = None

    def take_shards(self) -> frozenset[int]:
        missing = [shard for shard in self._shards if shard not in self._epochs]
        first = self._shards[0]
        if first in missing and not self._lock([first]):
            return frozenset()
        self._lock([shard for shard in missing if shard != first])
        return frozenset(self._epochs)

    def _lock(self, shards: Sequence[int]) -> bool:
        if not shards:
            return False
        with self._connected() as connection:
            found = connection.execute(LOCK, {"locks": LOCKS, "shards": list(shards)})
            locked = [row.shard for row in found if row.is_ours]
            taken = connection.execute(TAKE, {"owner": self._owner, "shards": locked})
            self._epochs |= {row.shard: row.epoch for row in taken}
        return bool(locked)

    def release(self) -> None:
        """Let go of every shard, by ending the session."""
        self._epochs.clear()
        connection, self._open = self._open, None
        if connection is not None:
            # Whatever state it is in, the server ends the session with the socket.
            connection.invalidate()
            connection.close()

    def claim(self, waiting: Collection[StreamKey], *, rows: int, size: int) -> Claim:
        values = {
            **_named(waiting),
            "rows": rows,
            "size": size,
            "shards": list(self._epochs),
            "kept_shard": outbox_history.KEPT_SHARD,
            "kept_elsewhere": self._kept_elsewhere,
        }
        with self._connected() as connection:
            found = connection.execute(CLAIM, values).all()
        epoch = found[0].epoch if found else None
        self._kept = {row.id for row in found if row.is_kept}
        self._life = epoch
        return Claim([_row(*row) for row in found], epoch)

    def mark_published(self, row_ids: Sequence[int]) -> int:
        values = {
            "gone": [each for each in row_ids if each not in self._kept],
            "kept": [each for each in row_ids if each in self._kept],
            "shards": list(self._epochs),
            "epochs": list(self._epochs.values()),
            "life": self._life,
            "locks": LOCKS,
            "beginning": LIFE_LOCK,
        }
        with self._connected() as connection:
            return int(connection.execute(MARK, values).scalar_one())

    def record_failure(self, row_id: int, error: str) -> int:
        with self._connected() as connection:
            return connection.execute(FAIL, {"id": row_id, "error": error}).scalar() or 0

    def park(self, stream: StreamKey, *, attempts: int, error: str) -> None:
        values = {"topic": stream.topic, "key": stream.key, "attempts": attempts, "error": error}
        with self._connected() as connection:
            connection.execute(PARK, values)

    def is_behind(self, waiting: Collection[StreamKey], *, age_s: float) -> bool:
        with self._connected() as connection:
            found = connection.execute(BEHIND, {**_named(waiting), "age_s": age_s})
            return bool(found.scalar_one())

    def backlog(self) -> Backlog:
        with self._connected() as connection:
            return read_backlog(connection)

    def prune(self) -> int:
        with self._connected() as connection:
            return connection.execute(PRUNE, {"most": PRUNE_ROWS_MAX}).rowcount

    def newest_life(self) -> BrokerLife | None:
        newest = text("SELECT epoch, marker, started_at FROM broker_lives ORDER BY epoch DESC")
        with self._connected() as connection:
            row = connection.execute(newest).first()
        return BrokerLife(row.epoch, row.marker, row.started_at) if row else None

    def knows_life(self, marker: str) -> bool:
        known = text("SELECT EXISTS (SELECT FROM broker_lives WHERE marker = :marker)")
        with self._connected() as connection:
            return bool(connection.execute(known, {"marker": marker}).scalar_one())

    def begin_life(self) -> NewLife:
        """Begin a life on a connection of its own: this one never has a transaction open."""
        with translated(), self._engine.begin() as connection:
            return outbox_history.begin_life(connection, self._ids(), self._topics)

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with translated():
            if self._open is None:
                autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")
                self._open = autocommit.connect()
                self._open.execute(BY_INDEX)
            yield self._open


def _named(streams: Collection[StreamKey]) -> dict[str, list[str]]:
    return {
        "topics": [stream.topic for stream in streams],
        "keys": [stream.key for stream in streams],
    }


def _row(  # The columns of a claim.
    row_id: int, topic: str, key: str, n: int | None, payload: memoryview, headers: str, *_: object
) -> OutboxRow:
    return OutboxRow(row_id, StreamKey(topic, key), n, bytes(payload), orjson.loads(headers))

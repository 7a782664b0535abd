"""What the catalog and the settings tell: keys, rights, durability, what was to be forgotten."""

from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa
import sqlalchemy.exc

from service.application.waiting import ANSWERS_KEPT
from service.domain.invariants import Tally, Violation
from service.postgres.durability import SETTINGS, unsafe_settings
from service.postgres.engine import APPLICATION_ROLE
from service.postgres.invariant_bounds import Bounds

# What must never be stored twice. Kept by the database, whatever the code does.
KEYS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("requests", ("request_id",)),
    ("receipts", ("receipt_id",)),
    ("receipts", ("source", "dedupe_key")),
    ("receipt_outcomes", ("receipt_id", "revision")),
    ("facts", ("fact_id",)),
    ("orders", ("order_id",)),
    ("order_refs", ("namespace", "value")),
    ("journal", ("order_id", "sequence")),
    ("case_log", ("case_id", "number")),
    ("customer_events", ("customer", "n")),
    ("profile_events", ("customer_id", "n")),
    ("outbox", ("topic", "key", "n")),
)
APPEND_ONLY: Final = (
    "journal",
    "case_log",
    "receipt_outcomes",
    "customer_events",
    "profile_events",
)

# Sessions beyond this share leave nobody room to look what is wrong.
SESSIONS_SHARE_MAX: Final = 0.9
# So many are counted of what was to be forgotten; a million more would say nothing else.
COUNTED_MOST: Final = 100_000

_KEY: Final = sa.text(
    """
SELECT EXISTS (
    SELECT FROM pg_index AS i
    WHERE i.indrelid = to_regclass(:table) AND i.indisunique AND i.indisvalid
      AND i.indpred IS NULL AND i.indnkeyatts = cardinality(CAST(:columns AS text[]))
      AND NOT EXISTS (
          SELECT FROM unnest(i.indkey) AS part(number)
          JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = part.number
          WHERE a.attname <> ALL(CAST(:columns AS text[]))
      )
)
"""
)

_RIGHTS: Final = sa.text(
    """
SELECT named.name,
       has_any_column_privilege(:role, to_regclass(named.name), 'UPDATE')
           OR has_table_privilege(:role, to_regclass(named.name), 'DELETE, TRUNCATE')
           AS may_change,
       NOT EXISTS (
           SELECT FROM pg_trigger AS t
           WHERE t.tgrelid = to_regclass(named.name) AND t.tgname = 'refuse_change'
             AND t.tgenabled IN ('O', 'A')
       ) AS is_unguarded
FROM unnest(CAST(:tables AS text[])) AS named(name)
"""
)

_SUPER: Final = sa.text("SELECT rolsuper FROM pg_roles WHERE rolname = :role")

_PARKED: Final = sa.text(
    """
SELECT p.topic, p.attempts,
       (SELECT min(id) FROM outbox AS o
        WHERE o.topic = p.topic AND o.key = p.key AND o.published_at IS NULL) AS waits
FROM parked_streams AS p ORDER BY p.parked_at LIMIT :most
"""
)

_SESSIONS: Final = sa.text(
    """
SELECT (SELECT sum(numbackends) FROM pg_stat_database)::int AS used,
       current_setting('max_connections')::int AS most
"""
)

_ANSWERS: Final = sa.text(
    "SELECT count(*) FROM (SELECT FROM requests WHERE recorded_at <"
    " CAST(:at AS timestamptz) - make_interval(days => :days) LIMIT :most) AS old"
)
_PUBLISHED: Final = sa.text(
    "SELECT count(*) FROM (SELECT FROM outbox WHERE published_at <"
    " CAST(:at AS timestamptz) - interval '2 hours' LIMIT :most) AS old"
)


class SettingWalk:
    """One page: there is little of it."""

    name: Final = "settings"
    size: Final = 1_000

    def step(
        self, connection: sa.Connection, after: str, size: int, bounds: Bounds, tally: Tally
    ) -> str | None:
        tally.look("I20", at=len(SETTINGS))
        tally.violate(Violation("I20", "PostgreSQL", each) for each in unsafe_settings(connection))
        tally.look("I2", at=len(KEYS))
        tally.violate(_keys(connection))
        tally.look("I15", at=len(APPEND_ONLY) + 1)
        tally.violate(_rights(connection))
        parked = connection.execute(_PARKED, {"most": size}).all()
        tally.look("I7", at=len(parked))
        for row in parked:
            problem = f"its key is parked on {row.topic} after {row.attempts} attempts"
            tally.violate([Violation("I7", f"outbox {row.waits}", problem)])
        tally.look("I19", at=3)
        tally.violate(_bounded(connection, bounds))
        return None


def _keys(connection: sa.Connection) -> Iterator[Violation]:
    for table, columns in KEYS:
        named = {"table": table, "columns": list(columns)}
        if not connection.execute(_KEY, named).scalar_one():
            twice = _stored_twice(connection, table, columns)
            problem = f"is no unique key any more; {twice} are stored more than once"
            yield Violation("I2", f"{table} ({', '.join(columns)})", problem)


def _stored_twice(connection: sa.Connection, table: str, columns: tuple[str, ...]) -> str:
    """Count keys that are stored more than once, as far as the time limit lets."""
    named = ", ".join(columns)
    twice = f"SELECT FROM {table} GROUP BY {named} HAVING count(*) > 1 LIMIT :most"
    try:
        with connection.begin_nested():
            counted = sa.text(f"SELECT count(*) FROM ({twice}) AS twice")  # noqa: S608  # ours
            return str(connection.execute(counted, {"most": COUNTED_MOST}).scalar_one())
    except sqlalchemy.exc.OperationalError:
        return "an unknown number"


def _rights(connection: sa.Connection) -> Iterator[Violation]:
    named = {"role": APPLICATION_ROLE, "tables": list(APPEND_ONLY)}
    for row in connection.execute(_RIGHTS, named):
        if row.may_change:
            yield Violation("I15", row.name, f"{APPLICATION_ROLE} may change or delete its rows")
        if row.is_unguarded:
            yield Violation("I15", row.name, "its trigger `refuse_change` is missing or off")
    if connection.execute(_SUPER, {"role": APPLICATION_ROLE}).scalar_one():
        yield Violation("I15", APPLICATION_ROLE, "is a superuser")


def _bounded(connection: sa.Connection, bounds: Bounds) -> Iterator[Violation]:
    most = COUNTED_MOST
    sessions = connection.execute(_SESSIONS).one()
    if sessions.used > SESSIONS_SHARE_MAX * sessions.most:
        yield Violation("I19", "PostgreSQL", f"{sessions.used} of {sessions.most} sessions in use")
    # A day more than they are kept, so that whoever forgets may take a night off.
    days = ANSWERS_KEPT.days + 1
    old = connection.execute(_ANSWERS, {"at": bounds.at, "days": days, "most": most}).scalar_one()
    if old:
        yield Violation("I19", "requests", f"{old} answers are older than {days} days")
    old = connection.execute(_PUBLISHED, {"at": bounds.at, "most": most}).scalar_one()
    if old:
        yield Violation("I19", "outbox", f"{old} rows were published more than 2 hours ago")

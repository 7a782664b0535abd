"""Fills a database with orders as the service would have written them, by the hundred thousand.

A few orders are made through the API, one of each sort; PostgreSQL then writes them again under
other names, ids and times, with everything that belongs to them and with their hashes, so that
the auditor finds nothing wrong with a copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Final

import psycopg2

from benchmarks.serving import Serving

# Copies follow each other at this distance, from 30 days ago on: a million take 23 days. Whole
# seconds, so that times within events stay as long as they are.
APART_S: Final = 2
SINCE_S: Final = -30 * 86_400
# Older than all copies: a list that looks at the newest first passes all of them before it.
LONG_AGO_S: Final = -60 * 86_400

# Knuth's multiplier spreads numbers over the ids as chance would, and never gives one twice.
_SPREAD: Final = "lpad(to_hex((k * 2654435761) & 4294967295), 8, '0')"
_GENESIS: Final = r"'\x" + "00" * 32 + "'::bytea"
_TAG: Final = "convert_to('concord.journal.v1', 'UTF8')"


@dataclass(frozen=True, slots=True)
class Copies:
    """Of which order, under which numbers, and how far from its own time."""

    template: str
    # Some request, of which each copied order has one like it.
    request: str
    first: int
    last: int
    # Of a hundred numbers in a row, these: so that sorts of orders lie among each other.
    shares: range = range(100)
    since_s: int = SINCE_S

    @property
    def _numbers(self) -> str:
        return (
            f"(SELECT k FROM generate_series({self.first}::bigint, {self.last}::bigint) AS k"  # noqa: S608
            f" WHERE k % 100 BETWEEN {self.shares.start} AND {self.shares.stop - 1}) AS numbers"
        )

    def of(self, table: str, columns: Mapping[str, str], where: str = "") -> str:
        """Return the statement that copies the template's rows, these columns changed."""
        names, values = ", ".join(columns), ", ".join(columns.values())
        chosen = where or f"t.order_id = '{self.template}'"
        return (
            f"INSERT INTO {table} ({names}) SELECT {values}"  # noqa: S608  # All of it is ours.
            f" FROM {self._numbers}, {table} AS t WHERE {chosen}"
        )

    def moved(self, column: str) -> str:
        """Return the moment in this column, moved."""
        return f"{column} + (k * {APART_S} + {self.since_s}) * interval '1 second'"

    def journal(self, length: int) -> str:
        """Return the statement that copies the journal, each row's hash from the one before."""
        links, rows, previous = [], [], _GENESIS
        for number in range(1, length + 1):
            links.append(
                f" CROSS JOIN LATERAL (SELECT {self._event(f't{number}')} AS event,"
                f" {self._record(f't{number}')} AS record OFFSET 0) AS r{number}"
                f" CROSS JOIN LATERAL (SELECT sha256({_TAG} || {previous} || r{number}.record)"
                f" AS hash OFFSET 0) AS h{number}"
            )
            rows.append(f"({number}, r{number}.event, r{number}.record, h{number}.hash)")
            previous = f"h{number}.hash"
        templates = "".join(
            f" CROSS JOIN (SELECT * FROM journal WHERE sequence = {number}"  # noqa: S608
            f" AND order_id = '{self.template}') AS t{number}"
            for number in range(1, length + 1)
        )
        said = "kind source actor role address voucher reason old_value new_value"
        plain = said.split()
        return (
            "INSERT INTO journal (order_id, sequence, occurred_at, recorded_at, trace_id,"  # noqa: S608
            f" traceparent, measured, event, record, hash, {', '.join(plain)})"
            f" SELECT {spread('t.order_id')}, t.sequence, {self.moved('t.occurred_at')},"
            f" {self.moved('t.recorded_at')}, t.trace_id, t.traceparent, t.measured,"
            f" made.event, made.record, made.hash, {', '.join(f't.{name}' for name in plain)}"
            f" FROM {self._numbers}{templates}{''.join(links)}"
            f" CROSS JOIN LATERAL (VALUES {', '.join(rows)}) AS made (number, event, record, hash)"
            f" JOIN journal AS t ON t.order_id = '{self.template}' AND t.sequence = made.number"
        )

    def _replaced(self, column: str, times: Sequence[tuple[str, str]]) -> str:
        """Return bytes with the copy's id and times, which are as long as the template's."""
        text = f"encode({column}, 'hex')"
        order = _hex(f"'{self.template}'"), _hex(spread(f"'{self.template}'::text"))
        for old, new in (order, *times):
            text = f"replace({text}, {old}, {new})"
        return f"decode({text}, 'hex')"

    def _event(self, row: str) -> str:
        return self._replaced(f"{row}.event", self._times(row, _varint))

    def _record(self, row: str) -> str:
        times = self._times(row, lambda moment: _hex(_micros(moment)))
        return self._replaced(f"{row}.record", times + self._times(row, _varint))

    def _times(self, row: str, written: Callable[[str], str]) -> list[tuple[str, str]]:
        moments = [f"{row}.{name}" for name in ("occurred_at", "recorded_at")]
        return [(written(each), written(self.moved(each))) for each in moments]


def spread(column: str) -> str:
    """Return the id in this column with eight other digits behind its prefix."""
    return f"overlay({column} placing {_SPREAD} from position('-' in {column}) + 1)"


def named(column: str) -> str:
    """Return the name in this column, followed by the copy's number."""
    return f"{column} || '-' || k"


def _hex(text: str) -> str:
    return f"encode(convert_to({text}, 'UTF8'), 'hex')"


def _micros(moment: str) -> str:
    return f"(extract(epoch FROM {moment}) * 1000000)::bigint::text"


def _varint(moment: str) -> str:
    """Return the seconds as a protobuf message has them, in hexadecimal: five bytes till 3058."""
    return f"bench_varint(extract(epoch FROM date_trunc('second', {moment}))::bigint)"


VARINT: Final = """
CREATE FUNCTION bench_varint(seconds bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT to_hex(seconds & 127 | 128) || to_hex(seconds >> 7 & 127 | 128)
        || to_hex(seconds >> 14 & 127 | 128) || to_hex(seconds >> 21 & 127 | 128)
        || lpad(to_hex(seconds >> 28), 2, '0')
$$
"""


def write(world: Serving, copies: Copies) -> None:
    """Write copies, with everything that belongs to them; two tables at a time."""
    template = copies.template
    (length,) = world.rows("SELECT count(*) FROM journal WHERE order_id = %s", (template,))[0]
    (of_receipts,) = world.rows(
        "SELECT coalesce(string_agg(format('%%L', receipt_id), ', '), '''''')"
        " FROM facts WHERE order_id = %s",
        (template,),
    )[0]
    arrived = f"t.receipt_id IN ({of_receipts})"
    # Heads come out of the journal, so orders come behind it.
    journal = [copies.journal(length), _orders(world, copies)]
    others = [*_others(world, copies), *_intake(world, copies, arrived), *_sent(world, copies)]
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(_run, world, each) for each in (journal, others)]:
            done.result()


def _run(world: Serving, statements: Sequence[str]) -> None:
    # Nothing is to be thought over or compiled: each goes from left to right, once.
    options = "-c jit=off -c join_collapse_limit=1"
    with closing(psycopg2.connect(world.admin_url, options=options)) as connection:
        for each in statements:
            connection.cursor().execute(each)
            connection.commit()


def _columns(world: Serving, table: str, **changed: str) -> dict[str, str]:
    return {name: f"t.{name}" for name in _named_in(world.admin_url, table)} | changed


@cache
def _named_in(url: str, table: str) -> Sequence[str]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public'"
            " AND table_name = %s AND is_identity = 'NO' ORDER BY ordinal_position",
            (table,),
        )
        return [str(name) for (name,) in cursor.fetchall()]


def _orders(world: Serving, copies: Copies) -> str:
    order = spread("t.order_id")
    times = ("state_since", "closed_at", "placed_at", "updated_at")
    columns = _columns(
        world,
        "orders",
        order_id=order,
        refs="jsonb_set(t.refs, '{0,1}', to_jsonb(" + named("(t.refs->0->>1)") + "))",
        chain_head=(
            f"(SELECT j.hash FROM journal AS j WHERE j.order_id = {order}"  # noqa: S608
            " AND j.sequence = t.sequence)"
        ),
        **{name: copies.moved(f"t.{name}") for name in times},
    )
    return copies.of("orders", columns)


def _others(world: Serving, copies: Copies) -> Iterator[str]:
    order, moved = spread("t.order_id"), copies.moved
    refs = _columns(world, "order_refs", order_id=order, value=named("t.value"))
    yield copies.of("order_refs", refs)
    facts = _columns(
        world,
        "facts",
        fact_id=named("t.fact_id"),
        order_id=order,
        value=named("t.value"),
        receipt_id=spread("t.receipt_id"),
        occurred_at=moved("t.occurred_at"),
        recorded_at=moved("t.recorded_at"),
    )
    yield copies.of("facts", facts)
    later = "now() + interval '1 day' + k * interval '1 millisecond'"
    yield copies.of(
        "timers",
        _columns(world, "timers", order_id=order, since=moved("t.since"), due_at=later),
    )
    times = {name: moved(f"t.{name}") for name in ("opened_at", "due_at", "resolved_at")}
    case = spread("t.case_id")
    yield copies.of("cases", _columns(world, "cases", case_id=case, order_id=order, **times))
    acts = _columns(world, "case_log", case_id=case, acted_at=moved("t.acted_at"))
    of_cases = f"t.case_id IN (SELECT case_id FROM cases WHERE order_id = '{copies.template}')"  # noqa: S608
    yield copies.of("case_log", acts, of_cases)
    flags = _columns(world, "flags", flag_id=named("t.flag_id"), order_id=order)
    yield copies.of("flags", flags)
    # Half of them are due; not one by one, so that every lane has both.
    soon = "now() + (k % 1000 - 500) * interval '1 second'"
    due = f"CASE t.state WHEN 'ARMED' THEN {soon} ELSE {moved('t.armed_at')} END"
    lane = "(ARRAY[0, 30000, 60000, 120000, 300000, 600000, 1800000])[1 + k % 7]"
    probes = _columns(
        world,
        "probes",
        probe_id=spread("t.probe_id"),
        order_id=order,
        lane=lane,
        due_at=due,
        wake_at=due,
        give_up_at=later,
    )
    yield copies.of("probes", probes)
    picks = _columns(
        world,
        "pick_lists",
        pick_list_id=spread("t.pick_list_id"),
        order_id=order,
        **{name: moved(f"t.{name}") for name in ("created_at", "started_at", "ended_at")},
    )
    yield copies.of("pick_lists", picks)


def _intake(world: Serving, copies: Copies, arrived: str) -> Iterator[str]:
    times = ("received_at", "recorded_at", "outcome_at")
    receipts = _columns(
        world,
        "receipts",
        receipt_id=spread("t.receipt_id"),
        dedupe_key=f"overlay(t.dedupe_key placing {_SPREAD} from 1)",
        order_hint=named("t.order_hint"),
        **{name: copies.moved(f"t.{name}") for name in times},
    )
    yield copies.of("receipts", receipts, arrived)
    outcomes = _columns(
        world, "receipt_outcomes", receipt_id=spread("t.receipt_id"), key=named("t.key")
    )
    yield copies.of("receipt_outcomes", outcomes, arrived)


def _sent(world: Serving, copies: Copies) -> Iterator[str]:
    """What was published within the hour, one row of each order; and what callers asked for."""
    sent = "now() - (k % 3000) * interval '1 second'"
    outbox = _columns(world, "outbox", key=spread("t.key"), created_at=sent, published_at=sent)
    newest = (
        "t.id = (SELECT max(id) FROM outbox"  # noqa: S608
        f" WHERE key = '{copies.template}' AND topic = 'concord.orders.v1')"
    )
    yield copies.of("outbox", outbox, newest)
    requests = _columns(
        world, "requests", request_id=f"overlay('{copies.template[4:]}' placing {_SPREAD} from 1)"
    )
    yield copies.of("requests", requests, f"t.request_id = '{copies.request}'")


@contextmanager
def in_haste(world: Serving, *, is_large: bool) -> Iterator[None]:
    """Let PostgreSQL write without care for crashes, and take stock of it all at the end."""
    for name, value in _HASTE.items():
        world.rows(f"ALTER SYSTEM SET {name} = '{value}'")
    world.rows("SELECT pg_reload_conf()")
    indexes = world.rows(_INDEXES) if is_large else []
    for name, _ in indexes:
        world.rows(f"DROP INDEX {name}")
    yield
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(world.rows, [definition for _, definition in indexes]))
        list(
            threads.map(world.rows, [f"VACUUM (ANALYZE) {name}" for (name,) in world.rows(_TABLES)])
        )
    for name in _HASTE.keys() - {"autovacuum"}:
        world.rows(f"ALTER SYSTEM RESET {name}")
    world.rows("SELECT pg_reload_conf()")
    world.rows("CHECKPOINT")


# Autovacuum stays off: it would come while something is measured, and finds nothing to do.
_HASTE: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "1h",
    "maintenance_work_mem": "512MB",
    "autovacuum": "off",
}
# Those that no constraint needs: made anew, they are written in one go.
_INDEXES: Final = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
JOIN pg_class AS c ON c.oid = indrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind = 'r' AND NOT indisunique
"""
_TABLES: Final = """
SELECT c.oid::regclass::text FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind = 'r' ORDER BY pg_table_size(c.oid) DESC
"""

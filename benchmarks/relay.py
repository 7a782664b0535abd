"""`python -m benchmarks.relay`: a backlog that drains while writers run, beside a bare producer.

The relay is the process that it is, with its PostgreSQL; the bare producer sends the same bytes
with the same settings to the same broker, before and after. Both count in the broker's capacity.
"""

from __future__ import annotations

import argparse
import io
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import orjson
import psycopg2
from confluent_kafka.admin import AdminClient

from benchmarks import brokers, preloading, processes
from benchmarks.happenings import happenings
from benchmarks.processes import Running
from benchmarks.ratios import Ratio, Size, table
from benchmarks.rivals import environment
from benchmarks.rivals.environment import Told
from benchmarks.spending import Spending, family, process
from service.application.outbox import shard_of

PARTITIONS: Final = 4
ROWS: Final = {Size.SMALL: 5_000, Size.FULL: 1_000_000}
# As many different events as the bare producer has; more rows are these again for other orders.
MADE: Final = 50_000
AIM: Final = 0.4
WRITTEN_A_SECOND: Final = 500
DONE_WITHIN_S: Final = 1_200.0
LOOK_EVERY_S: Final = 0.5
BARE: Final = "bench.bare"
COPY: Final = "COPY outbox (shard, topic, key, n, payload, headers) FROM STDIN"


def measure(size: Size) -> list[Ratio]:
    """Measure the relay and the bare producer."""
    rows = ROWS[size]
    with (
        tempfile.TemporaryDirectory(prefix="concord-bench-") as name,
        brokers.running(Path(name), size, "postgres") as servers,
    ):
        url, bootstrap = servers.embedded.database_url, servers.bootstrap
        processes.migrate(url)
        relay = processes.relay(Path(name), url, bootstrap, PARTITIONS)
        try:
            relay.until_ready()
            processes.until(lambda: _has_orders(bootstrap), "the relay's topics")
            preloading.create(bootstrap, {BARE: PARTITIONS})
            before = environment.run_ours("bare_producer", bootstrap, BARE, rows)
            spending = Spending(
                relay=process(relay.process.pid),
                PostgreSQL=family(servers.embedded.pid("postgres")),
                broker=family(servers.broker_pid),
            )
            ours, written = _drained(relay, url, spending, rows)
            after = environment.run_ours("bare_producer", bootstrap, BARE, rows)
        finally:
            relay.kill()
    bare = before if before.wall_s < after.wall_s else after
    note = (
        f"{rows:,} rows, {written / ours.wall_s:,.0f} written a second meanwhile, "
        f"{servers.broker}; by CPU {bare.cpu_us / ours.cpu_us:.2f}; {spending.note(ours.count)}"
    )
    what, beside = "relay draining a backlog", "a bare producer of the same bytes"
    return [
        Ratio(what, beside, ours.rate, bare.rate, AIM, ours.cpu_us, bare.cpu_us, note),
    ]


def _drained(relay: Running, url: str, spending: Spending, rows: int) -> tuple[Told, int]:
    """Fill the outbox while the relay stands still; return what it cost to drain it."""
    relay.process.send_signal(signal.SIGSTOP)
    with closing(psycopg2.connect(url)) as connection:
        _fill(connection, rows)
    began = time.perf_counter()
    with spending.counted(), _writers(url) as written:
        relay.process.send_signal(signal.SIGCONT)
        processes.until(
            lambda: relay.metric("concord_outbox_published_total") >= rows + written[0],
            "the backlog is drained",
            DONE_WITHIN_S,
            LOOK_EVERY_S,
        )
        wall_s = time.perf_counter() - began
    count = rows + written[0]
    return Told(count, wall_s, spending.cpu_us("relay", count) * count / 1e6, 0), written[0]


def _fill(connection: psycopg2.extensions.connection, rows: int) -> None:
    """Write a backlog as the service would: the same rows, in the same order."""
    made = [
        preloading.outbox_row(happening)
        for happening in happenings(min(rows, MADE), end_s=preloading.now_s(), partitions=0)
    ]
    with connection, connection.cursor() as cursor:
        for turn in range(-(-rows // len(made))):
            lines = []
            for row in made[: rows - turn * len(made)]:
                key = f"{turn:02x}{row.stream.key[2:]}"
                headers = orjson.dumps(dict(row.headers)).decode()
                payload = rf"\\x{row.payload.hex()}"
                shard = shard_of(key)
                lines.append(f"{shard}\t{row.stream.topic}\t{key}\t{row.n}\t{payload}\t{headers}\n")
            cursor.copy_expert(COPY, io.StringIO("".join(lines)))


@contextmanager
def _writers(url: str) -> Iterator[list[int]]:
    """Write on at a steady rate, ten orders in a transaction; the list holds how many rows."""
    over, written = threading.Event(), [0]
    a_time = 10

    def write() -> None:
        statement = (
            "INSERT INTO outbox (shard, topic, key, n, payload, headers)"
            " SELECT 0, %s, %s || i, 1, %s, %s FROM generate_series(1, %s) AS i"
        )
        row = preloading.outbox_row(next(happenings(1, end_s=preloading.now_s(), partitions=0)))
        headers = orjson.dumps(dict(row.headers)).decode()
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            while not over.wait(a_time / WRITTEN_A_SECOND):
                stem = f"written-{written[0]}-"
                values = (row.stream.topic, stem, row.payload, headers, a_time)
                cursor.execute(statement, values)
                connection.commit()
                written[0] += a_time

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield written
    finally:
        over.set()
        thread.join()


def _has_orders(bootstrap: str) -> bool:
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
    return preloading.ORDERS.name in admin.list_topics(timeout=10).topics


def main() -> int:
    """Print the row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=[size.value for size in Size], default=Size.FULL.value)
    print(table(measure(Size(parser.parse_args().size))))
    return 0


if __name__ == "__main__":
    sys.exit(main())

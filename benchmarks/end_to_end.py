"""`python -m benchmarks.end_to_end`: from a receipt's submission until a watcher sees its order.

Service, relay and streams run as the processes that they are. Receipts are due at a steady rate
(open loop: a slow answer delays nobody, and every time counts from when its receipt was due); one
watcher listens to all changes.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Final

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from benchmarks import brokers, processes
from benchmarks.ratios import Ratio, Size, table
from benchmarks.spending import Spending, family, process
from clients.sdk import AsyncConcord, Concord, Identity
from concord.intake.v1 import receipt_pb2

PARTITIONS: Final = 4
A_SECOND: Final = 500
TICK_S: Final = 0.02
SECONDS: Final = {Size.SMALL: 2, Size.FULL: 60}
# The first seconds fill caches and are not counted.
WARM_S: Final = {Size.SMALL: 1, Size.FULL: 10}
AIM_S: Final = 0.2
SEEN_WITHIN_S: Final = 120.0
SHOP: Final = "bench"
WHO: Final = Identity(actor="benchmark", role="system", source=SHOP)


@dataclass
class Watched:
    """When which order was due, and when its watcher saw it; in seconds of one clock."""

    due: dict[str, float] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)

    def listen(self, address: str, begun: threading.Event, is_over: threading.Event) -> None:
        """Note each order at its first change, until told to end."""
        with Concord(address, identity=WHO) as concord, concord.orders.watch() as news:
            begun.set()
            for change in news:
                now = time.perf_counter()
                for ref in change.order.refs:
                    if ref.namespace == SHOP:
                        self.seen.setdefault(ref.value, now)
                if is_over.is_set():
                    return

    def took_s(self, after: float) -> list[float]:
        """Return how long each order took that was due after that moment."""
        return [self.seen[name] - due for name, due in self.due.items() if due >= after]


def measure(size: Size) -> list[Ratio]:
    """Measure how soon a watcher sees what was submitted."""
    with _everything(size) as (address, broker, spending):
        watched, begun, is_over = Watched(), threading.Event(), threading.Event()
        listening = threading.Thread(target=watched.listen, args=(address, begun, is_over))
        listening.daemon = True
        listening.start()
        begun.wait(processes.READY_WITHIN_S)
        seconds = WARM_S[size] + SECONDS[size]
        with spending.counted():
            began = asyncio.run(_submit(address, watched, seconds))
            processes.until(
                lambda: len(watched.seen) >= len(watched.due), "every order is seen", SEEN_WITHIN_S
            )
        is_over.set()
    took = watched.took_s(began + WARM_S[size])
    cuts = quantiles(took, n=100)
    note = (
        f"{len(took):,} receipts, {A_SECOND}/s; p50 {cuts[49] * 1000:.0f}, "
        f"p95 {cuts[94] * 1000:.0f}, p99 {cuts[98] * 1000:.0f} ms; {broker}; "
        f"{spending.note(len(watched.due))}"
    )
    what, beside = "submission until seen by a watcher, p99", f"{AIM_S * 1000:.0f} ms"
    return [Ratio(what, beside, 1 / cuts[98], 1 / AIM_S, 1.0, note=note)]


@contextmanager
def _everything(size: Size) -> Iterator[tuple[str, str, Spending]]:
    """Start all; give the service's address, the broker's name, and what counts the costs."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="concord-bench-")))
        folder.chmod(0o711)
        servers = stack.enter_context(brokers.running(folder, size, "postgres", "valkey"))
        url, redis_url = servers.embedded.database_url, servers.embedded.redis_url
        processes.migrate(url)
        address = processes.free_address()
        started = [processes.service(folder, address, url, redis_url)]
        started.append(processes.relay(folder, url, servers.bootstrap, PARTITIONS))
        for each in started:
            stack.callback(each.kill)
            each.until_ready()
        place = {"CONCORD_SERVICE_ADDRESS": address}
        worker = processes.worker(
            folder, "worker", servers.bootstrap, redis_url, PARTITIONS, **place
        )
        stack.callback(worker.kill)
        worker.until_ready()
        service, relay = started
        spending = Spending(
            service=process(service.process.pid),
            relay=process(relay.process.pid),
            worker=process(worker.process.pid),
            PostgreSQL=family(servers.embedded.pid("postgres")),
            broker=family(servers.broker_pid),
            callers=process(os.getpid()),
        )
        yield address, servers.broker, spending


async def _submit(address: str, watched: Watched, seconds: int) -> float:
    """Submit receipts at the steady rate; return when the first was due."""
    service = AsyncConcord(address, identity=WHO)
    each = int(A_SECOND * TICK_S)
    calls = []
    began = time.perf_counter() + TICK_S
    for tick in range(int(seconds / TICK_S)):
        due = began + tick * TICK_S
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        names = [f"{tick:06}-{index}" for index in range(each)]
        watched.due.update(dict.fromkeys(names, due))
        calls.append(asyncio.create_task(_send(service, names)))
    await asyncio.gather(*calls)
    await service.close()
    return began


async def _send(service: AsyncConcord, names: Sequence[str]) -> None:
    await service.intake.submit([_receipt(name) for name in names])


def _receipt(name: str) -> receipt_pb2.Receipt:
    now = datetime.now(UTC)
    arrived = Timestamp()
    arrived.FromDatetime(now)
    event = {
        "type": "order.created",
        "order": {"namespace": SHOP, "value": name},
        "occurred_at": now.isoformat(),
        "amount": {"currency": "CNY", "value": "88.00"},
        "lines": [{"sku": "tee", "quantity": 2}],
    }
    return receipt_pb2.Receipt(
        source=SHOP,
        message_id=name,
        template="concord.event",
        channel=SHOP,
        body=orjson.dumps(event),
        content_type="application/json",
        order_hint=name,
        receive_time=arrived,
    )


def main() -> None:
    """Print the row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=[size.value for size in Size], default=Size.FULL.value)
    sys.stdout.write(table(measure(Size(parser.parse_args().size))) + "\n")


if __name__ == "__main__":
    main()

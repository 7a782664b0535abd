"""`python -m benchmarks.callback_burst`: a burst of callbacks against one gateway process.

Behind it a real service and PostgreSQL; beside it, in the same run and with the same requests, the
same server answering an empty 200. Ends with 1 where an acknowledged callback was not stored, or
an answer was not one that its platform understands.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg2

from benchmarks import cpu, processes
from benchmarks.generators import Generator
from benchmarks.merchant import Merchant
from benchmarks.open_loop import Offered, Verdict
from benchmarks.processes import Running
from benchmarks.ratios import Ratio, Size
from benchmarks.spending import Spending, family, process
from deploy.local.stack import EmbeddedServers

# Signatures of WeChat Pay and Stripe are good for 300 s; a minute is for making them.
SIGNED_WITHIN_S: Final = 200.0
WARM_UP: Final = 500
AHEAD_S: Final = 0.5
OK: Final = 200
# Fewer than the gateway holds, so that those beyond its limit are turned away by what they are.
CONNECTIONS: Final = 1_800

Result = tuple[str, str, Offered]


@dataclass(frozen=True)
class Burst:
    """What became of one burst."""

    name: str
    offered: Sequence[Result]
    took_s: float
    cpu_s: float

    def count(self, verdict: Verdict) -> int:
        return sum(was.verdict is verdict for _, _, was in self.offered)

    @property
    def answered(self) -> int:
        """How many got a 200, whether or not their platform stops at an empty one."""
        return sum(was.status == OK for _, _, was in self.offered)

    def percentile_ms(self, share: float) -> float:
        times = sorted(was.took_s for _, _, was in self.offered)
        return times[min(len(times) - 1, int(len(times) * share))] * 1000

    @property
    def cpu_us(self) -> float:
        """Processor time for one call."""
        return self.cpu_s / len(self.offered) * 1e6


@dataclass(frozen=True)
class Outcome:
    """Both bursts, and what became of what the gateway took."""

    loaded: Burst
    bare: Burst
    lost: Sequence[tuple[str, str]]
    per_batch: float
    spending: Spending

    @property
    def wrong(self) -> int:
        """How many answers no platform understands."""
        return self.loaded.count(Verdict.WRONG)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run both bursts, and print the table."""
    outcome = run(_parsed(arguments))
    print(table(outcome.loaded, outcome.bare))
    print(f"\nreceipts in a batch {outcome.per_batch:.1f}", end=", ")
    print(outcome.spending.note(len(outcome.loaded.offered)))
    print(f"acknowledged and not in PostgreSQL: {len(outcome.lost)}")
    print(f"answers that no platform understands: {outcome.wrong}")
    return 1 if outcome.lost or outcome.wrong else 0


def measure(size: Size) -> list[Ratio]:
    """Measure the gateway beside the same server that answers an empty 200."""
    asked = ["--rate", "200", "--seconds", "2"] if size is Size.SMALL else ["--seconds", "20"]
    outcome = run(_parsed(asked))
    if outcome.lost or outcome.wrong:
        raise RuntimeError(f"{len(outcome.lost)} lost, {outcome.wrong} wrong answers")
    loaded, bare = outcome.loaded, outcome.bare
    return [
        Ratio(
            "callbacks taken by the gateway",
            "the same server, an empty 200",
            loaded.count(Verdict.TAKEN) / loaded.took_s,
            bare.answered / bare.took_s,
            ours_cpu_us=loaded.cpu_us,
            theirs_cpu_us=bare.cpu_us,
            note=(
                f"{len(loaded.offered):,} offered; p99 {loaded.percentile_ms(0.99):,.0f} ms;"
                f" {outcome.spending.note(len(loaded.offered))}"
            ),
        )
    ]


def run(given: Any) -> Outcome:  # noqa: ANN401  # argparse's.
    """Offer both bursts."""
    merchant = Merchant()
    generators = [Generator(merchant, number) for number in range(given.generators)]
    with (
        tempfile.TemporaryDirectory(prefix="concord-burst-") as name,
        EmbeddedServers(names=("postgres", "valkey"), is_durable=True) as servers,
    ):
        folder = Path(name)
        processes.migrate(servers.database_url)
        address, empty_address = processes.free_address(), processes.free_address()
        accounts = merchant.write(folder / "accounts", public_url=f"http://{address}")
        service = processes.service(
            folder, processes.free_address(), servers.database_url, servers.redis_url
        )
        more = {"CONCORD_GATEWAY_CONCURRENCY": str(given.concurrency)}
        gateway = processes.gateway(folder, address, service.address, accounts, **more)
        empty = processes.empty_server(folder, empty_address)
        try:
            for each in (service, gateway, empty):
                each.until_ready()
            _warm_up(generators, address, empty_address)
            _sign(generators, given.rate * given.seconds)
            spending = Spending(
                gateway=process(gateway.process.pid),
                service=process(service.process.pid),
                PostgreSQL=family(servers.pid("postgres")),
                callers=lambda: sum(cpu.of(each.pid) for each in generators),
            )
            with spending.counted():
                loaded = _burst("gateway", generators, gateway, given.rate)
            bare = _burst("empty 200", generators, empty, given.rate)
            lost = _lost(servers.database_url, loaded)
            batches = gateway.metric("concord_callback_batch_size_count")
        finally:
            for each in (gateway, empty, service):
                each.kill()
            for generator in generators:
                generator.end()
    per_batch = loaded.count(Verdict.TAKEN) / max(1, batches)
    return Outcome(loaded, bare, lost, per_batch, spending)


def table(loaded: Burst, bare: Burst) -> str:
    """Return the two bursts beside each other."""
    rows: list[tuple[str, float, float]] = [
        ("offered", len(loaded.offered), len(bare.offered)),
        ("taken", loaded.count(Verdict.TAKEN), bare.answered),
        ("told to come again", loaded.count(Verdict.AGAIN), 0),
        ("unanswered", loaded.count(Verdict.UNANSWERED), bare.count(Verdict.UNANSWERED)),
        ("a second", len(loaded.offered) / loaded.took_s, len(bare.offered) / bare.took_s),
        ("p50 ms", loaded.percentile_ms(0.50), bare.percentile_ms(0.50)),
        ("p95 ms", loaded.percentile_ms(0.95), bare.percentile_ms(0.95)),
        ("p99 ms", loaded.percentile_ms(0.99), bare.percentile_ms(0.99)),
        ("longest ms", loaded.percentile_ms(1.0), bare.percentile_ms(1.0)),
        ("CPU µs a call", loaded.cpu_us, bare.cpu_us),
    ]
    lines = [f"| {'':<18} | {loaded.name:>12} | {bare.name:>12} | {'ratio':>7} |"]
    lines.append(f"|{'-' * 20}|{'-' * 13}:|{'-' * 13}:|{'-' * 8}:|")
    for name, ours, theirs in rows:
        ratio = f"{ours / theirs:.2f}" if theirs else ""
        lines.append(f"| {name:<18} | {ours:>12,.1f} | {theirs:>12,.1f} | {ratio:>7} |")
    return "\n".join(lines)


def _parsed(arguments: Sequence[str] | None) -> Any:  # noqa: ANN401  # argparse's.
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=2_000, help="callbacks a second")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--generators", type=int, default=2, help="processes that call")
    parser.add_argument("--concurrency", type=int, default=500)
    return parser.parse_args(arguments)


def _sign(generators: Sequence[Generator], count: int) -> None:
    began = time.monotonic()
    for generator in generators:
        generator.tell("sign", count // len(generators), 1)
    total = sum(generator.result() for generator in generators)
    took_s = time.monotonic() - began
    print(f"signed {total:,} callbacks in {took_s:.0f} s")
    if took_s > SIGNED_WITHIN_S:
        raise RuntimeError("the first signatures will be stale; take fewer --seconds")


def _warm_up(generators: Sequence[Generator], *addresses: str) -> None:
    """Let everything that is made at the first use be made."""
    for generator in generators:
        generator.tell("sign", WARM_UP, 0)
        generator.result()
    for address in addresses:
        _offer(generators, address, 500.0)


def _offer(
    generators: Sequence[Generator], address: str, rate: float
) -> tuple[list[Result], float]:
    """Return what became of all calls, and the processor time that it took to make them."""
    at = time.time() + AHEAD_S
    for generator in generators:
        generator.tell("offer", address, rate / len(generators), at, CONNECTIONS // len(generators))
    results = [generator.result() for generator in generators]
    return [each for found, _ in results for each in found], sum(used_s for _, used_s in results)


def _burst(name: str, generators: Sequence[Generator], server: Running, rate: float) -> Burst:
    cpu_s, began = server.cpu_s(), time.monotonic()
    offered, callers_s = _offer(generators, server.address, float(rate))
    took_s = time.monotonic() - began - AHEAD_S
    burst = Burst(name, offered, took_s, server.cpu_s() - cpu_s)
    seen = Counter(was.verdict.value for _, _, was in offered)
    print(f"{name}: {dict(seen)} in {took_s:.1f} s; to call took {callers_s:.1f} s of CPU")
    return burst


def _lost(database_url: str, burst: Burst) -> list[tuple[str, str]]:
    """Return what was acknowledged and is not stored."""
    with closing(psycopg2.connect(database_url)) as connection:
        cursor = connection.cursor()
        cursor.execute("select source, order_hint from receipts")
        stored = set(cursor.fetchall())
    return [
        (provider, order)
        for provider, order, was in burst.offered
        if was.verdict is Verdict.TAKEN and (provider, order) not in stored
    ]


if __name__ == "__main__":
    sys.exit(main())

"""`python -m benchmarks.modes`: threads beside asyncio, one process and two, what tracing costs."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from statistics import median
from typing import Final

from benchmarks import processes, told
from benchmarks.processes import Running
from benchmarks.ratios import Ratio, Size, table
from benchmarks.serving import Serving, serving

AT_ONCE: Final = 64
CALLS: Final = {Size.SMALL: 192, Size.FULL: 2_400}
ROUNDS: Final = {Size.SMALL: 1, Size.FULL: 3}
MODES: Final = ("threads", "asyncio")
METHODS: Final = {"an empty call": "Empty", "a question to PostgreSQL": "Ask"}
# Nobody listens there: spans are made, kept until they are to be sent, and lost. What it costs to
# receive them is the collector's affair.
NOWHERE: Final = "http://127.0.0.1:9"


def measure(size: Size) -> list[Ratio]:
    """Measure what the server's mode, a second process and tracing change."""
    with serving() as world, ExitStack() as stack:
        return [
            *_modes(world, stack, size),
            _two_processes(world, stack, size),
            *_tracing(world, stack, size),
        ]


def _modes(world: Serving, stack: ExitStack, size: Size) -> list[Ratio]:
    servers = {each: _mode_server(world, each) for each in MODES}
    for each in servers.values():
        stack.callback(each.kill)
        each.until_ready()
    rates: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS[size]):
        for mode, server in servers.items():
            for what, method in METHODS.items():
                answered = world.caller.call(
                    server.address,
                    f"/concord.benchmarks.Mode/{method}",
                    [b""] * CALLS[size],
                    at_once=AT_ONCE,
                    within_s=60,
                ).refuse_failures()
                rates.setdefault((what, mode), []).append(answered.rate)
    for each in servers.values():
        each.kill()
    return [
        Ratio(
            f"{what}, server of threads",
            "the same, server of asyncio",
            median(rates[what, "threads"]),
            median(rates[what, "asyncio"]),
            note=f"{AT_ONCE} at once",
        )
        for what in METHODS
    ]


def _two_processes(world: Serving, stack: ExitStack, size: Size) -> Ratio:
    address = processes.free_address()
    shared = {"CONCORD_SERVICE_SHARES_PORT": "yes"}
    stack.callback(world.another_service(address, **shared).kill)
    one = [_confirm(world, address, size, f"one{number}") for number in range(ROUNDS[size])]
    stack.callback(world.another_service(address, **shared).kill)
    two = [_confirm(world, address, size, f"two{number}") for number in range(ROUNDS[size])]
    return Ratio(
        "ConfirmPayment, two processes on one port",
        "one process",
        median(two),
        median(one),
        note=f"{AT_ONCE} at once",
    )


def _tracing(world: Serving, stack: ExitStack, size: Size) -> list[Ratio]:
    ratios = {"0": "0 %", "0.1": "10 %", "1": "100 %"}
    services = {"": world.service}
    for ratio in ratios:
        services[ratio] = world.another_service(
            processes.free_address(),
            CONCORD_TRACE_SAMPLE_RATIO=ratio,
            OTEL_EXPORTER_OTLP_ENDPOINT=NOWHERE,
        )
        stack.callback(services[ratio].kill)
    rates: dict[str, list[float]] = {}
    cpu_us: dict[str, list[float]] = {}
    for number in range(ROUNDS[size]):
        for ratio, service in services.items():
            used_s = service.cpu_s()
            rate = _confirm(world, service.address, size, f"traced{ratio}-{number}")
            rates.setdefault(ratio, []).append(rate)
            cpu_us.setdefault(ratio, []).append((service.cpu_s() - used_s) / CALLS[size] * 1e6)
    return [
        Ratio(
            f"ConfirmPayment, {share} of traces chosen",
            "no tracing",
            median(rates[ratio]),
            median(rates[""]),
            ours_cpu_us=median(cpu_us[ratio]),
            theirs_cpu_us=median(cpu_us[""]),
        )
        for ratio, share in ratios.items()
    ]


def _confirm(world: Serving, address: str, size: Size, prefix: str) -> float:
    orders = world.orders_about_to_be_paid(prefix, CALLS[size])
    requests = [told.confirmation(each) for each in orders]
    answered = world.caller.call(address, told.CONFIRM, requests, at_once=AT_ONCE, within_s=60)
    return answered.refuse_failures().rate


def _mode_server(world: Serving, mode: str) -> Running:
    address = processes.free_address()
    return Running(
        world.folder / f"{mode}.log",
        "benchmarks.mode_server",
        mode,
        address=address,
        env={
            "CONCORD_SERVICE_ADDRESS": address,
            "CONCORD_DATABASE_URL": world.servers.database_url,
        },
    )


if __name__ == "__main__":
    sys.stdout.write(table(measure(Size.FULL)) + "\n")

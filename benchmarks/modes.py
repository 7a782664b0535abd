"""`python -m benchmarks.modes`: threads beside asyncio, and one process beside two."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from statistics import median
from typing import Final

from benchmarks import confirming, processes
from benchmarks.confirming import AT_ONCE
from benchmarks.processes import Running
from benchmarks.ratios import Ratio, Size, table
from benchmarks.serving import Serving, serving

CALLS: Final = {Size.SMALL: 192, Size.FULL: 2_400}
ROUNDS: Final = {Size.SMALL: 1, Size.FULL: 3}
MODES: Final = ("threads", "asyncio")
METHODS: Final = {"an empty call": "Empty", "a question to PostgreSQL": "Ask"}


def measure(size: Size) -> list[Ratio]:
    """Measure what the server's mode and a second process change."""
    with serving() as world, ExitStack() as stack:
        return [*_modes(world, stack, size), _two_processes(world, stack, size)]


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
    started: list[Running] = []
    spent, rates = [], []
    for count in (1, 2):
        started.append(world.another_service(address, **shared))
        stack.callback(started[-1].kill)
        confirming.confirm(world, address, f"warm{count}", AT_ONCE * 2)
        spending = world.spending(*started)
        rounds = [
            confirming.confirm(world, address, f"{count}-{number}", CALLS[size], spending)
            for number in range(ROUNDS[size])
        ]
        rates.append(median(rounds))
        spent.append(spending)
    one, two = (each.cpu_us("service", CALLS[size] * ROUNDS[size]) for each in spent)
    return Ratio(
        "ConfirmPayment, two processes on one port",
        "one process",
        rates[1],
        rates[0],
        ours_cpu_us=two,
        theirs_cpu_us=one,
        note=f"{AT_ONCE} at once; {spent[1].note(CALLS[size] * ROUNDS[size])}",
    )


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

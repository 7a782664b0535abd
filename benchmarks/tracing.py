"""`python -m benchmarks.tracing`: what it costs to choose none, a tenth, or all of the traces.

Beside a service without tracing. Spans go to the project's own keeper, which receives OTLP and
writes it down, on the same cores; and, to tell its share from ours, to where nobody listens.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks import confirming, cpu, processes
from benchmarks.processes import Running
from benchmarks.ratios import Ratio, Size, table
from benchmarks.serving import Serving, serving
from benchmarks.spending import Spending

CALLS: Final = {Size.SMALL: 192, Size.FULL: 1_600}
ROUNDS: Final = {Size.SMALL: 1, Size.FULL: 3}
CHOSEN: Final = {"0": "0 %", "0.1": "10 %", "1": "100 %"}
# Spans are made, kept until they are to be sent, and lost.
NOWHERE: Final = "http://127.0.0.1:9"
NOBODY: Final = "no tracing"
KEPT: Final = "to the keeper of spans"


@dataclass
class Side:
    """One service, and what its rounds gave."""

    service: Running
    spending: Spending
    rates: list[float] = field(default_factory=list)


def measure(size: Size) -> list[Ratio]:
    """Measure services that differ by nothing but what becomes of their traces."""
    with serving() as world, ExitStack() as stack:
        keeper = _keeper(world.folder)
        stack.callback(keeper.kill)
        keeper.until_ready()
        to_keeper = f"http://{keeper.address}"
        told = [(ratio, KEPT, to_keeper) for ratio in CHOSEN] + [("1", "to nobody", NOWHERE)]
        sides = {NOBODY: _side(world, world.service, keeper)}
        for ratio, whither, endpoint in told:
            service = world.another_service(
                processes.free_address(),
                CONCORD_TRACE_SAMPLE_RATIO=ratio,
                OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
            )
            stack.callback(service.kill)
            name = f"{CHOSEN[ratio]} of traces, sent {whither}"
            sides[name] = _side(world, service, keeper)
        for name, side in sides.items():
            confirming.confirm(world, side.service.address, f"warm {name}", confirming.AT_ONCE * 2)
        for number in range(ROUNDS[size]):
            for name, side in sides.items():
                prefix = f"{number} {name}"
                rate = confirming.confirm(
                    world, side.service.address, prefix, CALLS[size], side.spending
                )
                side.rates.append(rate)
        kept = keeper.metric("concord_spans_kept_total")
    calls = CALLS[size] * ROUNDS[size]
    none = sides.pop(NOBODY)
    return [_ratio(name, side, none, calls, kept) for name, side in sides.items()]


def _ratio(name: str, side: Side, none: Side, calls: int, kept: float) -> Ratio:
    return Ratio(
        f"ConfirmPayment, {name}",
        NOBODY,
        median(side.rates),
        median(none.rates),
        ours_cpu_us=side.spending.cpu_us("service", calls),
        theirs_cpu_us=none.spending.cpu_us("service", calls),
        note=side.spending.note(calls) + (f"; {kept:,.0f} spans kept in all" if kept else ""),
    )


def _side(world: Serving, service: Running, keeper: Running) -> Side:
    spending = Spending(
        service=lambda: cpu.of(service.process.pid),
        PostgreSQL=world.postgres_cpu_s,
        keeper=lambda: cpu.of(keeper.process.pid),
    )
    return Side(service, spending)


def _keeper(folder: Path) -> Running:
    address = processes.free_address()
    return Running(
        folder / "keeper.log",
        "deploy.local.spans",
        address=address,
        env={"CONCORD_TRACE_ADDRESS": address, "CONCORD_DATA_DIR": str(folder / "keeper")},
    )


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=[size.value for size in Size], default=Size.FULL.value)
    sys.stdout.write(table(measure(Size(parser.parse_args().size))) + "\n")


if __name__ == "__main__":
    main()

"""`python -m benchmarks.unary`: what a transition costs, beside a call that does nothing.

Beside it, too, pgbench doing the statements of the very same transition: what PostgreSQL alone
would give. Rounds take turns, so that a busy moment of the machine is everybody's; each line is
the median of its rounds.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from benchmarks import pgbench, told
from benchmarks.ratios import Ratio, Size, table
from benchmarks.serving import Serving, serving
from benchmarks.spending import Spending

AT_ONCE: Final = 64
AIM: Final = 0.6
EMPTY_WITHIN_S: Final = 10.0


@dataclass(frozen=True)
class Scale:
    """How much is done: calls in a round, and rounds."""

    calls: int
    rounds: int


SCALES: Final = {Size.SMALL: Scale(192, 1), Size.FULL: Scale(2_400, 3)}


@dataclass
class Measured:
    """The rates of one side, round by round, and what its calls cost."""

    spending: Spending
    calls: int = 0
    rates: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """The median of all rounds."""
        return median(self.rates)

    @property
    def cpu_us(self) -> float:
        """What a call costs the service."""
        return self.spending.cpu_us("service", self.calls)


def measure(size: Size) -> list[Ratio]:
    """Measure `ConfirmPayment` beside an empty call and beside pgbench."""
    scale = SCALES[size]
    with serving() as world:
        orders = world.orders_about_to_be_paid("unary", scale.calls * scale.rounds + AT_ONCE)
        script = _script_of_a_confirmation(world)
        confirmed, empty = Measured(world.spending()), Measured(world.spending())
        bench: list[float] = []
        _calls(world, told.CONFIRM, [told.confirmation(each) for each in orders[:AT_ONCE]])
        for number in range(scale.rounds):
            part = orders[AT_ONCE + number * scale.calls :][: scale.calls]
            _round(world, empty, told.EMPTY, [b""] * scale.calls)
            _round(world, confirmed, told.CONFIRM, [told.confirmation(each) for each in part])
            bench.append(_pgbench(world, script, scale, number))
    note = (
        f"{AT_ONCE} at once; p99 {median(confirmed.p99_ms):.0f} ms;"
        f" {confirmed.spending.note(confirmed.calls)}"
    )
    return [
        Ratio(
            *("ConfirmPayment", "an empty call of the same server"),
            *(confirmed.rate, empty.rate, AIM),
            ours_cpu_us=confirmed.cpu_us,
            theirs_cpu_us=empty.cpu_us,
            note=note,
        ),
        Ratio(
            *("ConfirmPayment", "pgbench, the same statements"),
            *(confirmed.rate, median(bench)),
            ours_cpu_us=confirmed.cpu_us,
            note=f"{AT_ONCE} sessions; {script.count(';')} statements",
        ),
    ]


def _calls(world: Serving, method: str, requests: Sequence[bytes]) -> None:
    world.call(method, requests, at_once=AT_ONCE)


def _round(world: Serving, side: Measured, method: str, requests: Sequence[bytes]) -> None:
    with side.spending.counted():
        answered = world.call(method, requests, at_once=AT_ONCE)
    side.calls += answered.count
    side.rates.append(answered.rate)
    side.p99_ms.append(answered.percentile_ms(0.99))


def _script_of_a_confirmation(world: Serving) -> str:
    """Confirm one payment while PostgreSQL writes down what it is sent."""
    (order,) = world.orders_about_to_be_paid("recorded", 1)
    with world.statements_logged():
        world.call(told.CONFIRM, [told.confirmation(order)], at_once=1)
    request = told.request_id(order)
    sent = pgbench.logged_statements(world.postgres_log.read_text(), request)
    return pgbench.script(
        sent,
        {
            order: "ord-:round-:client_id-:done",
            request: "request-:round-:client_id-:done",
        },
    )


def _pgbench(world: Serving, script: str, scale: Scale, number: int) -> float:
    """Let pgbench confirm payments of orders that are named as its script names them."""
    each = max(1, scale.calls // AT_ONCE)
    orders = world.orders_about_to_be_paid(f"pgbench{number}", each * AT_ONCE)
    for name in ("orders", "facts", "timers"):
        world.rows(
            f"UPDATE {name} SET order_id = concat_ws('-', 'ord', %(round)s,"  # noqa: S608  # Ours.
            " (place - 1) / %(each)s, (place - 1) %% %(each)s + 1)"
            " FROM unnest(%(orders)s) WITH ORDINALITY AS told (name, place)"
            " WHERE order_id = told.name",
            {"each": each, "orders": orders, "round": number},
        )
    return pgbench.rate(
        world.admin_url,
        script,
        world.folder,
        clients=AT_ONCE,
        transactions=each,
        define={"round": number},
    )


if __name__ == "__main__":
    sys.stdout.write(table(measure(Size.FULL)) + "\n")

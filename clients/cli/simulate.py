"""`concord simulate`: makes traffic to the article's table and submits it."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from clients.cli import config, output
from clients.cli.options import AsJson, span_of, time_of
from clients.cli.progress import counting
from clients.cli.session import connected
from clients.sdk import AsyncConcord
from clients.traffic.accounting import Account, Question
from clients.traffic.article import SECOND_US, longest_us
from clients.traffic.feeding import Tally
from clients.traffic.pace import Pace
from clients.traffic.plan import Plan
from clients.traffic.simulating import Run, ignore, summary
from clients.traffic.stories import DEFAULT_FAULTS, NO_FAULTS

STOPS: Final = (signal.SIGTERM, signal.SIGINT)
WAIT_S: Final = 900.0
# A full batch on a service that has just started takes seconds, not tens of them.
CALL_S: Final = 30.0


class Profile(StrEnum):
    """Which table the traffic follows."""

    ARTICLE = "article"


class FaultLevel(StrEnum):
    """How much goes wrong besides what the table itself holds."""

    NONE = "none"
    DEFAULT = "default"


def simulate(  # noqa: PLR0913  # Each parameter is an option of the command.
    *,
    profile: Annotated[Profile, typer.Option(help="Whose stage table to follow.")] = (
        Profile.ARTICLE
    ),
    rate: Annotated[
        float, typer.Option(min=0.001, help="Orders for each second of event time.")
    ] = 5.0,
    time_scale: Annotated[
        float | None,
        typer.Option(
            min=0.001,
            help="Seconds of event time for each second, until it catches up with the clock."
            " Without it, history goes out at once.",
        ),
    ] = None,
    orders: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many orders. [default: 1000]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed and start: the same bytes.")] = 42,
    live: Annotated[
        bool, typer.Option("--live", help="History first, then at the clock's pace, for ever.")
    ] = False,
    backfill: Annotated[str, typer.Option(help="How much history --live begins with.")] = "15m",
    start: Annotated[
        str, typer.Option(help="Where event time begins: 2h ago, or 2026-11-22T08:00:00Z.")
    ] = "",
    faults: Annotated[
        FaultLevel, typer.Option(help="Repeats, disorder, losses, contradictions.")
    ] = FaultLevel.DEFAULT,
    wait: Annotated[bool, typer.Option("--wait", help="Until all receipts have outcomes.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make traffic whose stage means, abnormal shares and causes are the article's table."""
    del profile  # There is one.
    count = orders if orders is not None or live else 1000
    now = config.now().replace(microsecond=0)
    now_us = int(now.timestamp()) * SECOND_US
    level = NO_FAULTS if faults is FaultLevel.NONE else DEFAULT_FAULTS
    plan = Plan(seed=seed, start_us=now_us, rate=rate, orders=count, faults=level)
    if start:
        start_us = int(time_of(start, now).timestamp()) * SECOND_US
    elif live:
        start_us = now_us - int(span_of(backfill).total_seconds()) * SECOND_US
    else:
        start_us = now_us - (plan.span_us or 0)
    plan = replace(plan, start_us=start_us)
    with connected(as_json=as_json) as concord:
        if not live:
            # A person waits: better to say at once that nobody answers than to try for ever.
            concord.health.check()
        said, account = asyncio.run(
            _run(concord.address, plan, time_scale, now_us=now_us, wait=wait)
        )
    if account is not None:
        said["account"] = account.as_json()
    if as_json:
        output.print_json(said)
    else:
        typer.echo(_sentence(said))
    if account is not None and account.unaccounted:
        raise typer.Exit(1)


async def _run(
    address: str, plan: Plan, time_scale: float | None, *, now_us: int, wait: bool
) -> tuple[dict[str, Any], Account | None]:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOPS:
        loop.add_signal_handler(number, stop.set)
    tally = Tally(names=[] if wait else None, on_outage=_note_outage)
    first_us = plan.start_us - longest_us(plan.orders)
    began_s = time.monotonic()
    account = None
    async with AsyncConcord(address, timeout_s=CALL_S) as concord:
        with _bar(plan, first_us) as reached:
            run = Run(
                plan,
                Pace(time.time, first_us, time_scale),
                began_us=now_us,
                on_reached=reached,
                on_caught_up=lambda receipts: _note_turn(plan, receipts),
            )
            complete = await run.play(concord.intake, tally, stop)
        for number in STOPS:
            # From here on, Ctrl-C ends the command at once.
            loop.remove_signal_handler(number)
        if tally.names is not None and complete:
            question = Question(concord.intake, frozenset(tally.names))
            with counting("weighed", len(question.names)) as more:
                account = await question.settled(
                    timeout_s=WAIT_S, clock=time.monotonic, on_weighed=more
                )
    elapsed_s = time.monotonic() - began_s
    return summary(plan, tally, elapsed_s, complete=complete), account


@contextmanager
def _bar(plan: Plan, first_us: int) -> Iterator[Callable[[int], None]]:
    """Show how far event time has come; how many receipts a run has is known at its end only."""
    if plan.span_us is None:
        yield ignore
        return
    reached_us = first_us
    with counting("simulated", plan.start_us + plan.span_us - first_us) as more:

        def reached(at_us: int) -> None:
            nonlocal reached_us
            more(at_us - reached_us)
            reached_us = at_us

        yield reached


def _note_turn(plan: Plan, receipts: int) -> None:
    if plan.orders is None:
        output.note(f"History is told ({receipts} receipts); live at {plan.rate:g} orders/s.")


def _note_outage(why: str) -> None:
    output.note(f"The service is away, trying again: {why}")


def _sentence(said: dict[str, Any]) -> str:
    ended = "Sent" if said["complete"] else "Stopped after"
    text = (
        f"{ended} {said['receipts']} receipts in {said['elapsed_s']:.1f} s:"
        f" {said['stored']} stored, {said['repeated']} repeated."
        f" Run {said['run']}, seed {said['seed']}, from {said['start_time']}."
    )
    if said["outages"]:
        text += f" The service was away for {said['outages']} calls; they were made again."
    if "account" in said:
        counts = said["account"]["receipts"]
        text += " Outcomes: " + ", ".join(f"{n} {name}" for name, n in counts.items() if n) + "."
    return text

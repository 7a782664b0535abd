"""`concord simulate`: makes traffic to the article's table and submits it."""

from __future__ import annotations

import asyncio
import signal
import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from clients.cli.durations import seconds_of
from clients.sdk.client import AsyncConcord
from clients.traffic.accounting import Account, Question
from clients.traffic.article import SECOND_US, longest_us
from clients.traffic.feeding import Tally
from clients.traffic.pace import Pace
from clients.traffic.plan import Plan
from clients.traffic.simulating import Run, summary
from clients.traffic.stories import DEFAULT_FAULTS, NO_FAULTS

WAIT_S: Final = 900.0


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
        str, typer.Option(help="Where event time begins, as 2026-11-22T08:00:00Z.")
    ] = "",
    faults: Annotated[
        FaultLevel, typer.Option(help="Repeats, disorder, losses, contradictions.")
    ] = FaultLevel.DEFAULT,
    wait: Annotated[bool, typer.Option("--wait", help="Until all receipts have outcomes.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Make traffic whose stage means, abnormal shares and causes are the article's table."""
    del profile  # There is one.
    count = orders if orders is not None or live else 1000
    now_us = int(time.time()) * SECOND_US
    level = NO_FAULTS if faults is FaultLevel.NONE else DEFAULT_FAULTS
    plan = Plan(seed=seed, start_us=now_us, rate=rate, orders=count, faults=level)
    if start:
        start_us = _microseconds(start)
    elif live:
        start_us = now_us - int(seconds_of(backfill) * SECOND_US)
    else:
        start_us = now_us - (plan.span_us or 0)
    plan = Plan(seed=seed, start_us=start_us, rate=rate, orders=count, faults=level)
    said, account = asyncio.run(_run(plan, time_scale, now_us=now_us, wait=wait))
    if account is not None:
        said["account"] = account.as_json()
    typer.echo(orjson.dumps(said, option=orjson.OPT_INDENT_2) if as_json else _sentence(said))
    if account is not None and account.unaccounted:
        raise typer.Exit(1)


async def _run(
    plan: Plan, time_scale: float | None, *, now_us: int, wait: bool
) -> tuple[dict[str, Any], Account | None]:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    console = Console(stderr=True)
    tally = Tally(names=[] if wait else None)
    began_s = time.monotonic()
    async with AsyncConcord.from_env() as concord:
        with _Watch(console, plan) as watch:
            pace = Pace(time.time, plan.start_us - longest_us(plan.orders), time_scale)
            run = Run(
                plan,
                pace,
                began_us=now_us,
                on_reached=watch.reached,
                on_caught_up=watch.caught_up,
            )
            complete = await run.play(concord.intake, tally, stop)
        account = None
        if tally.names is not None and complete:
            question = Question(concord.intake, frozenset(tally.names))
            account = await question.settled(timeout_s=WAIT_S, clock=time.monotonic)
    elapsed_s = time.monotonic() - began_s
    return summary(plan, tally, elapsed_s, complete=complete), account


class _Watch:
    """A bar over event time for a run that ends, a line at the turn to live for one that does not.

    The clock of the bar is event time: how many receipts a run has is known at its end only.
    """

    def __init__(self, console: Console, plan: Plan) -> None:
        self._console = console
        self._plan = plan
        self._first_us = plan.start_us - longest_us(plan.orders)
        self._bar = Progress(
            TextColumn("simulate"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=plan.orders is None or not console.is_terminal,
        )
        self._task = self._bar.add_task("simulate", total=(plan.span_us or 0) + longest_us())

    def __enter__(self) -> _Watch:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def reached(self, at_us: int) -> None:
        self._bar.update(self._task, completed=at_us - self._first_us)

    def caught_up(self, receipts: int) -> None:
        if self._plan.orders is None:
            self._console.print(
                f"History sent ({receipts} receipts); live at {self._plan.rate:g} orders/s."
            )


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


def _microseconds(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time like 2026-11-22T08:00:00Z.") from error
    if at.tzinfo is None:
        raise typer.BadParameter(f"{text!r} needs an offset: write {text}Z for UTC.")
    return int(at.astimezone(UTC).timestamp()) * SECOND_US

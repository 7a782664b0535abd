"""`concord replay`: feeds an event log in its own event time, and accounts for every row."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from clients.cli.durations import seconds_of
from clients.sdk.client import AsyncConcord
from clients.traffic.accounting import Account, Question
from clients.traffic.article import SECOND_US
from clients.traffic.eventlog import TemplateError
from clients.traffic.feeding import Tally, due, feed
from clients.traffic.pace import Pace
from clients.traffic.replaying import Log, LogError, template_named

OCEL: Final = "ocel-order-management"


def replay(
    file: Annotated[Path, typer.Argument(help="The event log, a CSV file.")],
    *,
    template: Annotated[
        str, typer.Option(help="How its columns are read: a name, or a YAML file.")
    ] = OCEL,
    wait: Annotated[
        bool, typer.Option("--wait", help="Until every row has its outcome; print the account.")
    ] = False,
    timeout: Annotated[str, typer.Option(help="How long --wait waits.")] = "15m",
    as_json: Annotated[bool, typer.Option("--json", help="Print the account as JSON.")] = False,
) -> None:
    """Feed an event log; every row becomes one receipt, sent again or not."""
    try:
        log = Log.open(file, template_named(template))
    except (TemplateError, LogError) as error:
        typer.echo(f"{error}", err=True)
        raise typer.Exit(2) from error
    said, account = asyncio.run(_run(log, seconds_of(timeout) if wait else 0.0))
    if as_json:
        typer.echo(orjson.dumps(said, option=orjson.OPT_INDENT_2))
    else:
        typer.echo(_sentences(said))
    if account is not None and account.unaccounted:
        raise typer.Exit(1)


async def _run(log: Log, wait_s: float) -> tuple[dict[str, Any], Account | None]:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    bar.disable = not bar.console.is_terminal
    account = None
    async with AsyncConcord.from_env() as concord:
        with bar:
            feeding = bar.add_task("submitted", total=log.rows)
            tally = Tally(names=[], on_sent=lambda n: bar.update(feeding, completed=n))
            messages = log.messages(int(time.time() * SECOND_US))
            batches = due(messages, Pace(time.time, 0), asyncio.Event())
            await feed(batches, concord.intake, tally)
            if wait_s:
                weighing = bar.add_task("weighed", total=log.rows)
                question = Question(
                    concord.intake, frozenset(tally.names or ()), log.template.source
                )
                account = await question.settled(
                    timeout_s=wait_s,
                    clock=time.monotonic,
                    on_waiting=lambda n: bar.update(weighing, completed=log.rows - n),
                )
    said: dict[str, Any] = {
        "file": log.path.name,
        "template": log.template.name,
        "rows": log.rows,
        "receipts": tally.sent,
        "stored": tally.stored,
        "repeated": tally.repeated,
    }
    if account is not None:
        said["account"] = account.as_json()
    return said, account


def _sentences(said: dict[str, Any]) -> str:
    lines = [
        f"{said['rows']} rows of {said['file']}: {said['stored']} receipts stored,"
        f" {said['repeated']} repeated."
    ]
    account = said.get("account")
    if account is None:
        return lines[0]
    lines.append(f"{'outcome':<14}{'receipts':>10}{'facts':>10}")
    for name, count in account["receipts"].items():
        lines.append(f"{name:<14}{count:>10}{account['facts'][name]:>10}")
    lines.append(f"{'unaccounted':<14}{account['unaccounted']:>10}")
    lines += [f"  {count} {reason}" for reason, count in account["reasons"].items()]
    return "\n".join(lines)

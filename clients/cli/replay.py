"""`concord replay`: feeds an event log in its own event time, and accounts for every row."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from clients.cli import advice, output
from clients.cli.options import AsJson, span_of
from clients.cli.progress import counting
from clients.cli.session import connected, fail
from clients.sdk import AsyncConcord
from clients.traffic.accounting import Account, Question
from clients.traffic.article import SECOND_US
from clients.traffic.eventlog import TemplateError
from clients.traffic.feeding import Tally, due, feed
from clients.traffic.pace import Pace
from clients.traffic.replaying import Log, LogError, template_named, template_names

OCEL: Final = "ocel-order-management"
# A full batch on a service that has just started takes seconds, not tens of them.
CALL_S: Final = 30.0


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
    as_json: AsJson = False,
) -> None:
    """Feed an event log; every row becomes one receipt, sent again or not."""
    try:
        log = Log.open(file, template_named(template))
    except (TemplateError, LogError) as error:
        known = ", ".join(template_names())
        fail("replay", str(error), f"Known templates: {known}.", as_json=as_json)
        raise typer.Exit(advice.USAGE) from None
    wait_s = span_of(timeout).total_seconds() if wait else None
    with connected(as_json=as_json) as concord:
        concord.health.check()
        said, account = asyncio.run(_run(concord.address, log, wait_s))
    if as_json:
        output.print_json(said)
    else:
        typer.echo(_sentences(said))
    if account is not None and account.unaccounted:
        raise typer.Exit(1)


async def _run(
    address: str, log: Log, wait_s: float | None
) -> tuple[dict[str, Any], Account | None]:
    account = None
    async with AsyncConcord(address, timeout_s=CALL_S) as concord:
        with counting("submitted", log.rows) as more:
            tally = Tally(names=[], on_sent=more, on_outage=_note_outage)
            messages = log.messages(int(time.time() * SECOND_US))
            batches = due(messages, Pace(time.time, 0), asyncio.Event())
            await feed(batches, concord.intake, tally)
        if wait_s is not None:
            names = frozenset(tally.names or ())
            question = Question(concord.intake, names, log.template.source)
            with counting("weighed", len(names)) as more:
                account = await question.settled(
                    timeout_s=wait_s, clock=time.monotonic, on_weighed=more
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


def _note_outage(why: str) -> None:
    output.note(f"The service is away, trying again: {why}")


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

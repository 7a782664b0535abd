"""`concord case list|watch|count|stats`: what waits at the desk, and where the time goes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from clients.cli import config, formats, output
from clients.cli.case_text import SIDE, case_state, due, side_number, side_of, state_number
from clients.cli.desk_numbers import statistics_parts
from clients.cli.options import AsJson, In, Language, Limit, span_of, time_of
from clients.cli.session import connected, name_of
from clients.cli.wording import word
from concord.cases.v1.case_service_pb2 import Case
from concord.cases.v1.queue_service_pb2 import Queue, QueueCounts

OfOrder = Annotated[str, typer.Option("--order", help="Only of this order.")]
OfRole = Annotated[str, typer.Option("--role", help="Only this role's.")]
OfType = Annotated[str, typer.Option("--type", help="Only this type.")]
OfSide = Annotated[str, typer.Option("--side", help=f"Only where this side must act: {SIDE}.")]
InState = Annotated[
    list[str] | None, typer.Option("--state", help="Only these, such as OPEN; repeatable.")
]
Of = Annotated[str, typer.Option("--assignee", help="Only what this person works on.")]
Nobodys = Annotated[bool, typer.Option("--unassigned", help="Only what nobody works on.")]
OfChannel = Annotated[str, typer.Option("--channel", help="Only of orders of this channel.")]
DueWithin = Annotated[
    str, typer.Option("--due-within", help="Only with so little time left: 2h; 0m for in breach.")
]
OpenFor = Annotated[str, typer.Option("--open-for", help="Only opened at least so long ago: 1d.")]


def list_cases(  # noqa: PLR0913  # Each parameter is an option of the command.
    *,
    order: OfOrder = "",
    role: OfRole = "",
    case_type: OfType = "",
    side: OfSide = "",
    state: InState = None,
    assignee: Of = "",
    unassigned: Nobodys = False,
    channel: OfChannel = "",
    due_within: DueWithin = "",
    open_for: OpenFor = "",
    every: Annotated[bool, typer.Option("--all", help="Also those that ended.")] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """List cases, most urgent first."""
    where = _where(
        side,
        state,
        due_within,
        open_for,
        owner_role=role,
        type=case_type,
        assignee=assignee,
        unassigned=unassigned,
        channel=channel,
    )
    where |= {"include_resolved": every, "page_size": min(limit, 500)}
    with connected(as_json=as_json) as concord:
        where["order"] = name_of(concord, order)
        found = list(islice(concord.cases.list(**where), limit))
    if as_json:
        output.print_json({"cases": [output.as_dict(each) for each in found]})
        return
    output.print_all([case_table(found, config.now(), language)])
    if not found:
        output.note("No case matches.")


def watch(  # noqa: PLR0913  # Each parameter is an option of the command.
    *,
    order: OfOrder = "",
    role: OfRole = "",
    case_type: OfType = "",
    side: OfSide = "",
    state: InState = None,
    assignee: Of = "",
    unassigned: Nobodys = False,
    channel: OfChannel = "",
    due_within: DueWithin = "",
    open_for: OpenFor = "",
    limit: Limit = 30,
    times: Annotated[int, typer.Option("--times", min=0, help="End after so many changes.")] = 0,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Show a queue as it stands, live; Ctrl-C ends it."""
    where = _where(
        side,
        state,
        due_within,
        open_for,
        owner_role=role,
        type=case_type,
        assignee=assignee,
        unassigned=unassigned,
        channel=channel,
    )
    with connected(as_json=as_json) as concord:
        where["order"] = name_of(concord, order)
        with concord.queues.watch(min(limit, 200), **where) as changes:
            queues = islice(changes, times or None)
            if as_json:
                for queue in queues:
                    output.print_json(queue, in_line=True)
            elif not sys.stdout.isatty():
                for queue in queues:
                    output.print_all(queue_parts(queue, config.now(), language))
            else:
                with suppress(KeyboardInterrupt):
                    _show_live(queues, language)


def count(  # noqa: PLR0913  # Each parameter is an option of the command.
    *,
    role: OfRole = "",
    case_type: OfType = "",
    side: OfSide = "",
    assignee: Of = "",
    unassigned: Nobodys = False,
    channel: OfChannel = "",
    due_within: DueWithin = "",
    open_for: OpenFor = "",
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Count open cases by role and type, most in breach first."""
    where = _where(
        side,
        None,
        due_within,
        open_for,
        owner_role=role,
        type=case_type,
        assignee=assignee,
        unassigned=unassigned,
        channel=channel,
    )
    with connected(as_json=as_json) as concord:
        counts = concord.queues.count(**where)
    if as_json:
        output.print_json(counts)
        return
    output.print_all([count_table(counts, config.now(), language)])
    if not counts.rows:
        output.note("Nothing is open.")


def stats(
    *,
    since: Annotated[str, typer.Option(help="From then: 2h, or a time with offset.")] = "7d",
    until: Annotated[str, typer.Option(help="Until then; now without.")] = "",
    role: OfRole = "",
    case_type: OfType = "",
    long_wait: Annotated[
        str, typer.Option("--long-wait", help="From when on a wait is long.")
    ] = "2h",
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Show, for each type and step, the time used, the share in breach, and where cases wait."""
    now = config.now()
    asked: dict[str, Any] = {
        "start": time_of(since, now),
        "end": time_of(until, now) if until else None,
        "type": case_type,
        "owner_role": role,
        "long_wait": span_of(long_wait),
    }
    with connected(as_json=as_json) as concord:
        told = concord.queues.statistics(**asked)
    if as_json:
        output.print_json(told)
    else:
        output.print_all(statistics_parts(told, language))


def queue_parts(queue: Queue, now: datetime, language: Language | None) -> Iterator[RenderableType]:
    """Give what a queue's screen shows: how much there is, and what is most urgent."""
    yield _sums(queue.counts, language)
    yield case_table(queue.cases, now, language)
    hidden = sum(row.open for row in queue.counts.rows) - len(queue.cases)
    if hidden > 0:
        yield Text(f"and {hidden:,} more", "dim")


def case_table(found: Sequence[Case], now: datetime, language: Language | None) -> RenderableType:
    """Return cases as a table, with how long each has left."""
    rows = (
        (
            each.name,
            each.order or each.subject,
            each.type,
            case_state(each, language),
            each.owner_role,
            each.assignee,
            ", ".join(each.awaits),
            due(each, now, language),
        )
        for each in found
    )
    heads = ("Case", "Order", "Type", "State", "Owner", "Assignee", "Awaits", "Due")
    return output.table([word(head, language) for head in heads], rows)


def count_table(counts: QueueCounts, now: datetime, language: Language | None) -> RenderableType:
    """Return how many cases are open, by role and type."""
    rows = (
        (
            row.owner_role,
            row.type,
            side_of(row, language),
            f"{row.open:,}",
            f"{row.unassigned:,}",
            f"{row.paused:,}",
            Text(f"{row.near_breach:,}", "yellow" if row.near_breach else ""),
            Text(f"{row.in_breach:,}", "bold red" if row.in_breach else ""),
            formats.rough(now - formats.moment(row.oldest_time)),
            formats.until(row.next_due_time, now) if row.next_due_time.seconds else "",
        )
        for row in counts.rows
    )
    heads = ("Owner", "Type", "Side", "Open", "Nobody's", "Paused", "Near breach", "In breach",
             "Oldest", "Next due")  # fmt: skip
    return output.table([word(head, language) for head in heads], rows, right=range(3, 8))


def _show_live(queues: Iterator[Queue], language: Language | None) -> None:
    """Show each queue as it comes; time goes on in between, and so do the countdowns."""
    shown: list[Queue] = []

    def screen() -> RenderableType:
        return Group(*(queue_parts(shown[-1], config.now(), language) if shown else ()))

    with Live(console=output.console(), refresh_per_second=1, get_renderable=screen) as live:
        for queue in queues:
            shown[:] = [queue]
            live.refresh()


def _sums(counts: QueueCounts, language: Language | None) -> Text:
    total = QueueCounts.Row()
    for row in counts.rows:
        total.open += row.open
        total.unassigned += row.unassigned
        total.paused += row.paused
        total.near_breach += row.near_breach
        total.in_breach += row.in_breach
    parts = (
        (f"{total.open:,} {word('open', language)}", "bold"),
        (f"  {total.unassigned:,} {word('nobody works on', language)}", ""),
        (f"  {total.paused:,} {word('paused', language)}", ""),
        (f"  {total.near_breach:,} {word('near breach', language)}", "yellow"),
        (f"  {total.in_breach:,} {word('in breach', language)}", "bold red"),
        (f"  {formats.time(counts.read_time)}", "dim"),
    )
    return Text.assemble(*parts)


def _where(
    side: str, states: list[str] | None, due_within: str, open_for: str, **plain: str | bool
) -> dict[str, Any]:
    return {
        **plain,
        "side": side_number(side),
        "states": [state_number(each) for each in states or []],
        "due_within": _span(due_within),
        "open_for": _span(open_for),
    }


def _span(text: str) -> timedelta | None:
    return span_of(text) if text else None

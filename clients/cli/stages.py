"""`concord stages`: where time goes between states, and which orders are stuck."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Annotated, Any, Final

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from clients.cli import config, formats, output
from clients.cli.options import AsJson, In, Language, Limit, span_of, time_of
from clients.cli.order_text import state_name, state_number
from clients.cli.session import connected
from clients.cli.wording import named, word
from concord.insights.v1.insight_service_pb2 import StageBoard
from concord.orders.v1.order_pb2 import Order

app = typer.Typer(help="Stage times: the board, and orders beyond their limit.")

CAUSES_SHOWN: Final = 2


@app.callback(invoke_without_command=True)
def stages(  # noqa: PLR0913  # Each parameter is an option of the command.
    context: typer.Context,
    *,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on, live.")] = False,
    since: Annotated[str, typer.Option(help="From then: 2h, or a time with offset.")] = "1h",
    until: Annotated[str, typer.Option(help="Until then; now without.")] = "",
    all_time: Annotated[bool, typer.Option("--all-time", help="All there is.")] = False,
    from_journal: Annotated[
        bool, typer.Option("--from-journal", help="Compute from the journal, not the view.")
    ] = False,
    channel: Annotated[str, typer.Option(help="Only this channel.")] = "",
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Print count, mean, p50, p95, p99, abnormal share and main causes of every stage."""
    if context.invoked_subcommand is not None:
        return
    if watch:
        _watch(span_of(since), channel, as_json, language)
        return
    now = config.now()
    asked: dict[str, Any] = {
        "start": time_of(since, now),
        "end": time_of(until, now) if until else None,
        "channel": channel,
        "from_journal": from_journal,
        "all_time": all_time,
    }
    with connected(as_json=as_json) as concord:
        board = concord.insights.get_stage_board(**asked)
    if as_json:
        output.print_json(board)
    else:
        output.print_all(board_parts(board, language))


@app.command()
def overdue(
    *,
    state: Annotated[str, typer.Option(help="Only stuck in this state, such as PAID.")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """List orders that outlived the limit of their state, longest first."""
    chosen = state_number(state) if state else Order.STATE_UNSPECIFIED
    with connected(as_json=as_json) as concord:
        rows = concord.insights.list_overdue_orders(state=chosen, page_size=min(limit, 500))
        found = list(islice(rows, limit))
    if as_json:
        output.print_json({"overdue": [output.as_dict(each) for each in found]})
        return
    now = config.now()
    heads = ("Order", "State", "Since", "", "Limit", "Cause", "Owner", "Case")
    output.print_all(
        [
            output.table(
                [word(head, language) for head in heads],
                (
                    (
                        each.order,
                        state_name(each.state, language),
                        formats.time(each.state_time),
                        formats.rough(now - formats.moment(each.state_time)),
                        formats.rough(each.limit.ToTimedelta()),
                        named(each.cause, language),
                        each.owner_role,
                        each.case,
                    )
                    for each in found
                ),
            )
        ]
    )
    if not found:
        output.note("No order is beyond its limit.")


def _watch(span: timedelta, channel: str, as_json: bool, language: Language | None) -> None:  # noqa: FBT001
    """Show each new board: in place on a terminal, one after the other elsewhere."""
    with (
        connected(as_json=as_json) as concord,
        concord.insights.watch_stage_board(span=span, channel=channel) as boards,
    ):
        if as_json:
            for board in boards:
                output.print_json(board, in_line=True)
        elif not sys.stdout.isatty():
            for board in boards:
                output.print_all(board_parts(board, language))
        else:
            with Live(console=output.console(), auto_refresh=False) as live:
                for board in boards:
                    live.update(Group(*board_parts(board, language)), refresh=True)


def board_parts(board: StageBoard, language: Language | None) -> Iterator[RenderableType]:
    """Give the article's table, and below it what it was made of."""
    rows = (
        (
            f"{state_name(row.from_state, language)} → {state_name(row.to_state, language)}",
            f"{row.count:,}",
            *(
                formats.seconds(each) if row.count else ""
                for each in (row.mean, row.p50, row.p95, row.p99)
            ),
            formats.share(row.abnormal_share) if row.count else "",
            ", ".join(
                f"{named(cause.cause, language)} ({cause.count:,})"
                for cause in row.causes[:CAUSES_SHOWN]
            ),
        )
        for row in board.rows
    )
    heads = ("Stage", "Count", "Mean", "p50", "p95", "p99", "Abnormal", "Main causes")
    yield output.table([word(head, language) for head in heads], rows, right=range(1, 7))
    if not board.rows:
        yield Text(word("all stages quiet", language))
    yield Text(_made_of(board), "dim")


def _made_of(board: StageBoard) -> str:
    read = {
        StageBoard.SOURCE_VIEW: "from the streams' view",
        StageBoard.SOURCE_JOURNAL: "computed from the journal",
    }
    parts = [
        f"{formats.time(board.start_time) or 'the beginning'} to {formats.time(board.end_time)}"
    ]
    parts.append(read.get(board.source, ""))
    if board.watermark.seconds:
        parts.append(f"complete up to {formats.time(board.watermark)}")
    return ", ".join(part for part in parts if part)

"""`concord channels`: what each channel sent, how late, and how much of it disagrees."""

from __future__ import annotations

from typing import Annotated

import typer

from clients.cli import config, formats, output
from clients.cli.options import AsJson, In, time_of
from clients.cli.session import connected
from clients.cli.wording import word


def channels(
    *,
    since: Annotated[str, typer.Option(help="From then: 2h, or a time with offset.")] = "1h",
    until: Annotated[str, typer.Option(help="Until then; now without.")] = "",
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Print channel health: receipts, facts, repeats, rejects, delay, disagreement."""
    now = config.now()
    start, end = time_of(since, now), time_of(until, now) if until else None
    with connected(as_json=as_json) as concord:
        board = concord.insights.get_channel_board(start=start, end=end)
    if as_json:
        output.print_json(board)
        return
    heads = ("Channel", "Receipts", "Facts", "Repeats", "Rejects", "Disagree", "Mean delay",
             "Newest event")  # fmt: skip
    rows = (
        (
            row.channel,
            f"{row.receipts:,}",
            f"{row.facts:,}",
            f"{row.duplicates:,}",
            f"{row.rejects:,}",
            f"{row.contradictions:,}",
            f"{row.delay_sum_ms / row.delayed / 1000:,.1f} s" if row.delayed else "",
            formats.time(row.newest_event_time),
        )
        for row in board.channels
    )
    output.print_all(
        [output.table([word(head, language) for head in heads], rows, right=range(1, 7))]
    )
    if not board.channels:
        output.note("No channel sent anything in this time.")

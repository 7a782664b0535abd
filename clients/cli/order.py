"""`concord order …`: show, explain, list, watch and read the journal of orders."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

import typer
from rich.text import Text

from clients.cli import config, explaining, formats, order_actions, output, tags
from clients.cli.case_details import handling_table
from clients.cli.options import AsJson, In, Limit, OrderName
from clients.cli.order_text import change_line, order_table, state_name, state_number
from clients.cli.session import connected, name_of, named
from clients.cli.wording import word
from concord.orders.v1.order_service_pb2 import JournalEntry

app = typer.Typer(help="Orders: read them, watch them, ask them to move.", no_args_is_help=True)
order_actions.register(app)
tags.register(app)


@app.command()
def show(order: OrderName, *, as_json: AsJson = False, language: In = None) -> None:
    """Show one order, and what was done about it at the desk."""
    with connected(as_json=as_json) as concord:
        found = concord.orders.get(**named(order))
        if as_json:
            output.print_json(found)
        else:
            output.print_all([order_table(found, language, config.now())])
            if found.handling:
                output.print_all([Text(), handling_table(found.handling, language)])


@app.command()
def explain(order: OrderName, *, as_json: AsJson = False, language: In = None) -> None:
    """Tell what is true about an order, why, who disagrees and what is awaited."""
    with connected(as_json=as_json) as concord:
        explanation = concord.orders.explain(**named(order))
        if as_json:
            output.print_json(explanation)
            return
        cases = {case.name: case for case in concord.cases.list(order=explanation.order.name)}
        output.print_all(explaining.story(explanation, cases, config.now(), language))


@app.command("list")
def list_orders(  # noqa: PLR0913  # Each parameter is an option of the command.
    *,
    state: Annotated[
        list[str] | None, typer.Option("--state", help="Only these, such as PAID; repeatable.")
    ] = None,
    channel: Annotated[str, typer.Option(help="Only this channel.")] = "",
    hold: Annotated[str, typer.Option(help="Only held for this reason; `*` for any.")] = "",
    overdue: Annotated[bool, typer.Option("--overdue", help="Only beyond their limit.")] = False,
    discrepancy: Annotated[str, typer.Option(help="Only with this one; `*` for any.")] = "",
    tag: Annotated[str, typer.Option(help="Only with this tag.")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """List orders, newest change first."""
    where: dict[str, Any] = {
        "states": [state_number(each) for each in state or []],
        "channel": channel,
        "hold_reason": hold,
        "overdue": overdue,
        "discrepancy": discrepancy,
        "tag": tag,
        # The most that the service gives in one page.
        "page_size": min(limit, 500),
    }
    with connected(as_json=as_json) as concord:
        found = list(islice(concord.orders.list(**where), limit))
    if as_json:
        output.print_json({"orders": [output.as_dict(each) for each in found]})
        return
    heads = ("Order", "State", "Channel", "Total", "Paid", "Changed", "Holds")
    rows = (
        (
            each.name,
            state_name(each.state, language),
            each.channel,
            formats.money(each.total),
            formats.money(each.paid),
            formats.time(each.update_time),
            ", ".join(hold.reason for hold in each.holds),
        )
        for each in found
    )
    output.print_all([output.table([word(head, language) for head in heads], rows, right=(3, 4))])
    if not found:
        output.note("No order matches.")


@app.command()
def watch(
    order: Annotated[str, typer.Argument(metavar="[ORDER]", help="Only this one.")] = "",
    *,
    channel: Annotated[str, typer.Option(help="Only this channel.")] = "",
    cursor: Annotated[str, typer.Option(help="Go on from here.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="End after so many.")] = 0,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Print changes as they happen, one a line; Ctrl-C ends it and tells the cursor."""
    with connected(as_json=as_json) as concord:
        name = name_of(concord, order)
        with concord.orders.watch(name, channel=channel, cursor=cursor) as changes:
            try:
                for change in islice(changes, limit or None):
                    if as_json:
                        output.print_json(change, in_line=True)
                    else:
                        typer.echo(change_line(change, language))
            finally:
                if changes.cursor != cursor and not as_json:
                    output.note(f"Go on with --cursor {changes.cursor}")


@app.command()
def journal(
    order: OrderName,
    *,
    after: Annotated[int, typer.Option(help="Only rows after this number.")] = 0,
    limit: Limit = 1000,
    as_json: AsJson = False,
) -> None:
    """Print the order's journal: who changed what, when, on which evidence."""
    with connected(as_json=as_json) as concord:
        rows = concord.orders.list_journal(name_of(concord, order), after_sequence=after)
        entries = list(islice(rows, limit))
    if as_json:
        output.print_json({"entries": [output.as_dict(entry) for entry in entries]})
        return
    heads = ("No.", "Happened", "Change", "From", "To", "Source", "Actor", "Voucher", "Why")
    output.print_all([output.table(heads, (_journal_row(each) for each in entries), right=(0,))])


def _journal_row(entry: JournalEntry) -> tuple[str, ...]:
    return (
        str(entry.sequence),
        formats.time(entry.occurred_time),
        entry.kind,
        entry.old_value,
        entry.new_value,
        entry.source,
        f"{entry.actor} ({entry.role})" if entry.role else entry.actor,
        entry.voucher,
        entry.reason,
    )

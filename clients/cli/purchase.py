"""`concord purchase …`: what purchasing was asked to get."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from clients.cli import config, formats, output
from clients.cli.case_details import articles
from clients.cli.options import AsJson, In, Limit, RequestId, time_of
from clients.cli.session import connected
from clients.cli.wording import code_of, named, word
from concord.cases.v1.case_service_pb2 import PurchaseRequest

app = typer.Typer(help="Purchase requests: what orders could not be served.", no_args_is_help=True)

State = PurchaseRequest.State


@app.command("list")
def list_requests(
    *,
    case: Annotated[str, typer.Option("--case", help="Only of this case.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Also those that are closed.")] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """List purchase requests, oldest first."""
    with connected(as_json=as_json) as concord:
        rows = concord.purchases.list(case, include_closed=every, page_size=min(limit, 500))
        found = list(islice(rows, limit))
    if as_json:
        output.print_json({"purchaseRequests": [output.as_dict(each) for each in found]})
        return
    heads = ("Request", "Order", "Case", "Articles", "State", "Asked", "Expected")
    lines = (
        (
            each.name,
            each.order,
            each.case,
            articles(each),
            named(code_of(State, each.state, "STATE_"), language),
            formats.time(each.request_time),
            formats.time(each.expect_time),
        )
        for each in found
    )
    output.print_all([output.table([word(head, language) for head in heads], lines)])
    if not found:
        output.note("Purchasing is asked for nothing.")


@app.command()
def answer(
    request: Annotated[str, typer.Argument(metavar="REQUEST", help="As `list` names it.")],
    state: Annotated[str, typer.Argument(metavar="STATE", help="ordered, arrived or dropped.")],
    *,
    expected: Annotated[
        str, typer.Option("--expected", help="When it should come: a time with offset.")
    ] = "",
    note: Annotated[str, typer.Option("--note", help="More words.")] = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Say what becomes of a request; the case that waits for it goes on by itself."""
    when = time_of(expected, config.now()) if expected else None
    with connected(as_json=as_json) as concord:
        told = concord.purchases.answer(
            request, _state(state), expected=when, note=note, request_id=request_id
        )
    if as_json:
        output.print_json(told)
    else:
        typer.echo(f"{told.name}: {named(code_of(State, told.state, 'STATE_'), None)}")


def _state(text: str) -> State.ValueType:
    codes = [name.removeprefix("STATE_") for name in State.keys()[2:]]
    if text.upper() not in codes:
        raise typer.BadParameter(f"{text!r} is no answer; there are {', '.join(codes).lower()}")
    return State.Value(f"STATE_{text.upper()}")

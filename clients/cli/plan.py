"""`concord plan …`: what was ordered from suppliers and is to come."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any

import typer
from rich.table import Table

from clients.cli import config, formats, output
from clients.cli.options import SPAN, AsJson, In, Limit, RequestId, span_of, time_of
from clients.cli.session import connected
from clients.cli.wording import code_of, named, word
from concord.inventory.v1.planning_pb2 import PurchasePlan

app = typer.Typer(help="Purchase plans: what is to come.", no_args_is_help=True)

PlanName = Annotated[str, typer.Argument(metavar="PLAN", help="As `list` names it: pln-….")]


class Stage(StrEnum):
    """How far a plan is."""

    PLANNED = "planned"
    RECEIVED = "received"
    DROPPED = "dropped"


@app.command("list")
def list_plans(
    *,
    sku: Annotated[str, typer.Option("--sku", help="Only of this article.")] = "",
    state: Annotated[Stage, typer.Option(help="In which state.")] = Stage.PLANNED,
    every: Annotated[bool, typer.Option("--all", help="In every state.")] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """List what is to come, the next one first."""
    wanted = 0 if every else PurchasePlan.State.Value(f"STATE_{state.name}")
    where: dict[str, Any] = {"sku": sku, "state": wanted, "page_size": min(limit, 500)}
    with connected(as_json=as_json) as concord:
        found = list(islice(concord.inventory.list_purchase_plans(**where), limit))
    if as_json:
        output.print_json({"plans": [output.as_dict(each) for each in found]})
        return
    output.print_all([_table(found, config.now(), language)])
    if not found:
        output.note("There is none; `concord plan add` writes one down.")


@app.command()
def show(name: PlanName, *, as_json: AsJson = False, language: In = None) -> None:
    """Show one plan."""
    with connected(as_json=as_json) as concord:
        _print(concord.inventory.get_purchase_plan(name), as_json=as_json, language=language)


@app.command()
def add(  # noqa: PLR0913  # Each parameter is an option of the command.
    sku: Annotated[str, typer.Argument(metavar="SKU", help="The article.")],
    warehouse: Annotated[str, typer.Argument(metavar="WAREHOUSE", help="Where it will lie.")],
    quantity: Annotated[int, typer.Argument(metavar="PIECES", min=1)],
    *,
    due: Annotated[str, typer.Option("--due", help="When: in `3d`, or a time with offset.")],
    note: Annotated[str, typer.Option("--note", help="The purchase order's number …")] = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Write down what is to come."""
    plan = PurchasePlan(sku=sku, warehouse=warehouse, quantity=quantity, note=note)
    plan.expected_time.FromDatetime(_due(due, config.now()))
    with connected(as_json=as_json) as concord:
        told = concord.inventory.create_purchase_plan(plan, request_id=request_id)
        _print(told, as_json=as_json, language=language)


@app.command()
def receive(
    name: PlanName,
    *,
    pieces: Annotated[int, typer.Option("--pieces", min=0, help="All of them without.")] = 0,
    request_id: RequestId = "",
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Say that it came: its pieces are added to the stock, and orders that wait go on."""
    with connected(as_json=as_json) as concord:
        told = concord.inventory.receive_purchase_plan(name, received=pieces, request_id=request_id)
        _print(told, as_json=as_json, language=language)


@app.command()
def drop(
    name: PlanName, *, request_id: RequestId = "", as_json: AsJson = False, language: In = None
) -> None:
    """Say that it will not come."""
    with connected(as_json=as_json) as concord:
        told = concord.inventory.drop_purchase_plan(name, request_id=request_id)
        _print(told, as_json=as_json, language=language)


def _due(text: str, now: datetime) -> datetime:
    return now + span_of(text) if SPAN.fullmatch(text.strip()) else time_of(text, now)


def _print(plan: PurchasePlan, *, as_json: bool, language: In) -> None:
    if as_json:
        output.print_json(plan)
    else:
        output.print_all([_table([plan], config.now(), language)])


def _table(found: Iterable[PurchasePlan], now: datetime, language: In) -> Table:
    rows = (
        (
            each.name,
            each.sku,
            each.warehouse,
            f"{each.quantity:,}",
            named(code_of(PurchasePlan.State, each.state, "STATE_"), language),
            _expected(each, now),
            f"{each.received:,}" if each.state == PurchasePlan.STATE_RECEIVED else "",
            each.note,
        )
        for each in found
    )
    heads = ("Plan", "Article", "Warehouse", "Pieces", "State", "Expected", "Came", "Note")
    return output.table([word(each, language) for each in heads], rows, right=(3, 6))


def _expected(plan: PurchasePlan, now: datetime) -> str:
    told = formats.time(plan.expected_time)
    if plan.state != PurchasePlan.STATE_PLANNED:
        return told
    return f"{told} ({formats.until(plan.expected_time, now)})"

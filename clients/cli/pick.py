"""`concord pick …`: pick lists, on the screen and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from clients.cli import formats, output
from clients.cli.options import AsJson, In, Language, Limit, Reason, RequestId
from clients.cli.session import connected, name_of
from clients.cli.wording import code_of, named
from concord.fulfilment.v1.fulfilment_service_pb2 import PickList, PrintPickListRequest

app = typer.Typer(help="Pick lists: what to take from the shelves.", no_args_is_help=True)

PickName = Annotated[str, typer.Argument(metavar="PICK_LIST", help="`pck-…`, as printed.")]


class Stage(StrEnum):
    """Which lists to show."""

    OPEN = "open"
    PICKING = "picking"
    DONE = "done"
    VOID = "void"


@app.command("list")
def list_pick_lists(
    *,
    order: Annotated[str, typer.Option(help="Only of this order, in every state.")] = "",
    warehouse: Annotated[str, typer.Option(help="Only in this warehouse.")] = "",
    state: Annotated[Stage | None, typer.Option(help="Only in this state.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """List what is to be picked, oldest first."""
    with connected(as_json=as_json) as concord:
        where: dict[str, Any] = {
            "order": name_of(concord, order),
            "warehouse": warehouse,
            "state": PickList.State.Value(f"STATE_{state.name}") if state else 0,
            "page_size": min(limit, 500),
        }
        found = list(islice(concord.fulfilment.list_pick_lists(**where), limit))
    if as_json:
        output.print_json({"pickLists": [output.as_dict(each) for each in found]})
        return
    rows = (
        (
            each.name.removeprefix("pickLists/"),
            each.warehouse,
            _state(each, language),
            each.channel,
            each.order_number,
            each.order.removeprefix("orders/"),
            formats.time(each.create_time),
        )
        for each in found
    )
    heads = ("Pick list", "Warehouse", "State", "Channel", "Number", "Order", "Made")
    output.print_all([output.table(heads, rows)])
    if not found:
        output.note("Nothing is to be picked.")


@app.command()
def show(pick_list: PickName, *, as_json: AsJson = False, language: In = None) -> None:
    """Show one pick list with its lines."""
    with connected(as_json=as_json) as concord:
        _print(concord.fulfilment.get_pick_list(pick_list), language, as_json=as_json)


@app.command("print")
def print_pick_list(pick_list: PickName, *, as_json: AsJson = False, language: In = None) -> None:
    """Print a pick list as plain text, for paper; in both languages without --lang."""
    code = {None: "UNSPECIFIED", Language.EN: "EN", Language.ZH: "ZH"}[language]
    wanted = PrintPickListRequest.Language.Value(f"LANGUAGE_{code}")
    with connected(as_json=as_json) as concord:
        told = concord.fulfilment.print_pick_list(pick_list, language=wanted)
    if as_json:
        output.print_json(told)
    else:
        typer.echo(told.text, nl=False)


@app.command()
def start(
    pick_list: PickName,
    *,
    picker: Annotated[str, typer.Option(help="Who picks; you, where left out.")] = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """OPEN → PICKING: somebody picks, or takes over."""
    with connected(as_json=as_json) as concord:
        told = concord.fulfilment.start_picking(pick_list, picker=picker, request_id=request_id)
        _print(told, None, as_json=as_json)


@app.command()
def done(
    pick_list: PickName,
    *,
    reason: Reason = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """End a pick list; with the order's last one its outbound is approved."""
    with connected(as_json=as_json) as concord:
        told = concord.fulfilment.complete_pick_list(
            pick_list, reason=reason, request_id=request_id
        )
        _print(told, None, as_json=as_json)


def _print(pick: PickList, language: Language | None, *, as_json: bool) -> None:
    if as_json:
        output.print_json(pick)
    else:
        output.print_all(_details(pick, language))


def _details(pick: PickList, language: Language | None) -> Iterator[RenderableType]:
    yield output.pairs(
        [
            ("pick list", pick.name),
            ("order", pick.order),
            ("number", pick.order_number),
            ("channel", pick.channel),
            ("warehouse", pick.warehouse),
            ("state", _state(pick, language)),
            ("void because", pick.void_reason),
            ("picker", pick.picker),
            ("made", formats.time(pick.create_time)),
            ("begun", formats.time(pick.start_time)),
            ("ended", formats.time(pick.end_time)),
        ]
    )
    rows = ((f"{each.quantity:,}", each.sku) for each in pick.lines)
    yield output.table(("Take", "Article"), rows, right=(0,))


def _state(pick: PickList, language: Language | None) -> str:
    return named(code_of(PickList.State, pick.state, "STATE_"), language)

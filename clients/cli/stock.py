"""`concord stock …`: what lies where, how much of it is promised, and who may have it."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

import typer

from clients.cli import formats, output, stock_plans
from clients.cli.options import AsJson, Limit, RequestId
from clients.cli.session import connected
from concord.inventory.v1.inventory_service_pb2 import Stock

app = typer.Typer(
    help="Stock: what lies where, what is promised, who may have it.", no_args_is_help=True
)

Sku = Annotated[str, typer.Argument(metavar="SKU", help="The article, as orders name it.")]
Warehouse = Annotated[str, typer.Argument(metavar="WAREHOUSE", help="`bj1` …")]


@app.command("list")
def list_stock(
    *,
    sku: Annotated[str, typer.Option(help="Only this article.")] = "",
    warehouse: Annotated[str, typer.Option(help="Only in this warehouse.")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List stock by article and warehouse."""
    with connected(as_json=as_json) as concord:
        where: dict[str, Any] = {
            "sku": sku,
            "warehouse": warehouse,
            "page_size": min(limit, 500),
        }
        found = list(islice(concord.inventory.list_stock(**where), limit))
    if as_json:
        output.print_json({"stock": [output.as_dict(each) for each in found]})
        return
    rows = (
        (
            each.sku,
            each.warehouse,
            f"{each.on_hand:,}",
            f"{each.reserved:,}",
            f"{each.available:,}",
            formats.time(each.count_time),
        )
        for each in found
    )
    heads = ("Article", "Warehouse", "On hand", "Reserved", "Available", "Counted")
    output.print_all([output.table(heads, rows, right=(2, 3, 4))])
    if not found:
        output.note("No stock is kept; `concord stock set` begins.")


@app.command()
def show(sku: Sku, warehouse: Warehouse, *, as_json: AsJson = False) -> None:
    """Show the stock of one article in one warehouse."""
    with connected(as_json=as_json) as concord:
        _print(concord.inventory.get_stock(sku, warehouse), as_json=as_json)


@app.command("set")
def set_stock(
    sku: Sku,
    warehouse: Warehouse,
    on_hand: Annotated[int, typer.Argument(metavar="PIECES", min=0)],
    *,
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Write down what was counted; paid orders that wait for it are served."""
    with connected(as_json=as_json) as concord:
        told = concord.inventory.set_stock(sku, warehouse, on_hand, request_id=request_id)
        _print(told, as_json=as_json)


@app.command(context_settings={"ignore_unknown_options": True})
def adjust(
    sku: Sku,
    warehouse: Warehouse,
    delta: Annotated[int, typer.Argument(metavar="PIECES", help="12 came, -3 are gone.")],
    *,
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Add pieces that came, or take away those that are gone."""
    with connected(as_json=as_json) as concord:
        told = concord.inventory.adjust_stock(sku, warehouse, delta, request_id=request_id)
        _print(told, as_json=as_json)


for command in (
    stock_plans.articles,
    stock_plans.safety,
    stock_plans.share,
    stock_plans.sellable,
    stock_plans.oversold,
):
    app.command()(command)


def _print(stock: Stock, *, as_json: bool) -> None:
    if as_json:
        output.print_json(stock)
        return
    output.print_all(
        [
            output.pairs(
                [
                    ("article", stock.sku),
                    ("warehouse", stock.warehouse),
                    ("on hand", f"{stock.on_hand:,}"),
                    ("reserved", f"{stock.reserved:,}"),
                    ("available", f"{stock.available:,}"),
                    ("counted", formats.time(stock.count_time)),
                    ("changed", formats.time(stock.update_time)),
                ]
            )
        ]
    )

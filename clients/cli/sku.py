"""`concord sku …`: of which articles channels' items consist, and what nobody said yet."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Annotated, Any

import typer
from rich.table import Table

from clients.cli import formats, output
from clients.cli.options import AsJson, In, Limit, RequestId
from clients.cli.session import connected
from clients.cli.wording import word
from concord.inventory.v1.channel_stock_pb2 import SkuMapping

app = typer.Typer(help="SKUs: what channels call our articles.", no_args_is_help=True)

Channel = Annotated[str, typer.Argument(metavar="CHANNEL", help="`douyin`, `jd` …")]
Item = Annotated[str, typer.Argument(metavar="ITEM", help="As the channel's orders name it.")]
OfChannel = Annotated[str, typer.Option("--channel", help="Only of this channel.")]
OfSku = Annotated[str, typer.Option("--sku", help="Only with this article.")]


@app.command("list")
def list_mappings(
    *,
    channel: OfChannel = "",
    sku: OfSku = "",
    limit: Limit = 50,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """List of which articles items consist, by channel and item."""
    where: dict[str, Any] = {"channel": channel, "sku": sku, "page_size": min(limit, 500)}
    with connected(as_json=as_json) as concord:
        found = list(islice(concord.inventory.list_sku_mappings(**where), limit))
    if as_json:
        output.print_json({"mappings": [output.as_dict(each) for each in found]})
        return
    output.print_all([_table(found, language)])
    if not found:
        output.note("Nothing is mapped: channels' items are taken for articles. `concord sku map`.")


@app.command("map")
def map_item(
    channel: Channel,
    item: Item,
    parts: Annotated[
        list[str], typer.Argument(metavar="SKU[=PIECES]…", help="`SKU-1`, or `SKU-1=2 BOX`.")
    ],
    *,
    request_id: RequestId = "",
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Say of which articles an item consists; orders that wait for it go on."""
    told = dict(_part(each) for each in parts)
    if len(told) < len(parts):
        raise typer.BadParameter("name each article once")
    with connected(as_json=as_json) as concord:
        mapping = concord.inventory.set_sku_mapping(channel, item, told, request_id=request_id)
    if as_json:
        output.print_json(mapping)
    else:
        output.print_all([_table([mapping], language)])


@app.command()
def forget(
    channel: Channel, item: Item, *, request_id: RequestId = "", as_json: AsJson = False
) -> None:
    """Forget of which articles an item consists; its next orders wait."""
    with connected(as_json=as_json) as concord:
        told = concord.inventory.delete_sku_mapping(channel, item, request_id=request_id)
    if as_json:
        output.print_json(told)
    else:
        typer.echo(f"{item} of {channel} was {_parts(told)}; that is forgotten.")


@app.command()
def unmapped(
    *,
    channel: OfChannel = "",
    limit: Limit = 50,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """List items that orders name and of which nobody said what they are."""
    where: dict[str, Any] = {"channel": channel, "page_size": min(limit, 500)}
    with connected(as_json=as_json) as concord:
        found = list(islice(concord.inventory.list_unmapped_skus(**where), limit))
    if as_json:
        output.print_json({"unmapped": [output.as_dict(each) for each in found]})
        return
    rows = (
        (
            each.channel,
            each.channel_sku,
            f"{each.waiting:,}",
            each.order,
            each.case,
            formats.time(each.find_time),
        )
        for each in found
    )
    heads = ("Channel", "Item", "Orders wait", "First order", "Case", "Found")
    output.print_all([output.table([word(each, language) for each in heads], rows, right=(2,))])
    if found:
        output.note("`concord sku map CHANNEL ITEM SKU…` says what an item is.")
    else:
        output.note("Every item that orders name is known.")


def _table(found: Iterable[SkuMapping], language: In) -> Table:
    rows = (
        (each.channel, each.channel_sku, _parts(each), formats.time(each.update_time))
        for each in found
    )
    heads = ("Channel", "Item", "Articles", "Since")
    return output.table([word(each, language) for each in heads], rows)


def _parts(mapping: SkuMapping) -> str:
    return " + ".join(f"{each.quantity or 1} x {each.sku}" for each in mapping.parts)


def _part(text: str) -> tuple[str, int]:
    sku, _, pieces = text.rpartition("=")
    if sku and pieces.isdecimal():
        return sku, int(pieces)
    if "=" in text:
        raise typer.BadParameter(f"{text!r} is no SKU=PIECES such as SKU-1=2")
    return text, 1

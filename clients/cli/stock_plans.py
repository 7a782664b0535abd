"""`concord stock …` beyond counting: what is safe, what channels may have, what was oversold."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import islice
from typing import Annotated, Any

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from clients.cli import formats, output
from clients.cli.options import AsJson, In, Limit, RequestId
from clients.cli.session import connected
from clients.cli.wording import named, word
from concord.inventory.v1.channel_stock_pb2 import Allocation, ChannelLevel
from concord.inventory.v1.planning_pb2 import Article

Sku = Annotated[str, typer.Argument(metavar="SKU", help="The article.")]
OfSku = Annotated[str, typer.Option("--sku", help="Only this article.")]


def articles(
    *,
    sku: OfSku = "",
    red: Annotated[bool, typer.Option("--red", help="Only those that are flagged.")] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """List articles with a safety level, and which of them need somebody."""
    where: dict[str, Any] = {"sku": sku, "is_red": red, "page_size": min(limit, 500)}
    with connected(as_json=as_json) as concord:
        found = list(islice(concord.inventory.list_articles(**where), limit))
    if as_json:
        output.print_json({"articles": [output.as_dict(each) for each in found]})
        return
    output.print_all([_articles(found, language)])
    if not found:
        output.note("None is flagged." if red else "`concord stock safety SKU PIECES` begins.")


def safety(
    sku: Sku,
    pieces: Annotated[int, typer.Argument(metavar="PIECES", min=0, help="0 ends it.")],
    *,
    owner: Annotated[str, typer.Option("--owner", help="The role that is told.")] = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Say below which number of free pieces somebody must act."""
    with connected(as_json=as_json) as concord:
        told = concord.inventory.set_safety_level(
            sku, pieces, owner_role=owner, request_id=request_id
        )
    if as_json:
        output.print_json(told)
    else:
        output.print_all([_articles([told], language)])


def share(
    sku: Sku,
    shares: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CHANNEL=PERCENT…]", help="`douyin=40 jd=30`; the rest: others."),
    ] = None,
    *,
    pool: Annotated[bool, typer.Option("--pool", help="One pool for all again.")] = False,
    request_id: RequestId = "",
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Divide an article among channels from now on; without shares, show how it is divided."""
    if shares and pool:
        raise typer.BadParameter("give shares or --pool, not both")
    percents = dict(_percent(each) for each in shares or ())
    if len(percents) < len(shares or ()):
        raise typer.BadParameter("name each channel once")
    with connected(as_json=as_json) as concord:
        if percents or pool:
            told = concord.inventory.set_allocation(sku, percents, request_id=request_id)
        else:
            told = concord.inventory.get_allocation(sku)
    if as_json:
        output.print_json(told)
    else:
        output.print_all(_allocation(told, language))


def sellable(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="`douyin`, `jd` …")],
    item: Annotated[
        str, typer.Argument(metavar="[ITEM]", help="As the channel names it; all without.")
    ] = "",
    *,
    sku: Annotated[str, typer.Option("--sku", help="Only items with this article.")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Tell what a channel may still sell of its items."""
    with connected(as_json=as_json) as concord:
        if item:
            found = [concord.inventory.get_channel_level(channel, item)]
        else:
            rows = concord.inventory.list_channel_levels(
                channel, sku=sku, page_size=min(limit, 500)
            )
            found = list(islice(rows, limit))
    if as_json:
        output.print_json({"levels": [output.as_dict(each) for each in found]})
        return
    lines = ((each.channel_sku, _left(each), each.sku) for each in found)
    heads = ("Item", "Sellable", "Scarcest article")
    output.print_all([output.table([word(each, language) for each in heads], lines, right=(1,))])
    if not found:
        output.note(f"Nothing that {channel} could sell is kept.")


def oversold(
    *, sku: OfSku = "", limit: Limit = 50, as_json: AsJson = False, language: In = None
) -> None:
    """List what orders that came late sold of articles that were gone, newest first."""
    where: dict[str, Any] = {"sku": sku, "page_size": min(limit, 500)}
    with connected(as_json=as_json) as concord:
        found = list(islice(concord.inventory.list_oversales(**where), limit))
    if as_json:
        output.print_json({"oversales": [output.as_dict(each) for each in found]})
        return
    rows = (
        (
            each.sku,
            each.channel,
            f"{each.orders:,}",
            f"{each.pieces:,}",
            formats.rough(timedelta(minutes=each.minutes_late)),
            formats.time(each.find_time),
            formats.time(each.tell_time),
            each.cases[0] if each.cases else "",
        )
        for each in found
    )
    heads = ("Article", "Channel", "Orders", "Lacking", "Late by", "Found", "Told", "First case")
    titles = [word(each, language) for each in heads]
    output.print_all([output.table(titles, rows, right=(2, 3, 4))])
    if not found:
        output.note("No late order has found a shelf empty.")


def _articles(found: Iterable[Article], language: In) -> Table:
    rows = (
        (
            each.sku,
            f"{each.available:,}",
            f"{each.safety_level:,}",
            f"{each.planned:,}",
            Text(f"{named('RED', language)} {formats.time(each.red_time)}", "red")
            if each.HasField("red_time")
            else "",
            each.owner_role,
        )
        for each in found
    )
    heads = ("Article", "Available", "Safety level", "Comes in 7 days", "Flag since", "Owner")
    return output.table([word(each, language) for each in heads], rows, right=(1, 2, 3))


def _allocation(told: Allocation, language: In) -> Iterable[RenderableType]:
    if not told.shares:
        yield Text(f"All channels have {told.sku} from one pool: {told.available:,} are free.")
        return
    yield Text(
        f"{told.sku}: {told.divided:,} divided since {formats.time(told.set_time)},"
        f" {told.available:,} free"
    )
    rows = (
        (
            each.channel or "(others)",
            f"{each.percent} %",
            f"{each.used:,}",
            f"{each.available:,}",
        )
        for each in told.shares
    )
    heads = ("Channel", "Share", "Had", "Can have")
    yield output.table([word(each, language) for each in heads], rows, right=(1, 2, 3))


def _left(level: ChannelLevel) -> str:
    return f"{level.sellable:,}" if level.HasField("sellable") else "not kept"


def _percent(text: str) -> tuple[str, int]:
    channel, _, percent = text.partition("=")
    if not channel or not percent.removesuffix("%").isdecimal():
        raise typer.BadParameter(f"{text!r} is no CHANNEL=PERCENT such as douyin=40")
    return channel, int(percent.removesuffix("%"))

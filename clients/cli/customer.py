"""`concord customer …`: who is the same person, why, and what if not."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Annotated

import typer
from google.protobuf.message import Message
from rich.table import Table

from clients.cli import advice, formats, output
from clients.cli.options import AsJson, Limit, RequestId, span_of
from clients.cli.progress import waiting
from clients.cli.session import connected
from concord.customers.v1.customer_service_pb2 import Buyer, Customer, Merge
from concord.customers.v1.profile_pb2 import Profile
from concord.intake.v1.fact_pb2 import Identity

app = typer.Typer(help="Who is the same person at several channels.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="CUSTOMER", help="As `list` names it: cus-….")]
MergeName = Annotated[str, typer.Argument(metavar="MERGE", help="As `merges` names it: mrg-….")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for whoever looks at it later.")]


@app.command()
def show(name: Name, *, as_json: AsJson = False) -> None:
    """Show one customer: its accounts, what they are known by, numbers, merges."""
    with connected(as_json=as_json) as concord:
        customer = concord.customers.get(name)
    if as_json:
        output.print_json(customer)
        return
    if customer.merged_into:
        typer.echo(f"{customer.name} is part of {customer.merged_into}.")
        return
    profile = customer.profile
    typer.echo(
        f"{customer.name}: {customer.order_count} orders since"
        f" {formats.time(customer.first_seen_time)}; in 90 days {profile.orders_90d} orders,"
        f" {profile.returned_90d} with money back{_rate(profile)}"
    )
    if profile.source == Profile.SOURCE_ORDERS:
        output.note("Counted from the orders: the streams' profile is not up to date.")
    spent = (
        (formats.money(each.sum), str(each.orders), formats.money(each.mean))
        for each in profile.spent
    )
    output.print_all(
        [
            output.table(("Buyer", "Channel", "Shop", "Orders", "Known by"), _buyers(customer)),
            output.table(("Spent", "Orders", "Mean"), spent),
            output.table(("Channel", "Shop", "Orders", "Money back"), _places(profile)),
            *_categories(profile),
            _merges_table(customer.merges),
        ]
    )


@app.command("list")
def list_customers(
    *,
    order: Annotated[str, typer.Option("--order", help="Whose this order is.")] = "",
    key: Annotated[str, typer.Option("--key", help="Whose this account is.")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List customers, newest first."""
    with connected(as_json=as_json) as concord:
        rows = concord.customers.list(order=order, key=key, page_size=min(limit, 500))
        found = list(islice(rows, limit))
    if as_json:
        _print_list("customers", found)
        return
    lines = (
        (
            each.name,
            str(each.order_count),
            ", ".join(sorted({buyer.channel for buyer in each.buyers})),
            formats.time(each.first_seen_time),
        )
        for each in found
    )
    output.print_all([output.table(("Customer", "Orders", "Channels", "Since"), lines)])


@app.command()
def orders(name: Name, *, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List a customer's orders over all channels, newest first."""
    with connected(as_json=as_json) as concord:
        rows = concord.customers.list_orders(name, page_size=min(limit, 500))
        found = list(islice(rows, limit))
    if as_json:
        _print_list("orders", found)
        return
    lines = (
        (
            each.order,
            each.channel,
            each.shop,
            formats.money(each.total),
            formats.time(each.place_time),
            "yes" if each.returned else "",
        )
        for each in found
    )
    heads = ("Order", "Channel", "Shop", "Total", "Placed", "Money back")
    output.print_all([output.table(heads, lines)])


@app.command()
def merges(
    *,
    customer: Annotated[str, typer.Option("--customer", help="Only of this customer.")] = "",
    suggested: Annotated[bool, typer.Option("--suggested", help="Only what waits.")] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List merges and suggestions with their evidence, newest first."""
    states = (Merge.STATE_SUGGESTED,) if suggested else ()
    with connected(as_json=as_json) as concord:
        rows = concord.customers.list_merges(
            customer=customer, states=states, page_size=min(limit, 500)
        )
        found = list(islice(rows, limit))
    if as_json:
        _print_list("merges", found)
    else:
        output.print_all([_merges_table(found)])


@app.command()
def merge(
    name: Name,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Who is the same person.")],
    reason: Annotated[str, typer.Argument(metavar="REASON", help="Why.")],
    *,
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Join two customers by hand."""
    with connected(as_json=as_json) as concord:
        told = concord.customers.merge(name, other, reason, request_id=request_id)
    _print_merge(told, as_json=as_json)


@app.command()
def accept(
    name: MergeName, *, reason: Reason = "", request_id: RequestId = "", as_json: AsJson = False
) -> None:
    """Accept a suggestion: they are one person."""
    with connected(as_json=as_json) as concord:
        told = concord.customers.accept(name, reason=reason, request_id=request_id)
    _print_merge(told, as_json=as_json)


@app.command()
def dismiss(
    name: MergeName, *, reason: Reason = "", request_id: RequestId = "", as_json: AsJson = False
) -> None:
    """Dismiss a suggestion: they are two people."""
    with connected(as_json=as_json) as concord:
        told = concord.customers.dismiss(name, reason=reason, request_id=request_id)
    _print_merge(told, as_json=as_json)


@app.command()
def undo(
    name: MergeName,
    reason: Annotated[str, typer.Argument(metavar="REASON", help="Why.")],
    *,
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Take a merge back: who was who is restored, and the orders go back."""
    with connected(as_json=as_json) as concord:
        told = concord.customers.undo(name, reason, request_id=request_id)
    _print_merge(told, as_json=as_json)


@app.command()
def returns(
    *,
    customer: Annotated[str, typer.Option("--customer", help="Only of this customer.")] = "",
    channel: Annotated[str, typer.Option("--channel", help="Only bought there.")] = "",
    shop: Annotated[str, typer.Option("--shop", help="Only bought in this shop.")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List money that went back: where it was bought, and by which way it came back."""
    with connected(as_json=as_json) as concord:
        rows = concord.customers.list_returns(
            customer=customer, channel=channel, shop=shop, page_size=min(limit, 500)
        )
        found = list(islice(rows, limit))
    if as_json:
        _print_list("returns", found)
        return
    lines = (
        (
            each.order,
            each.channel,
            each.shop,
            f"{each.came_by} {each.came_by_channel}".strip(),
            formats.money(each.amount) if each.HasField("amount") else "",
            formats.time(each.return_time),
        )
        for each in found
    )
    heads = ("Order", "Bought at", "Shop", "Came back by", "Amount", "When")
    output.print_all([output.table(heads, lines)])


@app.command()
def coupons(
    *,
    customer: Annotated[str, typer.Option("--customer", help="Only used by this one.")] = "",
    code: Annotated[str, typer.Option("--code", help="Only this coupon.")] = "",
    cross_shop: Annotated[
        bool, typer.Option("--cross-shop", help="Only in another shop than gave it.")
    ] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List uses of coupons: which shop gave it, and where it was used."""
    with connected(as_json=as_json) as concord:
        rows = concord.customers.list_coupon_uses(
            customer=customer, code=code, cross_shop=cross_shop, page_size=min(limit, 500)
        )
        found = list(islice(rows, limit))
    if as_json:
        _print_list("uses", found)
        return
    lines = (
        (
            each.code,
            f"{each.given_channel} {each.given_shop}".strip() or "not by Concord",
            f"{each.channel} {each.shop}".strip(),
            "yes" if each.cross_shop else "",
            each.order,
            f"{each.customer} (given to another)" if each.other_customer else each.customer,
            formats.time(each.use_time),
        )
        for each in found
    )
    heads = ("Coupon", "Given by", "Used at", "Cross-shop", "Order", "By", "When")
    output.print_all([output.table(heads, lines)])


@app.command()
def verify(
    *,
    wait: Annotated[str, typer.Option(help="Let the streams catch up, at most 60s.")] = "30s",
    as_json: AsJson = False,
) -> None:
    """Compute every profile anew from the orders and compare; 1 where one differs."""
    span = span_of(wait)
    with connected(as_json=as_json) as concord, waiting("computing every profile anew"):
        answer = concord.customers.verify(wait=span)
    if as_json:
        output.print_json(answer)
    elif not answer.difference_count:
        typer.echo(f"✓ profiles of {answer.customers:,} customers: no difference")
    else:
        lines = (
            (each.customer, _in_short(each.view), _in_short(each.orders))
            for each in answer.differences
        )
        output.print_all([output.table(("Customer", "View", "Orders"), lines)])
        output.note(
            f"✗ {answer.difference_count:,} of {answer.customers:,} profiles differ. If they still "
            "do in a minute, restart the streams: they rebuild their profiles from the topic."
        )
    if answer.difference_count:
        raise typer.Exit(advice.REFUSED)


def _in_short(profile: Profile) -> str:
    spent = " + ".join(formats.money(each.sum) for each in profile.spent)
    orders = sum(each.orders for each in profile.places)
    back = sum(each.returned for each in profile.places)
    return f"{orders} orders, {back} back, {spent}" if orders else "none"


def _rate(profile: Profile) -> str:
    if not profile.orders_90d:
        return ""
    return f" ({profile.returned_90d / profile.orders_90d:.0%})"


def _places(profile: Profile) -> Iterable[tuple[str, ...]]:
    for each in profile.places:
        yield each.channel, each.shop, str(each.orders), str(each.returned)


def _categories(profile: Profile) -> list[Table]:
    if not profile.categories:
        return []
    lines = ((each.category, str(each.orders)) for each in profile.categories)
    return [output.table(("Goods", "Orders"), lines)]


def _buyers(customer: Customer) -> Iterable[tuple[str, ...]]:
    for each in customer.buyers:
        known = ", ".join(_mark(mark) for mark in each.marks)
        yield each.buyer_id, each.channel, each.shop, str(each.order_count), known


def _mark(mark: Buyer.Mark) -> str:
    kind = Identity.Kind.Name(mark.kind).removeprefix("KIND_").lower()
    return f"{kind} {mark.digest}" if mark.digest else f"{kind} masked"


def _merges_table(found: Iterable[Merge]) -> Table:
    lines = (
        (
            each.name,
            Merge.State.Name(each.state).removeprefix("STATE_"),
            str(each.score),
            ", ".join(f"{told.kind} {told.weight}" for told in each.evidence),
            f"{each.absorbed} → {each.survivor}",
            each.actor,
        )
        for each in found
    )
    heads = ("Merge", "State", "Score", "Evidence", "Who into whom", "Decided by")
    return output.table(heads, lines)


def _print_merge(told: Merge, *, as_json: bool) -> None:
    if as_json:
        output.print_json(told)
    else:
        output.print_all([_merges_table([told])])


def _print_list(name: str, found: Iterable[Message]) -> None:
    output.print_json({name: [output.as_dict(each) for each in found]})

"""`concord order tag|untag`: names that many orders share, to handle them together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from clients.cli import output, progress
from clients.cli.options import AsJson, Reason
from clients.cli.session import connected
from concord.orders.v1.order_pb2 import OrderRef

# What the service takes in one call.
ORDERS_MAX: Final = 500

Tag = Annotated[str, typer.Argument(metavar="TAG", help="Such as 清关延误.")]
Orders = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ORDER]…", help="`ord-…`, or references such as `douyin:4705…`."),
]
FromFile = Annotated[
    Path | None,
    typer.Option("--from", help="A file with one order a line.", exists=True, dir_okay=False),
]


def register(app: typer.Typer) -> None:
    """Add the commands to `concord order`."""
    for command in (tag, untag):
        app.command(rich_help_panel="Actions")(command)


def tag(
    tag: Tag,
    orders: Orders = None,
    *,
    from_file: FromFile = None,
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Put a tag on orders, so that they are found together."""
    _change("tag", tag, named(orders or [], from_file), reason, as_json=as_json)


def untag(
    tag: Tag,
    orders: Orders = None,
    *,
    from_file: FromFile = None,
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Take a tag off orders."""
    _change("untag", tag, named(orders or [], from_file), reason, as_json=as_json)


def named(orders: Sequence[str], from_file: Path | None) -> list[str]:
    """Return what was named, on the command line and in the file, each once.

    Raises:
        typer.BadParameter: nothing was named.
    """
    lines = from_file.read_text("utf-8-sig").splitlines() if from_file else []
    found = list(dict.fromkeys([*orders, *filter(None, map(str.strip, lines))]))
    if not found:
        raise typer.BadParameter("name orders, or a file of them by --from")
    return found


def parted(orders: Sequence[str]) -> tuple[list[str], list[OrderRef]]:
    """Return ids, and references: what has a colon."""
    pairs = [each.partition(":") for each in orders]
    refs = [OrderRef(namespace=head, value=tail) for head, colon, tail in pairs if colon]
    return [head for head, colon, _ in pairs if not colon], refs


def _change(method: str, tag: str, orders: list[str], reason: str, *, as_json: bool) -> None:
    told: dict[str, Any] = {"changed": 0, "unchanged": 0, "missing": []}
    with (
        connected(as_json=as_json) as concord,
        progress.counting(method, len(orders)) as count,
    ):
        for part in _parts(orders):
            names, refs = parted(part)
            answer = getattr(concord.orders, method)(tag, names=names, refs=refs, reason=reason)
            told["changed"] += answer.changed
            told["unchanged"] += answer.unchanged
            told["missing"] += answer.missing
            count(len(part))
    if as_json:
        output.print_json(told)
    else:
        typer.echo(f"{told['changed']} changed, {told['unchanged']} were so already.")
        for each in told["missing"]:
            output.note(f"not there: {each}")
    if told["missing"]:
        raise typer.Exit(1)


def _parts(orders: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(orders), ORDERS_MAX):
        yield orders[start : start + ORDERS_MAX]

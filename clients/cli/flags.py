"""`concord flags`: what looks risky, and saying that a person looked."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from clients.cli import formats, output
from clients.cli.options import AsJson, Limit, RequestId
from clients.cli.session import connected, name_of
from clients.cli.wording import code_of
from concord.insights.v1.flag_pb2 import Flag

app = typer.Typer(help="Flags: risk findings by rules.")

OfOrder = Annotated[str, typer.Option("--order", help="Only of this order.")]
Pool = Annotated[bool, typer.Option("--pool", help="Only the review pool.")]


@app.callback(invoke_without_command=True)
def flags(
    context: typer.Context,
    *,
    order: OfOrder = "",
    pool: Pool = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List flags, newest first."""
    if context.invoked_subcommand is None:
        _list(order, limit, pool=pool, as_json=as_json)


@app.command("list")
def list_flags(
    *, order: OfOrder = "", pool: Pool = False, limit: Limit = 50, as_json: AsJson = False
) -> None:
    """List flags, newest first."""
    _list(order, limit, pool=pool, as_json=as_json)


@app.command()
def dismiss(
    flag: Annotated[str, typer.Argument(metavar="FLAG", help="`flg-…`.")],
    *,
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Say that a person looked and nothing is to be done."""
    name = flag if flag.startswith("flags/") else f"flags/{flag}"
    with connected(as_json=as_json) as concord:
        answer = concord.insights.act_on_flag(
            Flag(name=name), Flag.ACTION_DISMISS, request_id=request_id
        )
    if as_json:
        output.print_json(answer)
    else:
        typer.echo(f"{answer.name}: {answer.act}")


def _list(order: str, limit: int, *, pool: bool, as_json: bool) -> None:
    with connected(as_json=as_json) as concord:
        rows = concord.insights.list_flags(
            order=name_of(concord, order), review_pool=pool, page_size=min(limit, 500)
        )
        found = list(islice(rows, limit))
    if as_json:
        output.print_json({"flags": [output.as_dict(each) for each in found]})
        return
    heads = ("Flag", "Order", "Rule", "Asks for", "Done", "Because", "When")
    output.print_all(
        [
            output.table(
                heads,
                (
                    (
                        each.name,
                        each.order,
                        f"{each.rule} v{each.rule_version}",
                        code_of(Flag.Action, each.action, "ACTION_"),
                        each.act,
                        ", ".join(f"{value.name} = {value.value}" for value in each.inputs),
                        formats.time(each.event_time),
                    )
                    for each in found
                ),
            )
        ]
    )
    if not found:
        output.note("No flag matches.")

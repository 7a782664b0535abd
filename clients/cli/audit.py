"""`concord audit verify`: has anybody changed the journal?"""

from __future__ import annotations

from typing import Annotated

import typer

from clients.cli import advice, formats, output
from clients.cli.options import AsJson
from clients.cli.progress import waiting
from clients.cli.session import connected, fail, name_of

app = typer.Typer(help="Audit: the journal's hash chain.", no_args_is_help=True)


@app.callback()
def audit() -> None:
    """Audit: the journal's hash chain."""


@app.command()
def verify(
    order: Annotated[str, typer.Argument(metavar="[ORDER]", help="Only this one.")] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Check the hash chain of one order or of all; 1 and the first bad row where it is broken."""
    with connected(as_json=as_json) as concord:
        name = name_of(concord, order)
        with waiting("checking the journal"):
            answer = concord.orders.verify_journal(name)
    is_broken = answer.HasField("first_bad")
    if as_json:
        output.print_json(answer)
    elif is_broken:
        bad = answer.first_bad
        fail(
            f"first bad row: {bad.order} #{bad.sequence}",
            answer.problem,
            f"Compare `concord order journal {bad.order}` with your backups.",
            recorded=formats.time(bad.record_time),
            trace=bad.trace_id,
        )
    else:
        typer.echo(f"✓ {answer.rows:,} rows of {answer.orders:,} orders: the chain holds")
    if is_broken:
        raise typer.Exit(advice.REFUSED)

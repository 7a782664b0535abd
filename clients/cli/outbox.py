"""`concord outbox`: what waits to be published, and what the relay gave up on."""

from __future__ import annotations

from typing import Annotated

import typer

from clients.cli import formats, output
from clients.cli.options import AsJson
from clients.cli.progress import waiting
from clients.cli.session import connected

app = typer.Typer(help="Outbox: what waits to be published, and what could not be.")


@app.callback(invoke_without_command=True)
def outbox(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Show how much waits and for how long."""
    if context.invoked_subcommand is None:
        _show(as_json=as_json)


@app.command()
def show(*, as_json: AsJson = False) -> None:
    """Show how much waits and for how long."""
    _show(as_json=as_json)


@app.command()
def parked(*, as_json: AsJson = False) -> None:
    """List keys that the relay gave up on, longest parked first."""
    with connected(as_json=as_json) as concord:
        found = list(concord.outbox.list_parked())
    if as_json:
        output.print_json({"streams": [output.as_dict(each) for each in found]})
        return
    rows = (
        (
            each.topic,
            each.key,
            str(each.messages),
            str(each.attempts),
            formats.time(each.park_time),
            each.last_error,
        )
        for each in found
    )
    heads = ("Topic", "Key", "Waiting", "Attempts", "Since", "The broker said")
    output.print_all([output.table(heads, rows, right=(2, 3))])
    if not found:
        output.note("Nothing is parked.")


@app.command()
def resend(
    topic: Annotated[str, typer.Argument(metavar="TOPIC")],
    key: Annotated[str, typer.Argument(metavar="KEY")],
    *,
    as_json: AsJson = False,
) -> None:
    """Let the relay try a parked key again."""
    with connected(as_json=as_json) as concord:
        answer = concord.outbox.resend(topic, key)
    if as_json:
        output.print_json(answer)
    else:
        typer.echo(f"{answer.messages} messages of {answer.key} are tried again")


@app.command()
def republish(
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Publish the whole history again, as after the loss of the broker."""
    if not yes:
        typer.confirm("Every order's history is published again. Go on?", abort=True, err=True)
    with connected(as_json=as_json) as concord, waiting("putting the history into the outbox"):
        answer = concord.outbox.republish_history()
    if as_json:
        output.print_json(answer)
    else:
        typer.echo(f"{answer.messages} messages wait; the broker's life is {answer.epoch}")


def _show(*, as_json: bool) -> None:
    with connected(as_json=as_json) as concord:
        found = concord.outbox.get()
    if as_json:
        output.print_json(found)
        return
    output.print_all(
        [
            output.pairs(
                [
                    ("waiting", f"{found.backlog:,}"),
                    ("oldest", formats.rough(found.age.ToTimedelta())),
                    ("parked", f"{found.parked:,}"),
                    ("epoch", str(found.epoch)),
                ]
            )
        ]
    )

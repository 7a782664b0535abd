"""Puts the commands together: names and help here, everything else where it is done."""

from __future__ import annotations

from importlib.metadata import version as version_of
from typing import Annotated, Final

import typer

from clients.cli import local
from clients.cli.advice import EXIT_CODES
from clients.cli.loading import Later, LazyGroup, register

app = typer.Typer(
    cls=LazyGroup,
    epilog=EXIT_CODES,
    no_args_is_help=True,
    # A defect shows Python's own traceback, without values of variables.
    pretty_exceptions_enable=False,
)

RUNNING: Final = "Running it"
ASKING: Final = "Asking it"
CHECKING: Final = "Checking it"
FEEDING: Final = "Feeding it"

for name, command in (
    ("up", local.up),
    ("down", local.down),
    ("status", local.status),
    ("serve", local.serve),
    ("relay", local.relay),
    ("streams", local.streams),
    ("gateway", local.gateway),
    ("connectors", local.connectors),
    ("notifier", local.notifier),
    ("migrate", local.migrate),
):
    app.command(name, rich_help_panel=RUNNING, **local.PASSED_ON)(command)

for name, text, panel, later in (
    ("order", "Read orders, watch them, ask them to move.", ASKING, Later("clients.cli.order")),
    ("receipt", "Messages as they arrived.", ASKING, Later("clients.cli.receipt")),
    ("file", "Files of orders.", ASKING, Later("clients.cli.file")),
    ("probe", "What payment providers are asked.", ASKING, Later("clients.cli.probe")),
    ("case", "Exception orders in handling.", ASKING, Later("clients.cli.case")),
    (
        "purchase",
        "What purchasing is asked to get.",
        ASKING,
        Later("clients.cli.purchase"),
    ),
    ("batch", "Many orders handled at once.", ASKING, Later("clients.cli.batch")),
    ("notice", "What people are told.", ASKING, Later("clients.cli.notice")),
    ("workflow", "How each kind of case is handled.", ASKING, Later("clients.cli.workflow")),
    ("stock", "What lies where, who may have it.", ASKING, Later("clients.cli.stock")),
    ("sku", "What channels call our articles.", ASKING, Later("clients.cli.sku")),
    ("plan", "What is to come from suppliers.", ASKING, Later("clients.cli.plan")),
    ("pick", "What to take from the shelves.", ASKING, Later("clients.cli.pick")),
    ("stages", "Stage times, and orders beyond their limit.", ASKING, Later("clients.cli.stages")),
    (
        "channel",
        "How shops' orders come, and whether all do.",
        ASKING,
        Later("clients.cli.channel"),
    ),
    (
        "channels",
        "What each channel sent, how late, how much of it disagrees.",
        ASKING,
        Later("clients.cli.channels", "channels"),
    ),
    (
        "customer",
        "Who is the same person at several channels.",
        ASKING,
        Later("clients.cli.customer"),
    ),
    (
        "reconcile",
        "Does our day agree with the channel's file?",
        CHECKING,
        Later("clients.cli.reconcile"),
    ),
    ("flags", "Risk findings by rules.", ASKING, Later("clients.cli.flags")),
    ("outbox", "What waits to be published.", ASKING, Later("clients.cli.outbox")),
    (
        "doctor",
        "What is wrong, and what to do about it.",
        CHECKING,
        Later("clients.cli.doctor", "doctor"),
    ),
    (
        "config",
        "Which settings hold, and where each comes from.",
        CHECKING,
        Later("clients.cli.configuration", "show"),
    ),
    (
        "check",
        "Does everything hold that must hold?",
        CHECKING,
        Later("clients.cli.check", "check"),
    ),
    (
        "template",
        "How channels' messages become facts.",
        CHECKING,
        Later("clients.cli.template"),
    ),
    ("audit", "Has anybody changed the journal?", CHECKING, Later("clients.cli.audit")),
    ("insights", "Are the boards right?", CHECKING, Later("clients.cli.insights")),
    (
        "trace",
        "Draw all traces of one order on one time axis.",
        CHECKING,
        Later("clients.cli.trace", "trace"),
    ),
    (
        "simulate",
        "Make live traffic whose stage times are the article's.",
        FEEDING,
        Later("clients.cli.simulate", "simulate"),
    ),
    (
        "replay",
        "Feed an event log in its own event time.",
        FEEDING,
        Later("clients.cli.replay", "replay"),
    ),
):
    register(app, name, text, panel, later)


def _version(wanted: bool) -> None:  # noqa: FBT001  # Typer's callback.
    if wanted:
        typer.echo(f"concord {version_of('concord')}")
        raise typer.Exit


@app.callback()
def concord(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Tell the version.")
    ] = False,
) -> None:
    """Concord: what is true about an order, which evidence says so, and who must act."""

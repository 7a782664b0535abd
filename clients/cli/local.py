"""`concord up | down | status` and the processes themselves: hands over to their own programs.

The command becomes the program (same process), so that signals, exit codes and supervisors see
one process and not two.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Final

import typer

# Options are the program's own, `--help` included.
PASSED_ON: Final[dict[str, Any]] = {
    "context_settings": {"ignore_unknown_options": True, "allow_extra_args": True},
    "add_help_option": False,
}


def up(context: typer.Context) -> None:
    """Start the whole stack here, and stay until Ctrl-C."""
    become("deploy.local", "up", *context.args)


def down(context: typer.Context) -> None:
    """End the running stack; its data stays."""
    become("deploy.local", "down", *context.args)


def status(context: typer.Context) -> None:
    """Tell what runs; 3 where nothing does."""
    become("deploy.local", "status", *context.args)


def serve(context: typer.Context) -> None:
    """Run the gRPC service."""
    become("service", "serve", *context.args)


def relay(context: typer.Context) -> None:
    """Run the relay from the outbox to Kafka."""
    become("service", "relay", *context.args)


def migrate(context: typer.Context) -> None:
    """Bring the database's schema up to date."""
    become("service", "migrate", *context.args)


def streams(context: typer.Context) -> None:
    """Run a stream worker."""
    become("streams", "worker", *context.args)


def gateway(context: typer.Context) -> None:
    """Run the gateway for callbacks of payment platforms."""
    become("clients.gateway", *context.args)


def connectors(context: typer.Context) -> None:
    """Run the connectors, which ask payment providers."""
    become("clients.connectors", *context.args)


def notifier(context: typer.Context) -> None:
    """Run the notifier, which sends notices."""
    become("clients.notifier", *context.args)


def become(module: str, *arguments: str) -> None:
    """Become `python -m module arguments`."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606  # Our own.

"""Talking to the service: finds it, says who asks, and turns failures into words and exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.text import Text

from clients.cli import advice, config, output
from clients.sdk import Concord, ConcordError, ConfigError, OutageError
from clients.sdk.errors import UnreachableError
from concord.orders.v1.order_pb2 import OrderRef


@contextmanager
def connected(*, as_json: bool = False, timeout_s: float | None = None) -> Iterator[Concord]:
    """Give a client; what fails inside ends the command with its exit code."""
    try:
        settings = config.surroundings().settings(timeout_s)
        with Concord(
            settings.address, identity=settings.identity, timeout_s=settings.timeout_s
        ) as concord:
            yield concord
    except ConfigError as error:
        fail("configuration", str(error), "`concord config` shows what is set.", as_json=as_json)
        raise typer.Exit(advice.USAGE) from None
    except ConcordError as error:
        _explain(error, as_json=as_json)
        code = advice.UNREACHABLE if isinstance(error, OutageError) else advice.REFUSED
        raise typer.Exit(code) from None


def named(text: str) -> dict[str, Any]:
    """Return how to ask for an order: by name, or by reference where the text has a colon."""
    namespace, colon, value = text.partition(":")
    if colon:
        return {"ref": OrderRef(namespace=namespace, value=value)}
    return {"name": text}


def name_of(concord: Concord, text: str) -> str:
    """Return an order's name; a reference is looked up."""
    return concord.orders.get(**named(text)).name if ":" in text else text


def fail(what: str, why: str, do: str, *, as_json: bool = False, **more: Any) -> None:  # noqa: ANN401
    """Say on standard error what failed, why, and what to do."""
    if as_json:
        error = {"error": {"what": what, "message": why, "advice": do, **more}}
        typer.echo(json.dumps(error, ensure_ascii=False), err=True)
        return
    told = [("  why", why), *((f"  {key}", str(value)) for key, value in more.items())]
    output.print_all(
        [
            Text.assemble(("✗ ", "bold red"), (what, "bold")),
            output.pairs([*told, ("  do", do)]),
        ],
        errors=True,
    )


def _explain(error: ConcordError, *, as_json: bool) -> None:
    if isinstance(error, UnreachableError):
        why = f"nobody answers ({error.message})"
        fail("UNREACHABLE", why, advice.UNREACHABLE_ADVICE, as_json=as_json)
        return
    reason = error.reason or error.REASON
    what = reason or error.code.name
    more: dict[str, Any] = {"trace": error.trace_id}
    if as_json:
        more |= {
            "reason": error.reason,
            "code": error.code.name,
            "metadata": dict(error.metadata),
            "violations": [vars(violation) for violation in error.violations],
        }
    else:
        more |= {violation.field: violation.description for violation in error.violations}
    fail(
        what,
        error.message,
        advice.advice_for(reason, error.metadata),
        as_json=as_json,
        **more,
    )

"""`concord doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

import typer

from clients.cli import advice, checks, findings, output
from clients.cli.options import AsJson


def doctor(*, as_json: AsJson = False) -> None:
    """Check configuration, callbacks, service, clock, outbox, streams, disk; 1 if one fails."""
    found = list(checks.examine())
    if as_json:
        output.print_json({"checks": [vars(each) for each in found]})
    else:
        output.print_all(findings.line(each) for each in found)
    if any(not each.passed for each in found):
        is_unreachable = any(each.name == "service" and not each.passed for each in found)
        raise typer.Exit(advice.UNREACHABLE if is_unreachable else advice.REFUSED)

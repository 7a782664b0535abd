"""`concord doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

import typer

from clients.cli import advice, checks, output
from clients.cli.options import AsJson


def doctor(*, as_json: AsJson = False) -> None:
    """Check configuration, service, schema, clock, outbox, streams, disk; 1 if one fails."""
    findings = list(checks.examine())
    if as_json:
        output.print_json({"checks": [vars(each) for each in findings]})
    else:
        output.print_all(checks.line(each) for each in findings)
    if any(not each.passed for each in findings):
        is_unreachable = any(each.name == "service" and not each.passed for each in findings)
        raise typer.Exit(advice.UNREACHABLE if is_unreachable else advice.REFUSED)

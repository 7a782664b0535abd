"""`concord config`: which settings hold, and where each comes from."""

from __future__ import annotations

from clients.cli import config, output
from clients.cli.options import AsJson


def show(*, as_json: AsJson = False) -> None:
    """Print the effective settings with their origin; secrets are masked."""
    settings = config.surroundings().effective()
    if as_json:
        output.print_json({"settings": [vars(each) for each in settings]})
        return
    rows = ((each.name, each.value, each.origin) for each in settings)
    output.print_all([output.table(("Setting", "Value", "From"), rows)])

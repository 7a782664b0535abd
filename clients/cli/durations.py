"""Reads durations as people write them: `90s`, `15m`, `1.5h`, `2d`."""

from __future__ import annotations

import re
from typing import Final

import typer

UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def seconds_of(text: str) -> float:
    """Return the seconds, or refuse the option's text."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd])", text.strip())
    if found is None:
        raise typer.BadParameter(f"{text!r} is no duration: write 90s, 15m, 1.5h or 2d.")
    return float(found[1]) * UNITS_S[found[2]]

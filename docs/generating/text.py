"""Markdown tables, times for people, and the prose around what is generated."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    escaped = (" | ".join(cell.replace("|", "\\|") for cell in line) for line in lines)
    return "\n".join(f"| {line} |" for line in escaped)


def span(length: timedelta) -> str:
    """Return a length of time in its largest whole unit: `15 min`, `2 h`, `7 d`."""
    seconds = int(length.total_seconds())
    size, unit = next(each for each in _UNITS if seconds % each[0] == 0)
    return f"{seconds // size} {unit}"


def code(*names: str) -> str:
    """Return names as code, separated by spaces."""
    return " ".join(f"`{each}`" for each in names)


def template(name: str) -> str:
    """Return the prose of a page, with `{places}` for what is generated."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")

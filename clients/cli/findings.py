"""What a check of `concord doctor` says: passed or not, what was seen, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text


@dataclass(frozen=True)
class Finding:
    """What one check found; `fix` says what to do where it failed."""

    name: str
    passed: bool
    detail: str
    fix: str = ""


def good(name: str, detail: str) -> Finding:
    """Return that all is well."""
    return Finding(name, True, detail)  # noqa: FBT003  # The one word that it is about.


def bad(name: str, detail: str, fix: str) -> Finding:
    """Return what is wrong, and what to do about it."""
    return Finding(name, False, detail, fix)  # noqa: FBT003


def line(finding: Finding) -> Text:
    """Return a finding as one line, and its fix below it."""
    mark, style = ("✓", "green") if finding.passed else ("✗", "bold red")
    text = Text.assemble((f"{mark} ", style), (f"{finding.name:<17}", "bold"), finding.detail)
    if not finding.passed:
        text.append(f"\n  → {finding.fix}", "yellow")
    return text

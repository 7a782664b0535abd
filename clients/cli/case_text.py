"""How a case, its state and its clock are shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import typer
from rich.text import Text

from clients.cli import formats
from clients.cli.options import Language
from clients.cli.wording import code_of, named, word
from concord.cases.v1.case_service_pb2 import Case

SIDE: Final = "customer, system or supply"


def case_state(case: Case, language: Language | None) -> str:
    """Return where the handling is."""
    return named(code_of(Case.State, case.state, "STATE_"), language)


def side_of(message: Any, language: Language | None) -> str:  # noqa: ANN401  # any with `class`
    """Return which side must act; empty where the service does not say."""
    code = code_of(Case.Class, getattr(message, "class"), "CLASS_")
    return "" if code == "UNSPECIFIED" else named(code, language)


def due(case: Case, now: datetime, language: Language | None = None) -> Text:
    """Return how long a case has left, in the colour of its need; empty where it has ended."""
    if not case.due_time.seconds or case.resolve_time.seconds:
        return Text()
    left = formats.until(case.due_time, now)
    if case.breach_time.seconds:
        return Text(left, "bold red")
    if case.pause_time.seconds:
        return Text(word("paused", language), "dim")
    if formats.moment(case.due_time) <= now:
        return Text(left, "bold red")
    return Text(left, "yellow" if case.warn_time.seconds else "")


def state_number(text: str) -> Case.State.ValueType:
    """Return the state of a code.

    Raises:
        typer.BadParameter: there is no such state.
    """
    number: Case.State.ValueType = _number(Case.State, "STATE_", text, "state")
    return number


def side_number(text: str) -> Case.Class.ValueType:
    """Return the side of a word; unspecified for none.

    Raises:
        typer.BadParameter: there is no such side.
    """
    return _number(Case.Class, "CLASS_", text, "side") if text else Case.CLASS_UNSPECIFIED


def _number(enum: Any, prefix: str, text: str, what: str) -> Any:  # noqa: ANN401  # Generated.
    codes = [name.removeprefix(prefix) for name in enum.keys()[1:]]
    code = text.upper().replace("-", "_").replace(" ", "_")
    if code not in codes:
        raise typer.BadParameter(f"{text!r} is no {what}; there are {', '.join(codes)}")
    return enum.Value(prefix + code)

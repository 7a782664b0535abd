"""Commands that are read when they are asked for, so that `concord --help` answers at once."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group


@dataclass(frozen=True)
class Later:
    """Where a command, or a group of commands, is."""

    module: str
    attribute: str = "app"


class LazyGroup(TyperGroup):
    """A group that knows its commands' names and help, and reads a command only to run it."""

    # Typer makes the instance itself, from the class alone.
    later: ClassVar[dict[str, Later]] = {}

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401  # Typer's own types.
        """Return the command itself in place of what stands for it."""
        name, command, rest = super().resolve_command(ctx, args)
        if name not in self.later:
            return name, command, rest
        loaded: Any = load(self.later[name])
        loaded.name = name
        return name, loaded, rest


def register(app: typer.Typer, name: str, text: str, panel: str, later: Later) -> None:
    """Let the name and the help stand for a command of another module."""

    def stands_for() -> None:
        """Be replaced."""

    app.command(name, help=text, rich_help_panel=panel)(stands_for)
    LazyGroup.later[name] = later


def load(later: Later) -> object:
    """Return the command as typer runs it."""
    found = getattr(importlib.import_module(later.module), later.attribute)
    if isinstance(found, typer.Typer):
        return get_group(found)
    alone = typer.Typer(add_completion=False)
    alone.command()(found)
    return get_command(alone)

"""How a kind of account is told: its settings, how each is read, and what they become."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from clients.providers.accounts.account import Account
from clients.providers.accounts.values import Read, address, text


@dataclass(frozen=True)
class Setting:
    """One key of an account: how it is read, and what it is, for who has left it out."""

    read: Read
    meaning: str
    is_needed: bool = True


@dataclass(frozen=True)
class Kind:
    """A provider's account: its settings, and how they become the account's fields."""

    make: Callable[..., Account]
    provider: str
    settings: Mapping[str, Setting]
    settle: Callable[[dict[str, Any]], dict[str, Any]] = dict


def word(pattern: str, meaning: str, *, is_needed: bool = True) -> Setting:
    """Return a setting of plain text."""
    return Setting(text(pattern, meaning), meaning, is_needed)


API: Final = Setting(address, "the platform's address", is_needed=False)

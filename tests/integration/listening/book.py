"""Accounts that a test names and changes, and how it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from clients.providers.accounts.account import Account

WITHIN_S = 60.0

A = TypeVar("A", bound=Account)


@dataclass
class Book(Generic[A]):
    """Accounts as the accounts file has them."""

    accounts: tuple[A, ...] = ()

    def current(self) -> Book[A]:
        return self

    def of(self, provider: str) -> tuple[A, ...]:
        return tuple(each for each in self.accounts if each.provider == provider)


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not condition():  # noqa: ASYNC110  # Other threads, and another process, end it.
            await asyncio.sleep(0.01)

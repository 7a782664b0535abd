"""Access tokens that are got at run time: each asked for once, whoever needs it.

They live in memory only. A platform that hands out one valid token at a time must not be asked
by two at once, so those who wait share what the first one gets.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from clients.connectors.pacing import Monotonic

# A token is not used in its last minute: it could end on the way.
SPARE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Token:
    """What a platform gave, and for how long."""

    value: str = field(repr=False)
    lasts_s: float


Fetch = Callable[[], Awaitable[Token]]


class Tokens:
    """The tokens of all accounts of one platform."""

    def __init__(self, monotonic: Monotonic) -> None:
        self._monotonic = monotonic
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._known: dict[str, tuple[str, float]] = {}

    async def get(self, account: str, fetch: Fetch) -> str:
        """Return the account's token, asked for where there is none that still holds."""
        async with self._locks[account]:
            value, until = self._known.get(account, ("", 0.0))
            if value and self._monotonic() < until:
                return value
            token = await fetch()
            until = self._monotonic() + max(0.0, token.lasts_s - SPARE_S)
            self._known[account] = (token.value, until)
            return token.value

    def forget(self, account: str, value: str) -> None:
        """Drop a token that the platform no longer takes; another one that came since stays."""
        if self._known.get(account, ("", 0.0))[0] == value:
            del self._known[account]

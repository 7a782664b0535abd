"""A clock that stands still, and ids that count."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.builders import EVENING


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self, at: datetime = EVENING) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def pass_time(self, delta: timedelta) -> None:
        """Move on."""
        self.at += delta


class FakeIds:
    """UUIDs that count: 00000000-…-000000000001 and so on."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self) -> str:
        self._count += 1
        return f"00000000-0000-4000-8000-{self._count:012}"

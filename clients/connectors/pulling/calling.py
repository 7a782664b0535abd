"""Calls to one platform: in turn, with bounded patience, by its own clock.

Platforms refuse a question whose timestamp is minutes off, and answer for windows by their clock,
not by ours. Every answer carries a Date, so the difference is measured with each that can be read,
and questions are stamped with the platform's time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, TypeVar

from clients.connectors.inquiry import Clock, Code, Finding, NothingLearntError, Result
from clients.connectors.pacing import Bucket, Monotonic, Rate
from clients.connectors.web import Reply, Web

# A call is made so often in all: a lost answer, a full bucket and a wrong clock in one are rare.
ATTEMPTS: Final = 4
# 0.5, 1, 2 s.
FIRST_PAUSE_S: Final = 0.5
# A platform that names a longer pause gets it from the service, which plans the feed anew.
PAUSE_IN_PLACE_S: Final = 5.0
# Date headers have whole seconds, and answers take some: less than this is no difference.
UNFELT: Final = timedelta(seconds=2)
# Our word, where a platform finds the timestamp of a question wrong.
CLOCK: Final = "CLOCK"
# Our word, where a platform finds the access token out of date.
TOKEN_EXPIRED: Final = "TOKEN_EXPIRED"  # noqa: S105  # The name of a failure.
# A hundredth to a tenth of what platforms publish, where they do.
RATE: Final = Rate(5.0, 10)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request, signed."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


class Caller:
    """The way to one platform."""

    def __init__(
        self,
        web: Web,
        *,
        clock: Clock,
        monotonic: Monotonic,
        rates: Mapping[str, Rate] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._web = web
        self._clock = clock
        self._monotonic = monotonic
        self._rates = dict(rates or {})
        self._sleep = sleep
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._limits: dict[str, dict[str, int]] = {}
        self._limited: dict[str, Bucket] = {}
        self._offset: timedelta | None = None

    @property
    def offset(self) -> timedelta | None:
        """How far the platform's clock is before ours; None until it has answered."""
        return self._offset

    def now(self) -> datetime:
        """Return the platform's time as far as it is known, in UTC."""
        return self.theirs(self._clock())

    def theirs(self, ours: datetime) -> datetime:
        """Return what the platform's clock showed when ours showed this, as far as is known."""
        at = ours.astimezone(UTC)
        if self._offset is None or abs(self._offset) < UNFELT:
            return at
        return at + self._offset

    def limit(self, account: str, feed: str, per_minute: int) -> None:
        """Ask an account no more often than a feed of it allows; 0: as it is.

        The strictest of its feeds counts, for all of them: the platform counts by account.
        """
        limits = self._limits.setdefault(account, {})
        if limits.get(feed, 0) == per_minute:
            return
        limits[feed] = per_minute
        strictest = min((each for each in limits.values() if each), default=0)
        self._limited.pop(account, None)
        if strictest:
            # One at a time, so that no minute has more, wherever it begins.
            self._limited[account] = Bucket(Rate(strictest / 60, 1), self._monotonic)

    async def call(
        self,
        account: str,
        operation: str,
        make: Callable[[datetime], Request],
        read: Callable[[Reply], T],
    ) -> T:
        """Return what `read` makes of the answer to the request made for the platform's now.

        `read` raises what the platform's own words for failure mean, also inside HTTP 200.

        Raises:
            NothingLearntError: refused, or still throttled or unreachable after a few attempts.
        """
        for attempt in range(1, ATTEMPTS + 1):
            await self._await_turn(account, operation)
            known = self._offset
            try:
                return await self._ask(make(self.now()), read)
            except NothingLearntError as error:
                pause_s = self._pause_s(error.finding, attempt, known)
                if pause_s is None:
                    raise
            await self._sleep(pause_s)
        raise AssertionError("the last attempt raises")

    async def _ask(self, request: Request, read: Callable[[Reply], T]) -> T:
        """Send once; measure the clock of whoever was understood.

        What was not may be somebody's in front of the platform, with a clock of his own: believed,
        it would hold up every question for as long as it is behind, and be measured no more.
        """
        began = self._clock()
        reply = await self._web.send(
            request.method, request.url, headers=request.headers, body=request.body
        )
        offset = self._measured(reply, began)
        try:
            told = read(reply)
        except NothingLearntError as error:
            if error.finding.result is Result.REFUSED:
                self._offset = offset
            raise
        self._offset = offset
        return told

    def refuse_failure(self, reply: Reply, code: str = "") -> None:
        """Raise what an HTTP status says that is the same for every platform.

        Raises:
            NothingLearntError: throttled, failed or sent elsewhere.
        """
        self._web.refuse_failure(reply, code)

    async def _await_turn(self, account: str, operation: str) -> None:
        bucket = self._buckets.get((account, operation))
        if bucket is None:
            bucket = Bucket(self._rates.get(operation, RATE), self._monotonic)
            self._buckets[account, operation] = bucket
        waits = [bucket.take()]
        if (limited := self._limited.get(account)) is not None:
            waits.append(limited.take())
        if wait_s := max(waits):
            await self._sleep(wait_s)

    def _pause_s(self, finding: Finding, attempt: int, known: timedelta | None) -> float | None:
        """Return after what pause to try again; None where that is somebody else's to decide."""
        if attempt == ATTEMPTS:
            return None
        if finding.code == CLOCK:
            # Only a clock that has just been measured makes a difference.
            return 0.0 if self._offset is not None and self._offset != known else None
        pause_s = FIRST_PAUSE_S * 2 ** (attempt - 1)
        if finding.result is Result.THROTTLED:
            pause_s = max(pause_s, float(finding.retry_after_s))
            return pause_s if pause_s <= PAUSE_IN_PLACE_S else None
        is_passing = finding.result is Result.UNREACHABLE and finding.code != Code.TOO_LARGE
        return pause_s if is_passing else None

    def _measured(self, reply: Reply, began: datetime) -> timedelta | None:
        """Return how far the clock that stamped it is from ours, or else what is known.

        A Date is cut to whole seconds.
        """
        try:
            told = parsedate_to_datetime(reply.headers.get("date", ""))
        except (ValueError, TypeError):
            return self._offset
        if told.tzinfo is None:
            return self._offset
        middle = began + (self._clock() - began) / 2
        return told.astimezone(UTC) + timedelta(seconds=0.5) - middle

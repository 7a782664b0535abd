"""Keeps a line open for each account that has one, and opens it again when it breaks.

Accounts of one application share its line: whose a message is, the message says. An accounts file
that changes ends the lines that are no longer in it, and begins others. A line that breaks is
opened again after a second, then two, four … up to a minute; one over which something was heard
begins with a second again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping
from typing import Any, Final, Protocol, TypeVar

import structlog

from clients.connectors.inquiry import Code
from clients.connectors.metrics import Metrics
from clients.connectors.worker import pause
from clients.providers.accounts import AccountBook
from clients.providers.accounts.account import Account

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
# How soon a changed accounts file is followed.
LOOK_EVERY_S: Final = 1.0

log = structlog.get_logger(__name__)

A_contra = TypeVar("A_contra", bound=Account, contravariant=True)


class BrokenError(Exception):
    """The line is no more, or was not opened; `reason` is a word of ours, for logs."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Line:
    """What a listener tells the desk about the line that it holds."""

    def __init__(self, provider: str, account: str, metrics: Metrics) -> None:
        self.has_heard = False
        """Whether the platform said anything since it was opened."""
        self._is_open = False
        self._provider = provider
        self._account = account
        self._open_lines = metrics.open_lines.labels(provider)

    def opened(self) -> None:
        """Say that the platform is there, and takes us for who we are."""
        self._is_open = True
        self._open_lines.inc()
        log.info("line_opened", provider=self._provider, account=self._account)

    def closed(self) -> None:
        """Say that it is no more; again and again is as good as once."""
        if self._is_open:
            self._is_open = False
            self._open_lines.dec()


class Listener(Protocol[A_contra]):
    """Speaks one platform's protocol over one line."""

    @property
    def provider(self) -> str:
        """Of the accounts that it listens for."""
        ...

    def line_of(self, account: A_contra) -> Hashable | None:
        """Return what names the account's line; accounts of one line have the same. None: none."""
        ...

    async def listen(self, accounts: tuple[A_contra, ...], line: Line, stop: asyncio.Event) -> None:
        """Open the line by the first account, and hear until told to stop.

        Raises:
            BrokenError: it was not opened, or is no more.
        """
        ...


AnyListener = Listener[Any]


class ListenDesk:
    """All lines to one platform."""

    def __init__(
        self,
        listener: AnyListener,
        book: AccountBook,
        metrics: Metrics,
        *,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        self._listener = listener
        self._book = book
        self._metrics = metrics
        self._first_pause_s = first_pause_s
        self._lines: dict[tuple[Account, ...], tuple[asyncio.Task[None], asyncio.Event]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    async def run(self, told_to_stop: asyncio.Event) -> None:
        """Follow the accounts file until told to stop; what is under way then is to be drained."""
        while not told_to_stop.is_set():
            self._follow()
            await pause(told_to_stop, LOOK_EVERY_S)
        for accounts in tuple(self._lines):
            self._end(accounts)

    async def drain(self, within_s: float) -> None:
        """Let what was heard become durable and be acknowledged; the rest is told again."""
        for accounts in tuple(self._lines):
            self._end(accounts)
        if self._ending:
            _, late = await asyncio.wait(self._ending, timeout=within_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _follow(self) -> None:
        wanted = set(self._wanted().values())
        for accounts in tuple(self._lines):
            if accounts not in wanted:
                self._end(accounts)
        for accounts in wanted - set(self._lines):
            stop = asyncio.Event()
            task = asyncio.create_task(self._hold(accounts, stop))
            self._lines[accounts] = task, stop

    def _wanted(self) -> Mapping[Hashable, tuple[Account, ...]]:
        found: dict[Hashable, tuple[Account, ...]] = {}
        for account in self._book.current().of(self._listener.provider):
            if (line := self._listener.line_of(account)) is not None:
                found[line] = (*found.get(line, ()), account)
        return found

    def _end(self, accounts: tuple[Account, ...]) -> None:
        task, stop = self._lines.pop(accounts)
        stop.set()
        if not task.done():
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def _hold(self, accounts: tuple[Account, ...], stop: asyncio.Event) -> None:
        provider, account = self._listener.provider, accounts[0].name
        pause_s = self._first_pause_s
        while not stop.is_set():
            line = Line(provider, account, self._metrics)
            reason = ""
            try:
                await self._listener.listen(accounts, line, stop)
            except BrokenError as error:
                reason = error.reason
            except Exception:  # A line that trips us up must not stop what else we do.
                log.exception("line_failed", provider=provider)
                reason = Code.CONNECTOR_FAILED
            finally:
                line.closed()
            if stop.is_set():
                return
            if line.has_heard:
                pause_s = self._first_pause_s
            self._metrics.broken_lines.labels(provider).inc()
            log.warning(
                "line_broken", provider=provider, account=account, reason=reason, wait_s=pause_s
            )
            await pause(stop, pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

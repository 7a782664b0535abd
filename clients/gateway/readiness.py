"""Whether the gateway can do its work: accounts to verify by, and a service that takes receipts.

Looks every second, so that an account that was rolled or broken is seen without a callback.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Final

import structlog

from clients.gateway.metrics import Metrics
from clients.providers.accounts import AccountBook
from clients.providers.callbacks import PROTOCOLS
from clients.sdk import AsyncConcord, ConcordError

log = structlog.get_logger(__name__)

EVERY_S: Final = 1.0
# Less than the gap between two looks of a supervisor.
ANSWER_WITHIN_S: Final = 2.0
INTAKE: Final = "concord.intake.v1.IntakeService"
SERVING: Final = 1


class Readiness:
    """What is missing, and what somebody should know; read by probes from their own thread."""

    def __init__(self, book: AccountBook, service: AsyncConcord, metrics: Metrics) -> None:
        self._book = book
        self._service = service.with_options(timeout_s=ANSWER_WITHIN_S)
        self._metrics = metrics
        self._missing: Mapping[str, str] = {"service": "awaited"}
        self._problems: tuple[str, ...] = ()
        self._is_draining = False
        self._tell_accounts()

    def missing(self) -> Mapping[str, str]:
        """Return what is missing, part by part."""
        return {"gateway": "draining"} if self._is_draining else self._missing

    def notes(self) -> Mapping[str, str]:
        """Return why the accounts file, as it is, is not in use."""
        if not self._problems:
            return {}
        return {"accounts": "the last good ones are in use: " + "; ".join(self._problems)}

    def drain(self) -> None:
        """Say from here on that no callback should come here."""
        self._is_draining = True

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            self._look_at_accounts()
            lacking = await self._lacking()
            if lacking != self._missing:
                self._missing = lacking
                if lacking:
                    log.warning("gateway_not_ready", reason=", ".join(lacking))
                else:
                    log.info("gateway_ready")
            await asyncio.sleep(EVERY_S)

    def _look_at_accounts(self) -> None:
        before = self._accounts
        current = self._book.current()
        if current is not before:
            self._tell_accounts()
        if self._book.problems != self._problems:
            self._problems = self._book.problems
            self._metrics.accounts_broken.set(1 if self._problems else 0)
            if self._problems:
                log.error("accounts_unusable", problems=list(self._problems))

    def _tell_accounts(self) -> None:
        self._accounts = self._book.current()
        counts = Counter(each.provider for each in self._accounts.all)
        for provider in PROTOCOLS:
            self._metrics.accounts.labels(provider).set(counts[provider])
        log.info("accounts_read", count=counts.total())

    async def _lacking(self) -> Mapping[str, str]:
        if not self._accounts.all:
            return {"accounts": "none is named"}
        try:
            answer = await self._service.health.check(INTAKE)
        except ConcordError as error:
            return {"service": error.reason or error.code.name}
        return {} if answer.status == SERVING else {"service": "not serving"}

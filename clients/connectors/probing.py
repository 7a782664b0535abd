"""One probe, from its lease to its report.

1. The provider is asked. If we crash here, the lease ends, and somebody asks again.
2. Its answer is submitted as a receipt. If we crash here, the same answer is the same receipt.
3. What came of it is reported, which ends the lease and says when to ask next.

Nothing is reported as answered whose receipt is not durable. All of it ends before the lease does;
what cannot is left to lapse.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import structlog
from opentelemetry.trace import Span

from clients.connectors.inquiry import (
    Clock,
    Code,
    Connector,
    Evidence,
    Finding,
    NothingLearntError,
    Question,
    Result,
    unreachable,
)
from clients.connectors.messages import kind_of, question_of, receipt_of, word
from clients.connectors.metrics import Metrics
from clients.connectors.pacing import Line, Lines, Monotonic, whole_seconds
from clients.providers.accounts import AccountBook
from clients.providers.accounts.account import Account
from clients.sdk import AsyncConcord, ConcordError, RefusalError
from clients.sdk.errors import LeaseLostError, ProbeNotFoundError
from clients.telemetry import span
from concord.probes.v1.probe_service_pb2 import Probe, ReportProbeRequest

# 0.2, 0.4 … 2 s, above the SDK's own attempts, for as long as the lease lasts.
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 2.0
# Of each lease, so much is left for submitting and reporting, also where a provider is silent.
REPORT_S: Final = 2.0
UNPROVED: Final = frozenset({Code.SIGNATURE, Code.OTHER_TRADE})
# Of these the provider itself gave an account, so it does its work.
HEARD: Final = frozenset({Result.ANSWERED, Result.NOT_FOUND, Result.SUBMITTED, Result.REFUSED})

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Prober:
    """Works on the probes of one provider."""

    provider: str
    connector: Connector[Any]
    concord: AsyncConcord
    book: AccountBook
    lines: Lines
    metrics: Metrics
    clock: Clock
    monotonic: Monotonic

    async def work(self, probe: Probe, ends_at: float) -> None:
        """Ask, submit, report; all before `ends_at`, or not at all."""
        attributes = {"concord.provider": self.provider, "concord.probe.kind": kind_of(probe)}
        if probe.order:
            attributes["order.id"] = probe.order.removeprefix("orders/")
        with span(f"ask {self.provider}", attributes=attributes) as own:
            try:
                async with asyncio.timeout(ends_at - self.monotonic()):
                    await self._work(probe, ends_at, own)
            except TimeoutError:
                self.metrics.lapsed.labels(self.provider).inc()
                log.warning("probe_lapsed", provider=self.provider, order=probe.order)

    async def _work(self, probe: Probe, ends_at: float, own: Span) -> None:
        account, finding = await self._find_out(probe, ends_at)
        if finding.evidence is not None:
            try:
                await self._submit(probe, account, finding.evidence)
            except RefusalError as error:
                log.exception("receipt_refused", provider=self.provider, reason=error.reason)
                finding = Finding(Result.UNREACHABLE, Code.RECEIPT_REFUSED)
        own.set_attribute("concord.probe.result", finding.result.value)
        self.metrics.asked.labels(self.provider, finding.result.value.lower()).inc()
        log.info(
            "probe_asked",
            provider=self.provider,
            account=account,
            kind=kind_of(probe),
            outcome=finding.result.value,
            code=word(finding.code),
            order=probe.order,
        )
        try:
            await self._patiently(lambda: self._report(probe, finding))
        except (LeaseLostError, ProbeNotFoundError):
            # What was learnt is a receipt already.
            self.metrics.lapsed.labels(self.provider).inc()

    async def _find_out(self, probe: Probe, ends_at: float) -> tuple[str, Finding]:
        """Return the account's name, and what came of asking."""
        account = self._account(probe.account)
        if account is None:
            return probe.account, Finding(Result.REFUSED, Code.ACCOUNT_UNKNOWN)
        line = self.lines.to(account.name)
        try:
            question = question_of(probe)
            await self._await_turn(line, ends_at)
            finding = await self._ask(account, question, ends_at)
        except NothingLearntError as error:
            finding = error.finding
        except Exception:  # One probe that trips us up must not stop all the others.
            log.exception("probe_failed", provider=self.provider, kind=kind_of(probe))
            finding = Finding(Result.UNREACHABLE, Code.CONNECTOR_FAILED)
        self._note(line, account.name, finding)
        return account.name, finding

    async def _ask(self, account: Account, question: Question, ends_at: float) -> Finding:
        began = self.monotonic()
        try:
            async with asyncio.timeout(max(0.0, ends_at - began - REPORT_S)):
                return await self.connector.ask(account, question)
        except TimeoutError as error:
            raise unreachable(Code.TIMEOUT) from error
        finally:
            self.metrics.ask_duration.labels(self.provider).observe(self.monotonic() - began)

    async def _await_turn(self, line: Line, ends_at: float) -> None:
        """Wait for the account's turn.

        Raises:
            NothingLearntError: it is to be left alone, or its turn comes too late.
        """
        pause_s = line.patience.pause_s
        if pause_s:
            result = Result.UNREACHABLE if line.patience.is_failing else Result.THROTTLED
            raise NothingLearntError(result, Code.PAUSED, whole_seconds(pause_s))
        wait_s = line.bucket.take()
        if self.monotonic() + wait_s >= ends_at:
            raise NothingLearntError(Result.THROTTLED, Code.PAUSED, whole_seconds(wait_s))
        if wait_s:
            await asyncio.sleep(wait_s)

    def _account(self, name: str) -> Account | None:
        """Return the account of that name; without a name the only one."""
        accounts = self.book.current()
        if name:
            return accounts.find(self.provider, name)
        found = accounts.of(self.provider)
        return found[0] if len(found) == 1 else None

    def _note(self, line: Line, account: str, finding: Finding) -> None:
        """Let what came of it decide how the account is asked from here on."""
        if finding.code in UNPROVED:
            self.metrics.unproved.labels(self.provider).inc()
            log.warning(
                "answer_unproved", provider=self.provider, account=account, reason=finding.code
            )
        if finding.code == Code.PAUSED:
            return
        if finding.result is Result.THROTTLED:
            line.patience.throttled(finding.retry_after_s)
        elif finding.result in HEARD:
            line.patience.answered()
        else:
            line.patience.failed()

    async def _submit(self, probe: Probe, account: str, evidence: Evidence) -> None:
        receipt = receipt_of(probe, account, evidence, self.clock())
        await self._patiently(lambda: self.concord.intake.submit([receipt]))

    async def _report(self, probe: Probe, finding: Finding) -> None:
        await self.concord.probes.report(
            probe.name,
            probe.lease,
            ReportProbeRequest.Result.Value(f"RESULT_{finding.result.value}"),
            code=word(finding.code),
            retry_after_s=finding.retry_after_s,
        )

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call until there is an answer; the lease's end is the caller's affair.

        Raises:
            RefusalError: the service understood and declined.
        """
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                return await call()
            except RefusalError:
                raise
            except ConcordError as error:
                log.warning(
                    "service_awaited",
                    agent=self.provider,
                    wait_s=pause_s,
                    code=error.code.name,
                    reason=error.reason,
                )
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

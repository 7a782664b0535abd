"""One run, from its lease to its last report.

1. A page is asked for. If we crash here, the lease ends, and somebody goes on from the last token.
2. Its orders are submitted as receipts. If we crash here, the same orders are the same receipts.
3. The page is reported, with where to go on. The cursor moves by no more than was reported, and
   nothing is reported whose receipts are not durable.

A window is complete up to the platform's own now, less its lag, as it was when the first page was
asked for: by its clock, not by ours. That moment stands in the token, so whoever goes on with a
run asks for the same window. A window with more rows than the platform pages through is asked for
in pieces, each half as wide as what was too much.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from opentelemetry.trace import Span

from clients.connectors.inquiry import (
    Clock,
    Code,
    Finding,
    NothingLearntError,
    Result,
    refused,
    unreachable,
)
from clients.connectors.metrics import Metrics
from clients.connectors.pacing import Monotonic, whole_seconds
from clients.connectors.pulling.bodies import compact
from clients.connectors.pulling.calling import Caller
from clients.connectors.pulling.paging import TOO_MANY_ROWS
from clients.connectors.pulling.part import Part
from clients.connectors.pulling.platform import AnyPlatform, Page, Query, Terms
from clients.connectors.pulling.register import Register, Tally, Told
from clients.providers.accounts import AccountBook
from clients.providers.accounts.account import Account
from clients.sdk import RefusalError
from clients.sdk.errors import RunLeaseLostError, RunNotFoundError
from clients.telemetry import span
from concord.channels.v1.feed_pb2 import Feed
from concord.channels.v1.run_pb2 import ReportRunRequest, Run

# Our words, where the platform gave none.
TEMPLATE_UNKNOWN: Final = "TEMPLATE_UNKNOWN"
CLOCK_BEHIND: Final = "CLOCK_BEHIND"
# Orders that changed so long before the window are not what was asked for: a zone is wrong.
ASTRAY: Final = timedelta(hours=1)
# A clock is measured to half a second; lags are minutes.
JITTER: Final = timedelta(seconds=2)
UNREADABLE: Final = frozenset({Code.MALFORMED, Code.TOO_LARGE, Code.OTHER_TRADE, "EMPTY_PAGE"})
RESULTS: Final = {
    Result.UNREACHABLE: ReportRunRequest.RESULT_UNREACHABLE,
    Result.THROTTLED: ReportRunRequest.RESULT_THROTTLED,
    Result.REFUSED: ReportRunRequest.RESULT_REFUSED,
}

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Lease:
    """How long we may work before others do."""

    seconds: float
    until: float


@dataclass(frozen=True, slots=True)
class Puller:
    """Works on the runs of one platform."""

    platform: AnyPlatform
    caller: Caller
    register: Register
    book: AccountBook
    metrics: Metrics
    clock: Clock
    monotonic: Monotonic

    async def work(self, run: Run, feed: Feed, lease: Lease) -> None:
        """Ask for every part of the run, until it has ended or others are to go on with it."""
        attributes = {"concord.provider": self.platform.provider, "concord.feed": feed.name}
        with span(f"pull {self.platform.provider}", attributes=attributes) as own:
            try:
                while run.state == Run.STATE_RUNNING:
                    run = await self._part(run, feed, lease, own)
            except TimeoutError:
                self._lapsed(feed)
            except (RunLeaseLostError, RunNotFoundError):
                # What was learnt is receipts already.
                self._lapsed(feed)

    async def _part(self, run: Run, feed: Feed, lease: Lease, own: Span) -> Run:
        """Ask for one part; return the run as the last report left it."""
        part = Part.of(run, feed)
        while True:
            try:
                told = await self._step(part, lease)
            except NothingLearntError as error:
                told = self._failed(part, error.finding)
            own.set_attribute("concord.pull.result", _word(told))
            self.metrics.pulled.labels(self.platform.provider, _word(told).lower()).inc()
            before = self.monotonic()
            async with asyncio.timeout(lease.until - before):
                run = await self.register.report(run, told, part.tally)
            lease.until = before + lease.seconds
            part.tally = Tally()
            if told.result != ReportRunRequest.RESULT_PART:
                self._log(part, told)
                return run
            part.run = run

    async def _step(self, part: Part, lease: Lease) -> Told:
        """Ask for the next page and make it durable; return what is to be reported.

        Raises:
            NothingLearntError: there was no page, or it cannot be stored.
        """
        account, terms = self._account(part.feed), self._terms(part.feed)
        began = self.clock()
        is_first = not part.is_begun
        if is_first and not self._clip(part, terms, began):
            return self._told(ReportRunRequest.RESULT_COMPLETED)
        query = Query(
            template=part.feed.template,
            window=part.window,
            token=part.token,
            page_size=part.feed.limits.page_size,
            options=dict(part.feed.settings),
        )
        self.caller.limit(account.name, part.feed.name, part.feed.limits.requests_per_minute)
        async with asyncio.timeout(lease.until - self.monotonic()):
            try:
                page = await self._page(account, query)
            except NothingLearntError as error:
                is_refused = error.finding.result is Result.REFUSED
                if is_refused and is_first and self._is_early(part, terms, began):
                    # Some refuse to be asked for what is to come by their clock.
                    self._clip(part, terms, began)
                    return self._told(ReportRunRequest.RESULT_PART)
                raise
            part.tally.note(compact(dict(page.asked)))
            were_known = await self._submit(part.feed, account, page)
        part.tally.add(self.platform.provider, page, were_known)
        self._watch(part, page)
        if is_first and self._is_early(part, terms, began):
            # That its clock is behind ours, only its answer told: begin again, with less.
            self._clip(part, terms, began)
            return self._told(ReportRunRequest.RESULT_PART)
        if part.go_on(page.next_token):
            return self._told(ReportRunRequest.RESULT_PART, token=part.place())
        return self._told(ReportRunRequest.RESULT_COMPLETED, covered=part.until)

    async def _page(self, account: Account, query: Query) -> Page:
        try:
            return await self.platform.page(account, query)
        except (NothingLearntError, TimeoutError):
            raise
        except Exception as error:  # One feed that trips us up must not stop all the others.
            log.exception("pull_failed", provider=self.platform.provider)
            raise unreachable(Code.CONNECTOR_FAILED) from error

    def _clip(self, part: Part, terms: Terms, began: datetime) -> bool:
        """Cut off what the platform cannot answer completely yet; return whether any is left.

        Raises:
            NothingLearntError: all of it must wait for its clock.
        """
        complete = self._complete_until(terms, began)
        if part.window.start < complete:
            part.clip(complete)
            part.narrow(terms.rules.longest)
            return True
        if part.run.purpose != Run.PURPOSE_REGULAR:
            # A widened window reaches into the future, where there is nothing to ask for.
            return False
        missing_s = (part.window.start - complete).total_seconds()
        raise NothingLearntError(Result.THROTTLED, CLOCK_BEHIND, whole_seconds(missing_s) + 1)

    def _is_early(self, part: Part, terms: Terms, began: datetime) -> bool:
        """Return whether, by what is known now, the window was not yet to be asked for."""
        return part.window.end > self._complete_until(terms, began) + JITTER

    def _complete_until(self, terms: Terms, began: datetime) -> datetime:
        return self.caller.theirs(began).replace(microsecond=0) - terms.rules.lag

    async def _submit(self, feed: Feed, account: Account, page: Page) -> list[bool]:
        try:
            return await self.register.submit(feed, account.name, page.messages, self.clock())
        except RefusalError as error:
            log.exception("receipt_refused", provider=self.platform.provider, reason=error.reason)
            raise unreachable(Code.RECEIPT_REFUSED) from error

    def _account(self, feed: Feed) -> Account:
        """Return the feed's account, as the accounts file is at the moment: tokens roll.

        Raises:
            NothingLearntError: there is none of that name; without a name, not just one.
        """
        accounts = self.book.current()
        provider = self.platform.provider
        found = [each for each in accounts.of(provider) if feed.account in ("", each.name)]
        if len(found) != 1:
            raise refused(Code.ACCOUNT_UNKNOWN)
        return found[0]

    def _terms(self, feed: Feed) -> Terms:
        terms = self.platform.terms.get(feed.template)
        if terms is None:
            raise refused(TEMPLATE_UNKNOWN)
        return terms

    def _failed(self, part: Part, finding: Finding) -> Told:
        if finding.code == TOO_MANY_ROWS and part.halve():
            return self._told(ReportRunRequest.RESULT_PART, token=part.place())
        result = RESULTS[finding.result]
        if finding.code in UNREADABLE:
            result = ReportRunRequest.RESULT_UNREADABLE
        return self._told(
            result,
            token=part.place(),
            code=finding.code,
            retry_after_s=finding.retry_after_s,
        )

    def _told(
        self,
        result: ReportRunRequest.Result.ValueType,
        *,
        token: str = "",
        code: str = "",
        retry_after_s: int = 0,
        covered: datetime | None = None,
    ) -> Told:
        offset = self.caller.offset
        return Told(
            result=result,
            token=token,
            code=code,
            retry_after_s=retry_after_s,
            covered=covered,
            offset_ms=None if offset is None else round(offset.total_seconds() * 1000),
        )

    def _watch(self, part: Part, page: Page) -> None:
        """Say when orders came that are not of the window: somebody reads its zone otherwise."""
        changed = [each.changed_at for each in page.messages if each.changed_at is not None]
        astray = sum(each < part.window.start - ASTRAY for each in changed)
        provider = self.platform.provider
        self.metrics.pulled_rows.labels(provider).inc(page.row_count)
        if astray:
            self.metrics.astray.labels(provider).inc(astray)
            log.warning("rows_astray", provider=provider, feed=part.feed.name, count=astray)

    def _lapsed(self, feed: Feed) -> None:
        self.metrics.lapsed.labels(self.platform.provider).inc()
        log.warning("run_lapsed", provider=self.platform.provider, feed=feed.name)

    def _log(self, part: Part, told: Told) -> None:
        log.info(
            "feed_pulled",
            provider=self.platform.provider,
            feed=part.feed.name,
            kind=Run.Purpose.Name(part.run.purpose).removeprefix("PURPOSE_"),
            outcome=_word(told),
            code=told.code,
        )


def _word(told: Told) -> str:
    return ReportRunRequest.Result.Name(told.result).removeprefix("RESULT_")

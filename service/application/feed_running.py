"""Gives runs to connectors, takes what came of them, and draws the conclusions.

A report touches the feed and its runs, under the feed's lock:

1. the run takes what was told; a completed part of a regular run moves the cursor;
2. polls that stay empty make a probe; a probe that sees orders that should have come makes an
   incident with its case, its notice and the run that fills the gap;
3. all of it is stored in the report's transaction, whose answer is kept by its request id.

If we crash before the commit, nothing was told: the report is sent again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from service.application.ports import Clock, Encoder, Storage, Unit
from service.application.recording import record_acts
from service.domain.cases import CaseAct
from service.domain.channels import incidents, planning
from service.domain.channels.feeds import Feed
from service.domain.channels.incidents import Incident
from service.domain.channels.planning import PlatformTerms, Window
from service.domain.channels.rhythm import hour_of
from service.domain.channels.runs import HOPELESS, SUCCESSES, Purpose, Report, Run, RunState
from service.domain.journal import Origin
from service.domain.terms import USUAL, Terms

SYSTEM: Final = Origin("system", "system")
# These look further than polls do, and tell what polls have missed.
_LOOKS: Final = frozenset({Purpose.PROBE, Purpose.BACKFILL})


@dataclass(frozen=True, slots=True)
class RunClaim:
    """Who wants work, of which platforms, how much, and for how long."""

    lease: str
    platforms: Mapping[str, PlatformTerms]
    most: int
    lease_for: timedelta


@dataclass(frozen=True, slots=True)
class FeedClaims:
    """Leases runs."""

    storage: Storage
    encoder: Encoder
    clock: Clock
    terms: Terms = USUAL

    def claim(self, wanted: RunClaim) -> list[tuple[Run, Feed]]:
        """Lease runs that are due, one of each feed."""

        def work(unit: Unit) -> list[tuple[Run, Feed]]:
            now = self.clock()
            feeds = unit.claim_feeds(sorted(wanted.platforms), now, most=wanted.most)
            found = [self._of(unit, feed, wanted, now) for feed in feeds]
            return [each for each in found if each is not None]

        # Run again, it would lease others beside those of which nobody is told.
        return self.storage.transact(work, is_repeatable=False)

    def _of(
        self, unit: Unit, feed: Feed, wanted: RunClaim, now: datetime
    ) -> tuple[Run, Feed] | None:
        terms = planning.terms_of(feed, wanted.platforms[feed.platform])
        open_runs = unit.open_runs(feed.feed_id)
        run = planning.choice(feed, open_runs, at=now)
        if run is None or (run.purpose is Purpose.REGULAR and run.is_fresh):
            run = self._regular(unit, feed, run, terms, now)
        fitted = planning.fitted(run, terms, at=now) if run else None
        if run is None or fitted is None:
            if run is not None:
                unit.save_feed_runs([run.abandoned(at=now, **_TOO_OLD)])
            self._postpone(unit, feed, now)
            return None
        claimed = fitted.claimed(
            wanted.lease,
            at=now,
            lease_for=wanted.lease_for,
            window_max=terms.window_max,
            cursor=feed.progress.cursor_at,
        )
        lapsed = [each for each in open_runs if each.lease and each.run_id != claimed.run_id]
        unit.save_feed_runs([each.handed_back(at=now) for each in lapsed])
        progress = replace(feed.progress, last_purpose=claimed.purpose.value, last_run_at=now)
        feed = replace(feed, progress=progress)
        unit.save_feed_runs([claimed])
        unit.save_feed(feed, claimed.lease_until)
        return claimed, feed

    def _regular(
        self, unit: Unit, feed: Feed, known: Run | None, terms: PlatformTerms, now: datetime
    ) -> Run | None:
        """Return the regular run that is due; one that waits unasked is brought up to date."""
        window = planning.regular_window(feed, terms, at=now)
        if window is None:
            return known
        lost = planning.lost_to_the_past(feed, terms, at=now)
        if lost is not None:
            unit.queue_notices([incidents.lost_notice(feed, lost)], at=now)
            open_gap(unit, feed, f"lost|{lost.start.isoformat()}", self.encoder, self.terms, now)
        fresh = planning.fresh_run(feed, Purpose.REGULAR, window, at=now)
        if known is None:
            return fresh
        return replace(
            known,
            window_start=window.start,
            window_end=window.end,
            ask_start=window.start,
            ask_end=None,
        )

    def _postpone(self, unit: Unit, feed: Feed, now: datetime) -> None:
        progress = replace(feed.progress, due_at=now + feed.schedule.interval)
        feed = replace(feed, progress=progress)
        unit.save_feed(feed, planning.wake_at(feed, unit.open_runs(feed.feed_id)))


@dataclass(frozen=True, slots=True)
class FeedReports:
    """Takes reports within one transaction."""

    unit: Unit
    encoder: Encoder
    at: datetime
    terms: Terms = USUAL

    def report(self, run_id: str, report: Report) -> Run:
        """Take what came of asking.

        Raises:
            RunNotFoundError: there is no such run.
            RunLeaseLostError: it is not claimed under this lease.
        """
        feed = self.unit.lock_feed(self.unit.run_owner(run_id))
        before = self.unit.run_of(run_id)
        after = before.reported(report, at=self.at)
        feed = planning.progressed(feed, before, after, report, at=self.at)
        if report.new_receipts and before.purpose is Purpose.REGULAR:
            self.unit.count_arrivals(feed.feed_id, hour_of(self.at), report.new_receipts)
        after = self._with_missed(feed, after, report)
        if report.result not in SUCCESSES and not report.is_early:
            feed = self._told_of_failure(feed, report)
        fresh: list[Run] = []
        if after.state is RunState.COMPLETED:
            feed, after, fresh = self._concluded(feed, after)
        elif _is_between_parts(after) and planning.is_regular_due(feed, (), at=self.at):
            after = after.handed_back(at=self.at)
        self.unit.save_feed_runs([after, *fresh])
        self.unit.save_feed(feed, planning.wake_at(feed, self.unit.open_runs(feed.feed_id)))
        return after

    def _with_missed(self, feed: Feed, run: Run, report: Report) -> Run:
        # An order that was missed came as a receipt that nobody had; where the streams are behind,
        # there may be orders that nobody knows of yet, and all of their receipts.
        if run.purpose not in _LOOKS or not report.new_receipts:
            return run
        refs = [each.ref for each in report.seen]
        known = self.unit.known_orders(refs, run.started_at or self.at)
        missed = incidents.are_missed(feed, run, report.seen, known, at=self.at)
        added = self.unit.keep_missed(run, missed, at=self.at) if missed else 0
        return replace(run, missed_orders=run.missed_orders + added)

    def _told_of_failure(self, feed: Feed, report: Report) -> Feed:
        progress = feed.progress
        lasts = self.at - (progress.failing_since or self.at)
        is_serious = report.result in HOPELESS or lasts >= incidents.UNREACHABLE_FOR
        if progress.is_told or not is_serious:
            return feed
        self.unit.queue_notices([incidents.failing_notice(feed)], at=self.at)
        return replace(feed, progress=replace(progress, is_told=True))

    def _concluded(self, feed: Feed, run: Run) -> tuple[Feed, Run, list[Run]]:
        """Draw the conclusions from a run that was completed."""
        match run.purpose:
            case Purpose.REGULAR:
                return self._polled(feed, run)
            case Purpose.PROBE:
                return self._probed(feed, run)
            case Purpose.BACKFILL:
                return self._filled(feed, run)
            case Purpose.BY_HAND:
                return feed, run, []

    def _polled(self, feed: Feed, run: Run) -> tuple[Feed, Run, list[Run]]:
        progress = feed.progress
        # Polls that bring orders again may have left some behind: one more look tells.
        wants_look = (
            bool(progress.incident_id) if run.new_receipts else planning.wants_probe(progress)
        )
        if not wants_look or self._is_looked_into(feed):
            return feed, run, []
        window = planning.widened(Window(run.window_start, run.window_end))
        probe = planning.fresh_run(feed, Purpose.PROBE, window, at=self.at)
        progress = replace(progress, probed_polls=progress.empty_polls)
        return replace(feed, progress=progress), run, [probe]

    def _is_looked_into(self, feed: Feed) -> bool:
        return any(each.purpose in _LOOKS for each in self.unit.open_runs(feed.feed_id))

    def _closed(self, feed: Feed) -> Feed:
        """Return the feed without its incident, where polls bring orders and none is missing."""
        progress = feed.progress
        if not progress.incident_id or progress.empty_polls:
            return feed
        incident = self.unit.find_incident(progress.incident_id)
        self.unit.save_incident(incident.closed(at=self.at))
        return replace(feed, progress=replace(progress, incident_id=""))

    def _probed(self, feed: Feed, probe: Run) -> tuple[Feed, Run, list[Run]]:
        if not probe.missed_orders:
            calm = probe.noted(
                f"扩窗核查 {probe.rows} 行,均已入库,无漏单",
                f"A wider look brought {probe.rows} rows, and nothing that had not come",
            )
            return self._closed(feed), calm, []
        found = Window(probe.window_start, probe.window_end)
        known = feed.progress.incident_id
        incident_id = known or incidents.incident_id_for(probe)
        self.unit.give_missed(probe.run_id, incident_id)
        missed = self.unit.missed_of(incident_id)
        window = planning.backfill_window(feed, found, oldest=missed.oldest_at)
        fresh = planning.fresh_run(feed, Purpose.BACKFILL, window, at=self.at)
        backfill = replace(fresh, incident_id=incident_id)
        if known:
            grown = self.unit.find_incident(known).grown(missed, backfill.run_id)
            self.unit.save_incident(grown)
        else:
            last = self.unit.last_poll(feed.feed_id)
            self._open(
                feed,
                incidents.opened(feed, probe, last, missed, backfill=backfill.run_id, at=self.at),
            )
        told = replace(probe, incident_id=incident_id).noted(
            f"扩窗核查发现 {probe.missed_orders} 单漏单,已自动补拉",
            f"A wider look found {probe.missed_orders} orders that had not come; being filled",
        )
        progress = replace(feed.progress, incident_id=incident_id)
        return replace(feed, progress=progress), told, [backfill]

    def _open(self, feed: Feed, incident: Incident) -> None:
        case_id = open_gap(self.unit, feed, incident.incident_id, self.encoder, self.terms, self.at)
        incident = replace(incident, case_id=case_id)
        self.unit.save_incident(incident)
        self.unit.queue_notices([incidents.gap_notice(feed, incident)], at=self.at)

    def _filled(self, feed: Feed, run: Run) -> tuple[Feed, Run, list[Run]]:
        told = run.noted(
            f"补拉完成,{run.rows} 行,新入库 {run.new_receipts} 条",
            f"Filled: {run.rows} rows, {run.new_receipts} of them new",
        )
        if run.incident_id:
            missed = self.unit.missed_of(run.incident_id)
            incident = self.unit.find_incident(run.incident_id)
            self.unit.save_incident(incident.filled(missed, at=self.at))
        return feed, told, []


def _is_between_parts(run: Run) -> bool:
    return run.state is RunState.RUNNING and run.purpose in planning.LONG and not run.page_token


_TOO_OLD: Final = {
    "zh": "窗口早于平台可查询范围",
    "en": "The platform does not answer about this window any more",
}


def open_gap(
    unit: Unit, feed: Feed, about: str, encoder: Encoder, terms: Terms, at: datetime
) -> str:
    """Open the case of a feed that is not complete, once; return its id."""
    case = incidents.case_of(feed, about, at=at, catalogue=terms.catalogue)
    if not unit.case_exists(case.case_id):
        act = CaseAct(case, "OPENED", "system", at, case.subject)
        record_acts(unit, [(act, SYSTEM)], encoder=encoder)
    return case.case_id

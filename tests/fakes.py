"""Storage in memory; with a clock that stands still and ids that count.

`tests/contract/test_storage.py` holds the storage to what PostgreSQL does. Transactions run one
at a time; what one wrote is taken back when its work does not end well.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from service.application.intake import summary
from service.application.outbox import Stream
from service.application.ports import (
    Answer,
    Clock,
    DueTimer,
    Message,
    ReceiptResult,
    StoredFlag,
    StoredReceipt,
    WaitingReceipt,
    Writes,
)
from service.application.shared_ports import Kept
from service.domain.cases import Case, CaseAct
from service.domain.closing import MONEY, orphan_case_id
from service.domain.deciding import Dossier
from service.domain.errors import (
    CaseNotFoundError,
    ContentionError,
    DeadlineExceededError,
    FlagNotFoundError,
    RequestIdReusedError,
)
from service.domain.expectations import Expectation
from service.domain.facts import Fact, OrderRef, Outcome
from tests.builders import EVENING
from tests.fake_clock import FakeClock, FakeIds
from tests.fake_desk import FakeDeskUnit
from tests.fake_feeds import FakeFeedUnit
from tests.fake_notices import FakeNoticeUnit
from tests.fake_probes import FakeProbeUnit
from tests.fake_stock import FakeStockUnit
from tests.fake_tables import (
    KeptFact,
    KeptReceipt,
    KeptRequest,
    KeptTimer,
    Republished,
    Tables,
)

__all__ = ["FakeClock", "FakeIds", "FakeStorage", "FakeUnit", "KeptReceipt", "Tables"]

T = TypeVar("T")


class FakeUnit(FakeStockUnit, FakeProbeUnit, FakeDeskUnit, FakeNoticeUnit, FakeFeedUnit):
    """Implements `service.application.ports.Unit` on tables in memory."""

    def __init__(self, tables: Tables, clock: Clock = lambda: EVENING) -> None:
        self.tables = tables
        self._clock = clock

    def queue_people(self, order_ids: Sequence[str], *, at: datetime) -> None:
        """Who bought is decided in the clockwork, which no world in memory runs."""

    def queue_profiles(self, order_ids: Sequence[str]) -> None:
        """Profiles are told in the clockwork, which no world in memory runs."""

    def lock_refs(self, refs: Sequence[OrderRef]) -> dict[OrderRef, str | None]:
        return {each: self.tables.refs.setdefault(each, None) for each in refs}

    def own_refs(self, owners: Mapping[OrderRef, str]) -> None:
        self.tables.refs.update(owners)

    def open_dossiers(self, order_ids: Sequence[str]) -> dict[str, Dossier]:
        tables = self.tables
        return {
            each: Dossier(
                each,
                tables.orders.get(each),
                tables.told.get(each, ()),
                tuple(
                    case
                    for case in tables.cases.values()
                    if case.order_id == each and (not case.is_resolved or case.is_settled)
                ),
            )
            for each in order_ids
        }

    def parked(self, refs: Sequence[OrderRef]) -> dict[OrderRef, tuple[Fact, ...]]:
        found = self.tables.waiting
        return {ref: facts for ref in refs if (facts := found.get(ref))}

    def park(self, facts: Sequence[Fact], *, at: datetime) -> None:  # The facts carry it.
        for each in facts:
            if each.fact_id not in self.tables.facts:
                self._keep_fact(each, None, Outcome.EARLY)

    def save(self, writes: Sequence[Writes]) -> None:
        for each in writes:
            order_id = each.order.order_id
            if each.rows:
                self.tables.orders[order_id] = each.order
                self.tables.journal += each.rows
            for fact, outcome in each.added:
                self._keep_fact(fact, order_id, outcome)
            if each.awaited is not None:
                self._sync_timers(order_id, each.awaited)
            self.save_acts(each.acts)

    def save_acts(self, acts: Sequence[CaseAct]) -> None:
        for act in acts:
            self.tables.cases[act.case.case_id] = act.case
            self.tables.case_log.append(act)

    def orphans(self, before: datetime, *, most: int) -> list[OrderRef]:
        told = {each.subject for each in self.tables.cases.values()}
        money = {
            kept.fact.ref
            for kept in self.tables.facts.values()
            if kept.order_id is None and kept.fact.kind.value in MONEY
            if kept.fact.recorded_at is not None and kept.fact.recorded_at < before
        }
        return sorted(each for each in money if f"{each.namespace}/{each.value}" not in told)[:most]

    def orphan_cases(self, refs: Sequence[OrderRef]) -> dict[OrderRef, Case]:
        cases = {ref: self.tables.cases.get(orphan_case_id(ref)) for ref in refs}
        return {ref: case for ref, case in cases.items() if case and not case.is_resolved}

    def publish(self, messages: Sequence[Message]) -> None:
        self.tables.outbox += messages

    def numbers(self, stream: Stream, counts: Mapping[str, int]) -> dict[str, int]:
        firsts = {}
        for key, count in counts.items():
            last = self.tables.heads.get((stream, key), 0)
            firsts[key] = last + 1
            self.tables.heads[stream, key] = last + count
        return firsts

    def keep_customer_events(self, messages: Sequence[Message]) -> None:
        self.tables.customer_events += messages

    def claim_request(self, request_id: str, fingerprint: bytes) -> Answer | None:
        kept = self.tables.requests.get(request_id)
        if kept is None:
            self.tables.requests[request_id] = KeptRequest(fingerprint, self._clock())
            return None
        if kept.fingerprint != fingerprint:
            raise RequestIdReusedError(request_id=request_id)
        return kept.answer

    def known_requests(self, request_ids: Sequence[str]) -> frozenset[str]:
        return frozenset(each for each in request_ids if each in self.tables.requests)

    def free_dossiers(self, order_ids: Sequence[str]) -> dict[str, Dossier]:
        # Transactions run one at a time: nobody else has locked anything.
        return {name: each for name, each in self.open_dossiers(order_ids).items() if each.order}

    def keep_answers(self, answers: Sequence[Kept]) -> None:
        if any(each.request_id in self.tables.requests for each in answers):
            raise ContentionError
        for each in answers:
            self.claim_request(each.request_id, each.fingerprint)
            self.keep_answer(each.request_id, each.answer)

    def keep_answer(self, request_id: str, answer: Answer) -> None:
        self.tables.requests.change(request_id).answer = answer

    def forget_requests(self, before: datetime, *, most: int) -> int:
        kept = self.tables.requests.items()
        old = [name for name, each in kept if each.claimed_at < before][:most]
        for each in old:
            del self.tables.requests[each]
        return len(old)

    def store_receipts(
        self, receipts: Sequence[StoredReceipt], arrivals: Mapping[str, int]
    ) -> frozenset[str]:
        new = frozenset(each.receipt_id for each in receipts) - set(self.tables.receipts)
        for each in receipts:
            if each.receipt_id in new:
                recorded_at = self._clock() + timedelta(microseconds=len(self.tables.receipts))
                kept = KeptReceipt(each, recorded_at)
                self.tables.receipts[each.receipt_id] = kept
            again = arrivals[each.receipt_id] - (each.receipt_id in new)
            self.tables.receipts.change(each.receipt_id).repeats += again
        return new

    def lock_receipts(self, receipt_ids: Sequence[str]) -> dict[str, WaitingReceipt]:
        found = {}
        for each in receipt_ids:
            kept = self.tables.receipts.get(each)
            if kept is not None:
                receipt = kept.stored.receipt
                found[each] = WaitingReceipt(
                    each,
                    receipt.source,
                    receipt.channel,
                    receipt.order_hint,
                    receipt.received_at,
                    kept.outcome,
                    kept.revision,
                    receipt.address,
                )
        return found

    def close_receipts(self, results: Sequence[ReceiptResult]) -> None:
        for each in results:
            kept = self.tables.receipts.change(each.receipt.receipt_id)
            kept.outcome, kept.rejection = each.outcome, each.rejection
            kept.outcome_at = each.at
            kept.revision += 1
            kept.weighed = each.event

    def refresh_receipts(self, receipt_ids: Sequence[str]) -> None:
        for receipt_id in receipt_ids:
            outcomes = [
                each.outcome
                for each in self.tables.facts.values()
                if each.fact.receipt_id == receipt_id
            ]
            if self.tables.receipts[receipt_id].outcome is Outcome.EARLY:
                self.tables.receipts.change(receipt_id).outcome = summary(outcomes)

    def reopen_receipts(
        self, receipt_ids: Sequence[str], rejected_for: str, *, waiting: bool, limit: int
    ) -> list[Republished]:
        def is_chosen(kept: KeptReceipt) -> bool:
            is_rejected = kept.outcome is Outcome.REJECTED
            if receipt_ids:
                return kept.stored.receipt_id in receipt_ids and (
                    kept.outcome is None or is_rejected
                )
            if waiting:
                return kept.outcome is None
            reason = getattr(kept.rejection, "reason", "")
            return is_rejected and rejected_for in {"", reason}

        return self._republish(is_chosen, limit)

    def stale_receipts(
        self, now: datetime, slack: timedelta, *, most: int, times: int
    ) -> list[Republished]:
        weighed = [each for each in self.tables.receipts.values() if each.outcome]
        last = weighed[-1] if weighed else None
        is_at_work = last is not None and last.outcome_at > now - slack
        reached = last.recorded_at if last is not None and is_at_work else now
        before = min(now, reached) - slack

        def is_stale(kept: KeptReceipt) -> bool:
            again_at = kept.recorded_at + timedelta(seconds=60 * (2**kept.published - 2))
            return kept.outcome is None and again_at < before and kept.published < times

        return self._republish(is_stale, most)

    def claim_timers(self, now: datetime, *, most: int) -> list[DueTimer]:
        due = [
            DueTimer(order_id, kept.awaited.kind, kept.awaited.wait, kept.awaited.due_at)
            for (order_id, _), kept in self.tables.timers.items()
            if kept.awaited.due_at <= now and kept.fired_at is None
        ]
        return sorted(due, key=lambda each: each.due_at)[:most]

    def finish_timer(self, timer: DueTimer, *, at: datetime) -> None:
        key = timer.order_id, timer.kind.value
        kept = self.tables.timers.get(key)
        if kept is not None and kept.awaited.wait == timer.wait:
            self.tables.timers.change(key).fired_at = at

    def lock_case(self, case_id: str) -> Case:
        if case_id not in self.tables.cases:
            raise CaseNotFoundError(case=case_id)
        return self.tables.cases[case_id]

    def case_exists(self, case_id: str) -> bool:
        return case_id in self.tables.cases

    def store_flag(self, flag: StoredFlag, *, at: datetime) -> StoredFlag | None:
        before = self.tables.flags.get(flag.flag_id)
        self.tables.flags.setdefault(flag.flag_id, flag)
        return before

    def find_flag(self, flag_id: str) -> StoredFlag:
        if flag_id not in self.tables.flags:
            raise FlagNotFoundError(flag=flag_id)
        return self.tables.flags[flag_id]

    def mark_flag(self, flag_id: str, act: str) -> None:
        self.tables.flags[flag_id] = replace(self.tables.flags[flag_id], act=act)

    def _keep_fact(self, fact: Fact, order_id: str | None, outcome: Outcome) -> None:
        tables = self.tables
        before = tables.facts.get(fact.fact_id)
        tables.facts[fact.fact_id] = KeptFact(fact, order_id, outcome)
        if before is not None and before.order_id is None:
            ref = before.fact.ref
            rest = (each for each in tables.waiting[ref] if each.fact_id != fact.fact_id)
            tables.waiting[ref] = tuple(rest)
        elif before is not None:
            rest = (each for each in tables.told[before.order_id] if each.fact_id != fact.fact_id)
            tables.told[before.order_id] = tuple(rest)
        if order_id is None:
            tables.waiting[fact.ref] = (*tables.waiting.get(fact.ref, ()), fact)
        else:
            tables.told[order_id] = (*tables.told.get(order_id, ()), fact)

    def _sync_timers(self, order_id: str, awaited: Sequence[Expectation]) -> None:
        wanted = {(order_id, each.kind.value): each for each in awaited}
        for key in [each for each in self.tables.timers if each[0] == order_id]:
            if key not in wanted:
                del self.tables.timers[key]
        for key, each in wanted.items():
            kept = self.tables.timers.get(key)
            if kept is None or kept.awaited.wait != each.wait:
                self.tables.timers[key] = KeptTimer(each)

    def _republish(self, is_chosen: Callable[[KeptReceipt], bool], limit: int) -> list[Republished]:
        receipts = self.tables.receipts
        chosen = [name for name, each in receipts.items() if is_chosen(each)][:limit]
        again = []
        for name in chosen:
            kept = receipts.change(name)
            kept.outcome, kept.rejection = None, None
            kept.published += 1
            again.append(kept.again)
        return again


class FakeStorage:
    """Implements `service.application.ports.Storage`: one transaction at a time.

    `commits` counts those that ended well.
    """

    def __init__(self, clock: Clock = lambda: EVENING) -> None:
        self.tables = Tables()
        self.commits = 0
        self._clock = clock
        self._turn = threading.RLock()

    def transact(
        self,
        work: Callable[[FakeUnit], T],
        *,
        still_wanted: Callable[[], bool] = lambda: True,
        is_repeatable: bool = True,
    ) -> T:
        with self._turn:
            return self._once(work, still_wanted)

    def _once(self, work: Callable[[FakeUnit], T], still_wanted: Callable[[], bool]) -> T:
        with self.tables.undo:
            result = work(FakeUnit(self.tables, self._clock))
            if not still_wanted():
                raise DeadlineExceededError
        self.commits += 1
        return result

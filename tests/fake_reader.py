"""Reads the storage in memory; `tests/contract/test_reader.py` holds it to what PostgreSQL does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from service.application.ports import Rejection
from service.application.reading import (
    CaseQuery,
    ChainReport,
    FeedItem,
    HandlingLine,
    JournalLine,
    OrderQuery,
    Page,
    ReceiptQuery,
    ReceiptView,
)
from service.domain.cases import Case, CaseAct, CaseState
from service.domain.deciding import Dossier
from service.domain.errors import (
    CaseNotFoundError,
    CursorInvalidError,
    OrderNotFoundError,
    ReceiptNotFoundError,
)
from service.domain.expectations import STAGE_LIMITS, Expectation
from service.domain.facts import OrderRef
from service.domain.journal import GENESIS, Row, link
from service.domain.order import Order
from tests.fake_probes import FakeProbeReader
from tests.fake_tables import KeptReceipt, Tables
from tests.fakes import FakeStorage, FakeUnit

T = TypeVar("T")


class FakeReader(FakeProbeReader):
    """Implements `service.application.reading.Reader`."""

    def __init__(self, storage: FakeStorage) -> None:
        self._storage = storage

    @property
    def _tables(self) -> Tables:
        return self._storage.tables

    def order(self, order_id: str) -> Order:
        if order_id not in self._tables.orders:
            raise OrderNotFoundError(order=order_id)
        return self._tables.orders[order_id]

    def order_by_ref(self, ref: OrderRef) -> Order:
        owner = self._tables.refs.get(ref)
        if owner is None or owner not in self._tables.orders:
            raise OrderNotFoundError(order=f"{ref.namespace}:{ref.value}")
        return self._tables.orders[owner]

    def orders(self, query: OrderQuery) -> Page[Order]:
        def is_wanted(order: Order) -> bool:
            reasons = [each.reason for each in order.holds]
            kinds = [each.value for each in order.discrepancies]
            limit = STAGE_LIMITS.get(order.state)
            return (
                (not query.states or order.state in query.states)
                and query.channel in {"", order.channel}
                and _has(query.hold_reason, reasons)
                and _has(query.discrepancy, kinds)
                and (
                    query.overdue_at is None
                    or (limit is not None and order.state_since < query.overdue_at - limit)
                )
            )

        rows = [each for each in self._tables.orders.values() if is_wanted(each)]
        rows.sort(key=lambda each: (each.updated_at, each.order_id), reverse=True)
        return _page("orders", rows, query, lambda each: each.order_id)

    def dossier(self, order_id: str) -> Dossier:
        self.order(order_id)
        return FakeUnit(self._tables).open_dossiers([order_id])[order_id]

    def awaited(self, order_id: str) -> Sequence[Expectation]:
        found = [
            kept.awaited for (owner, _), kept in self._tables.timers.items() if owner == order_id
        ]
        return sorted(found, key=lambda each: each.due_at)

    def standing_flags(self, order_id: str) -> Sequence[str]:
        flags = self._tables.flags.values()
        return [
            each.flag_id for each in flags if each.order_id == order_id and each.act != "DISMISSED"
        ]

    def trace_ids(self, order_id: str) -> Sequence[str]:
        found = (each.origin.trace_id for each in self._rows(order_id))
        return list(dict.fromkeys(each for each in found if each))

    def journal(
        self, order_id: str, *, after: int, page_size: int, page_token: str
    ) -> Page[JournalLine]:
        if page_token:
            after = _number("journal", page_token)
        rows = [each for each in self._rows(order_id) if each.sequence > after]
        if not rows:
            self.order(order_id)
        token = f"journal {rows[page_size - 1].sequence}" if len(rows) > page_size else ""
        return Page(tuple(_line(each) for each in rows[:page_size]), token)

    def receipt(self, receipt_id: str) -> ReceiptView:
        if receipt_id not in self._tables.receipts:
            raise ReceiptNotFoundError(receipt=receipt_id)
        return self._view(self._tables.receipts[receipt_id], with_facts=True)

    def receipts(self, query: ReceiptQuery) -> Page[ReceiptView]:
        found = [
            self._view(each, with_facts=False)
            for each in reversed(self._tables.receipts.values())
            if (query.outcome is None or each.outcome is query.outcome)
            and not (query.waiting and each.outcome)
            and query.source in {"", each.stored.receipt.source}
        ]
        return _page("receipts", found, query, lambda each: each.receipt_id)

    def case(self, case_id: str) -> tuple[Case, Sequence[CaseAct]]:
        if case_id not in self._tables.cases:
            raise CaseNotFoundError(case=case_id)
        log = [each for each in self._tables.case_log if each.case.case_id == case_id]
        return self._tables.cases[case_id], log

    def cases(self, query: CaseQuery) -> Page[Case]:
        rows = [
            each
            for each in self._tables.cases.values()
            if _is_asked_for(each, query) and query.channel in {"", self._channel(each)}
        ]
        rows.sort(key=lambda each: (each.due_at, each.case_id))
        return _page("cases", rows, query, lambda each: each.case_id)

    def handling(self, order_id: str) -> Sequence[HandlingLine]:
        lines = [
            HandlingLine(
                each.case.case_id, each.case.type, each.act, each.actor, each.at, each.step,
                each.role, each.address, each.text, each.document, each.is_automatic,
            )
            for each in self._tables.case_log
            if each.case.order_id == order_id
        ]  # fmt: skip
        return sorted(lines, key=lambda each: each.at)

    def _channel(self, case: Case) -> str:
        order = self._tables.orders.get(case.order_id)
        return order.channel if order else ""

    def feed_start(self) -> str:
        return f"feed {len(self._tables.journal)}"

    def feed(self, cursor: str, *, order_id: str, channel: str, most: int) -> Page[FeedItem]:
        at = _number("feed", cursor)
        rows = [
            (position, each)
            for position, each in enumerate(self._tables.journal, start=1)
            if position > at and order_id in {"", each.order_id}
        ][:most]
        items = (
            FeedItem(f"feed {position}", self.order(each.order_id), _line(each))
            for position, each in rows
        )
        kept = tuple(each for each in items if channel in {"", each.order.channel})
        return Page(kept, f"feed {rows[-1][0]}" if rows else cursor)

    def verify_chain(self, order_id: str) -> ChainReport:
        wanted = [order_id] if order_id else sorted(self._tables.orders)
        count = 0
        for each in wanted:
            previous = GENESIS
            for row in self._rows(each):
                count += 1
                if link(previous, row.record) != row.hash:
                    return ChainReport(count, len(wanted), _line(row), "the hash does not follow")
                previous = row.hash
            if self.order(each).chain_head != previous:
                return ChainReport(count, len(wanted), None, "the order has another head")
        return ChainReport(count, len(wanted))

    def _rows(self, order_id: str) -> list[Row]:
        return [each for each in self._tables.journal if each.order_id == order_id]

    def _view(self, kept: KeptReceipt, *, with_facts: bool) -> ReceiptView:
        receipt_id = kept.stored.receipt_id
        told = [
            each
            for each in self._tables.facts.values()
            if with_facts and each.fact.receipt_id == receipt_id
        ]
        told.sort(key=lambda each: each.fact.when)
        rejection = kept.rejection
        return ReceiptView(
            receipt_id,
            kept.stored.event,
            kept.outcome,
            rejection if isinstance(rejection, Rejection) else None,
            kept.repeats,
            tuple((each.fact, each.outcome) for each in told),
            tuple(dict.fromkeys(each.order_id for each in told if each.order_id)),
            kept.weighed if kept.outcome else b"",
        )


def _is_asked_for(case: Case, query: CaseQuery) -> bool:
    due, opened = query.due_by, query.opened_by
    return (
        (query.include_resolved or CaseState.RESOLVED in query.states or not case.is_resolved)
        and query.order_id in {"", case.order_id}
        and query.owner_role in {"", case.owner_role}
        and query.type in {"", case.type}
        and query.side in {None, case.side}
        and (not query.states or case.state in query.states)
        and query.assignee in {"", case.assignee}
        and not (query.is_unassigned and case.assignee)
        and (due is None or (not case.is_resolved and _is_in_breach(case, due)))
        and (opened is None or case.opened_at <= opened)
    )


def _is_in_breach(case: Case, at: datetime) -> bool:
    return case.breached_at is not None or (case.paused_at is None and case.due_at <= at)


def _has(wanted: str, found: Sequence[str]) -> bool:
    return not wanted or (bool(found) if wanted == "*" else wanted in found)


def _page(kind: str, rows: Sequence[T], query: object, key: Callable[[T], str]) -> Page[T]:
    start = 0
    if query.page_token:
        head, _, last = query.page_token.partition(" ")
        keys = [key(each) for each in rows]
        if head != kind or last not in keys:
            raise CursorInvalidError(token=query.page_token[:40])
        start = keys.index(last) + 1
    page = tuple(rows[start : start + query.page_size])
    more = len(rows) > start + query.page_size
    return Page(page, f"{kind} {key(page[-1])}" if more else "")


def _number(kind: str, token: str) -> int:
    head, _, number = token.partition(" ")
    if head != kind or not number.isdigit():
        raise CursorInvalidError(token=token[:40])
    return int(number)


def _line(row: Row) -> JournalLine:
    change, origin = row.change, row.origin
    return JournalLine(
        row.order_id, row.sequence, change.kind.value, change.source, origin.actor, origin.role,
        origin.address, change.voucher, change.reason, change.old, change.new,
        change.occurred_at, row.recorded_at, origin.trace_id, origin.traceparent, row.hash,
        row.event,
    )  # fmt: skip

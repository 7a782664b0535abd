"""The desk in memory: steps, documents, links, effects and purchase requests of cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from service.application.desk_ports import CaseLink, CasePapers, CustomerStanding, DoneEffect
from service.domain.cases import Case
from service.domain.desk.errors import PurchaseRequestNotFoundError
from service.domain.desk.handling import Document, StepRun
from service.domain.desk.purchases import PurchaseRequest
from tests.fake_rows import Table, Undo

if TYPE_CHECKING:
    from tests.fake_tables import Tables

T = TypeVar("T")

RETURNS = ("RETURN", "DELIVERY_REFUSED")


class DeskTables:
    """Everything that is stored of the desk beside cases and their log."""

    def __init__(self, undo: Undo) -> None:
        self.runs: Table[tuple[str, str, int], StepRun] = Table(undo)
        self.documents: Table[tuple[str, int], Document] = Table(undo)
        self.links: Table[tuple[str, str, str], CaseLink] = Table(undo)
        self.effects: Table[str, DoneEffect] = Table(undo)
        self.purchases: Table[str, PurchaseRequest] = Table(undo)


class FakeDeskUnit:
    """Implements `service.application.desk_ports.DeskPart`."""

    tables: Tables

    def attempt(self, work: Callable[[], T]) -> T:
        with self.tables.undo:
            return work()

    def lock_cases(self, case_ids: Sequence[str]) -> list[Case]:
        return [self.tables.cases[each] for each in sorted(case_ids)]

    def papers(self, case_ids: Sequence[str]) -> dict[str, CasePapers]:
        desk = self.tables.desk
        return {
            case_id: CasePapers(
                tuple(
                    sorted(
                        (run for (of_it, *_), run in desk.runs.items() if of_it == case_id),
                        key=lambda run: run.begun_n,
                    )
                ),
                tuple(each for (of_it, _), each in desk.documents.items() if of_it == case_id),
                tuple(
                    act.step
                    for act in self.tables.case_log
                    if act.case.case_id == case_id and act.act == "ACTED"
                ),
            )
            for case_id in case_ids
        }

    def save_case(self, case: Case) -> None:
        self.tables.cases[case.case_id] = case

    def save_runs(self, runs: Mapping[str, Sequence[StepRun]]) -> None:
        for case_id, of_it in runs.items():
            for run in of_it:
                self.tables.desk.runs[case_id, run.step, run.number] = run

    def add_document(self, case_id: str, document: Document) -> None:
        self.tables.desk.documents[case_id, document.number] = document

    def link_cases(self, link: CaseLink) -> bool:
        key = (link.case_id, link.other_id, link.kind)
        is_news = key not in self.tables.desk.links
        self.tables.desk.links.setdefault(key, link)
        return is_news

    def links_of(self, case_id: str) -> tuple[CaseLink, ...]:
        links = self.tables.desk.links.values()
        return tuple(each for each in links if case_id in {each.case_id, each.other_id})

    def due_cases(self, now: datetime, *, most: int) -> list[tuple[str, str]]:
        due = [
            (each.wake_at, each.order_id, each.case_id)
            for each in self.tables.cases.values()
            if each.wake_at is not None and each.wake_at <= now
        ]
        return [(order_id, case_id) for _, order_id, case_id in sorted(due)[:most]]

    def moved_cases(self, *, most: int) -> list[tuple[str, str]]:
        orders = self.tables.orders
        return [
            (each.order_id, each.case_id)
            for each in self.tables.cases.values()
            if each.awaits
            and each.order_id in orders
            and orders[each.order_id].sequence > each.order_seen
        ][:most]

    def load_of(self, assignee: str) -> int:
        cases = self.tables.cases.values()
        return sum(each.assignee == assignee and not each.is_resolved for each in cases)

    def done_effect(self, key: str) -> DoneEffect | None:
        return self.tables.desk.effects.get(key)

    def keep_effect(self, key: str, done: DoneEffect, *, at: datetime) -> None:  # the port's
        assert key not in self.tables.desk.effects
        self.tables.desk.effects[key] = done

    def save_purchase(self, request: PurchaseRequest) -> None:
        self.tables.desk.purchases[request.purchase_id] = request

    def find_purchase(self, purchase_id: str) -> PurchaseRequest:
        found = self.tables.desk.purchases.get(purchase_id)
        if found is None:
            raise PurchaseRequestNotFoundError(purchase_request=purchase_id)
        return found

    def lock_purchase(self, purchase_id: str) -> PurchaseRequest:
        return self.find_purchase(purchase_id)

    def purchases_of(self, case_id: str) -> tuple[PurchaseRequest, ...]:
        purchases = self.tables.desk.purchases.values()
        return tuple(each for each in purchases if each.case_id == case_id)

    def wake_case(self, case_id: str, *, at: datetime) -> None:
        self.tables.cases[case_id] = replace(self.tables.cases[case_id], wake_at=at)

    def customer_standing(self, customer: str, *, at: datetime) -> CustomerStanding:
        orders = [each for each in self.tables.orders.values() if each.customer == customer]
        names = {each.order_id for each in orders}
        cases = [each for each in self.tables.cases.values() if each.order_id in names]
        since = at - timedelta(days=30)
        return CustomerStanding(
            len(orders),
            sum(each.type in RETURNS and each.opened_at > since for each in cases),
            sum(not each.is_resolved for each in cases),
            sum(each.total.minor for each in orders) // len(orders) if orders else 0,
        )

    def free_stock(self, skus: Sequence[str]) -> dict[str, int]:
        free: dict[str, int] = {}
        for (sku, _), stock in self.tables.stock.stock.items():
            if sku in skus:
                free[sku] = free.get(sku, 0) + stock.available
        return free

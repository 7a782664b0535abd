"""Stores what belongs to cases: steps, documents, links, effects, purchase requests."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from service.application.desk_ports import CaseLink, CasePapers, CustomerStanding, DoneEffect
from service.domain.cases import Case
from service.domain.desk.errors import PurchaseRequestNotFoundError
from service.domain.desk.handling import Document, StepRun
from service.domain.desk.purchases import PurchaseRequest, PurchaseState
from service.postgres import bulk, case_tables, stock_tables, tables
from service.postgres.case_values import (
    case_from,
    case_row,
    document_from,
    document_row,
    run_from,
    run_row,
)

T = TypeVar("T")

# Keeps this lock apart from others that are made of names.
_LOADS: Final = 7_305
_RETURNS: Final = timedelta(days=30)
# What a return begins with; a customer who returns much is looked at (docs/workflows.md).
_RETURN_TYPES: Final = ("RETURN", "DELIVERY_REFUSED")


class DeskRows:
    """The part of a transaction that knows the desk."""

    _connection: sa.Connection

    def attempt(self, work: Callable[[], T]) -> T:
        """Do work of which nothing is stored where it is refused; the refusal is raised."""
        # What fails ends its savepoint, not the transaction: the refusal itself is kept.
        with self._connection.begin_nested():
            return work()

    def lock_cases(self, case_ids: Sequence[str]) -> list[Case]:
        """Lock and return cases whose orders are locked already."""
        table = tables.cases
        rows = self._connection.execute(
            sa.select(table)
            .where(table.c.case_id.in_(list(case_ids)))
            .order_by(table.c.case_id)
            .with_for_update()
        ).mappings()
        return [case_from(each) for each in rows]

    def papers(self, case_ids: Sequence[str]) -> dict[str, CasePapers]:
        """Return what belongs to locked cases."""
        wanted, log = list(case_ids), case_tables.case_log
        steps, documents = case_tables.case_steps, case_tables.case_documents
        runs, added, acted = (defaultdict[str, list[Any]](list) for _ in range(3))
        run = self._connection.execute
        for row in run(
            sa.select(steps).where(steps.c.case_id.in_(wanted)).order_by(steps.c.begun_n)
        ).mappings():
            runs[row["case_id"]].append(run_from(row))
        for row in run(
            sa.select(documents).where(documents.c.case_id.in_(wanted)).order_by(documents.c.number)
        ).mappings():
            added[row["case_id"]].append(document_from(row))
        for row in run(
            sa.select(log.c.case_id, log.c.step)
            .where(log.c.case_id.in_(wanted), log.c.act == "ACTED")
            .order_by(log.c.number)
        ).mappings():
            acted[row["case_id"]].append(row["step"])
        return {
            each: CasePapers(tuple(runs[each]), tuple(added[each]), tuple(acted[each]))
            for each in wanted
        }

    def save_case(self, case: Case) -> None:
        """Store a case of which nothing changed that its log would tell."""
        bulk.upsert(self._connection, tables.cases, [case_row(case)])

    def save_runs(self, runs: Mapping[str, Sequence[StepRun]]) -> None:
        """Store steps of cases, or what became of them."""
        rows = [run_row(case_id, each) for case_id, of_it in runs.items() for each in of_it]
        bulk.upsert(self._connection, case_tables.case_steps, rows)

    def add_document(self, case_id: str, document: Document) -> None:
        """Store a document of a case."""
        row = document_row(case_id, document)
        bulk.insert(self._connection, case_tables.case_documents, [row])

    def link_cases(self, link: CaseLink) -> bool:
        """Store that cases belong together; tell whether that is news."""
        table = case_tables.case_links
        fresh = self._connection.execute(
            insert(table)
            .values(
                case_id=link.case_id,
                other_id=link.other_id,
                kind=link.kind,
                actor=link.actor,
                linked_at=link.linked_at,
            )
            .on_conflict_do_nothing()
            .returning(table.c.case_id)
        )
        return fresh.first() is not None

    def links_of(self, case_id: str) -> tuple[CaseLink, ...]:
        """Return which cases a case belongs together with."""
        table = case_tables.case_links
        rows = self._connection.execute(
            sa.select(table)
            .where(sa.or_(table.c.case_id == case_id, table.c.other_id == case_id))
            .order_by(table.c.linked_at, table.c.case_id)
        )
        return tuple(
            CaseLink(row.case_id, row.other_id, row.kind, row.actor, row.linked_at) for row in rows
        )

    def due_cases(self, now: datetime, *, most: int) -> list[tuple[str, str]]:
        """Return (order, case) of cases that must be looked at, longest due first."""
        table = tables.cases
        rows = self._connection.execute(
            sa.select(table.c.order_id, table.c.case_id)
            .where(table.c.wake_at <= now)
            .order_by(table.c.wake_at)
            .limit(most)
        )
        return [(row.order_id, row.case_id) for row in rows]

    def moved_cases(self, *, most: int) -> list[tuple[str, str]]:
        """Return (order, case) of cases that wait, and whose order went on since they looked."""
        cases, orders = tables.cases, tables.orders
        rows = self._connection.execute(
            sa.select(cases.c.order_id, cases.c.case_id)
            .join(orders, orders.c.order_id == cases.c.order_id)
            .where(
                sa.func.cardinality(cases.c.awaits) > 0,
                orders.c.sequence > cases.c.order_seen,
            )
            .limit(most)
        )
        return [(row.order_id, row.case_id) for row in rows]

    def load_of(self, assignee: str) -> int:
        """Return how many open cases somebody has; nobody else gives them one meanwhile."""
        table = tables.cases
        self._connection.execute(
            sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(assignee, _LOADS)))
        )
        return int(
            self._connection.execute(
                sa.select(sa.func.count()).where(
                    table.c.assignee == assignee, table.c.state != "RESOLVED"
                )
            ).scalar_one()
        )

    def done_effect(self, key: str) -> DoneEffect | None:
        """Return what came of the effect that has this key, or None."""
        table = case_tables.effects_done
        row = self._connection.execute(sa.select(table).where(table.c.key == key)).first()
        return DoneEffect(row.kind, row.order_id, row.result) if row else None

    def keep_effect(self, key: str, done: DoneEffect, *, at: datetime) -> None:
        """Write down that an effect was brought about; it is, once."""
        self._connection.execute(
            sa.insert(case_tables.effects_done).values(
                key=key, kind=done.kind, order_id=done.order_id, result=done.result, done_at=at
            )
        )

    def save_purchase(self, request: PurchaseRequest) -> None:
        """Store a purchase request, or what became of it."""
        bulk.upsert(self._connection, case_tables.purchase_requests, [_purchase_row(request)])

    def find_purchase(self, purchase_id: str) -> PurchaseRequest:
        """Return a purchase request, or raise `PurchaseRequestNotFoundError`."""
        return self._purchase(purchase_id, is_locked=False)

    def lock_purchase(self, purchase_id: str) -> PurchaseRequest:
        """Return a purchase request, locked; or raise `PurchaseRequestNotFoundError`."""
        return self._purchase(purchase_id, is_locked=True)

    def purchases_of(self, case_id: str) -> tuple[PurchaseRequest, ...]:
        """Return what purchasing was asked for, for a case."""
        table = case_tables.purchase_requests
        rows = self._connection.execute(
            sa.select(table).where(table.c.case_id == case_id).order_by(table.c.requested_at)
        ).mappings()
        return tuple(purchase_from(each) for each in rows)

    def wake_case(self, case_id: str, *, at: datetime) -> None:
        """Let the clockwork look at a case."""
        table = tables.cases
        self._connection.execute(
            sa.update(table).where(table.c.case_id == case_id).values(wake_at=at)
        )

    def _purchase(self, purchase_id: str, *, is_locked: bool) -> PurchaseRequest:
        table = case_tables.purchase_requests
        found = sa.select(table).where(table.c.purchase_id == purchase_id)
        wanted = found.with_for_update() if is_locked else found
        row = self._connection.execute(wanted).mappings().first()
        if row is None:
            raise PurchaseRequestNotFoundError(purchase_request=purchase_id)
        return purchase_from(row)

    def customer_standing(self, customer: str, *, at: datetime) -> CustomerStanding:
        """Return what is known of whoever bought."""
        orders, cases = tables.orders, tables.cases
        theirs = sa.select(orders.c.order_id).where(orders.c.customer == customer)
        bought = self._connection.execute(
            sa.select(sa.func.count(), sa.func.avg(orders.c.total_minor)).where(
                orders.c.customer == customer
            )
        ).one()
        found = self._connection.execute(
            sa.select(
                sa.func.count().filter(cases.c.state != "RESOLVED").label("open"),
                sa.func.count()
                .filter(cases.c.type.in_(_RETURN_TYPES), cases.c.opened_at > at - _RETURNS)
                .label("returns"),
            ).where(cases.c.order_id.in_(theirs))
        ).one()
        return CustomerStanding(bought[0], found.returns, found.open, int(bought[1] or 0))

    def free_stock(self, skus: Sequence[str]) -> dict[str, int]:
        """Return the free pieces of articles of which stock is kept, over all warehouses."""
        table = stock_tables.stock
        rows = self._connection.execute(
            sa.select(table.c.sku, sa.func.sum(table.c.on_hand - table.c.reserved).label("free"))
            .where(table.c.sku.in_(list(skus)))
            .group_by(table.c.sku)
        )
        return {row.sku: int(row.free) for row in rows}


def purchase_from(row: Any) -> PurchaseRequest:  # noqa: ANN401  # columns by name
    """Return columns as a purchase request."""
    return PurchaseRequest(
        purchase_id=row["purchase_id"],
        case_id=row["case_id"],
        order_id=row["order_id"],
        lines=tuple((sku, quantity) for sku, quantity in row["lines"]),
        requested_at=row["requested_at"],
        actor=row["actor"],
        state=PurchaseState(row["state"]),
        expected_at=row["expected_at"],
        closed_at=row["closed_at"],
    )


def _purchase_row(request: PurchaseRequest) -> dict[str, Any]:
    return {
        "purchase_id": request.purchase_id,
        "case_id": request.case_id,
        "order_id": request.order_id,
        "lines": [list(each) for each in request.lines],
        "state": request.state.value,
        "requested_at": request.requested_at,
        "expected_at": request.expected_at,
        "closed_at": request.closed_at,
        "actor": request.actor,
    }

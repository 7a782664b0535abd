"""What tests of reconciliation hold in their hands: a day of orders, its file, seeded faults."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from service import catalogue
from service.application.ports import Unit
from service.application.reconciling import Reconciling
from service.application.reconciling_ports import KeptLine
from service.application.repairing import Repairing
from service.domain.facts import OrderRef
from service.domain.lifecycle import State
from service.domain.money import Money
from service.domain.reconciling.judging import DifferenceKind
from service.domain.reconciling.statements import Line, ShopDay, StatementKind
from service.domain.terms import Terms
from service.kafka.encoding import ProtobufEncoder
from service.postgres import bulk, tables
from tests.integration.service.world import Storing

Row = dict[str, Any]
KINDS: Final = tuple(DifferenceKind)
TOTAL: Final = Money(16_900, "CNY")
# The day began in Shanghai at 16:00 of the day before in UTC.
BEGIN: Final = datetime(2025, 12, 27, 16, tzinfo=UTC)
DAY: Final = date(2025, 12, 28)
LINES_AT_ONCE: Final = 1_000


@dataclass(frozen=True)
class World:
    """One shop's day: `count` orders of which `each` differ in each of the eight ways."""

    storing: Storing
    engine: sa.Engine
    shop: str
    count: int
    each: int

    @property
    def of(self) -> ShopDay:
        return ShopDay("douyin", self.shop, DAY)

    def fault(self, index: int) -> DifferenceKind | None:
        """Return what is wrong with an order; the first ones of each hundred or so are."""
        if index >= self.each * len(KINDS):
            return None
        return KINDS[index % len(KINDS)]

    def ref(self, index: int) -> OrderRef:
        return OrderRef("douyin", f"{self.shop}{4_705_288_465_508_532_862 + index}")

    def placed(self, index: int) -> datetime:
        """The first order is placed at midnight, the last within the last second."""
        span = timedelta(days=1) - timedelta(microseconds=1)
        return BEGIN + span * index / (self.count - 1)

    def seed(self) -> None:
        """Store what we hold, without the way that led there."""
        held = [row for index in range(self.count) for row in self._held(index)]
        with self.engine.begin() as connection:
            for start in range(0, len(held), 5_000):
                part = held[start : start + 5_000]
                bulk.insert(connection, tables.orders, [order for order, _, _ in part])
                bulk.insert(connection, tables.order_refs, [ref for _, ref, _ in part])
                paid = [each for _, _, payments in part for each in payments]
                bulk.insert(connection, tables.facts, paid)

    def file(self) -> list[Line]:
        """Return what the channel's file says."""
        return [line for index in range(self.count) for line in self._lines(index)]

    def keep(self, lines: list[Line]) -> None:
        """Keep a file's lines, and say that these are all."""

        def work(unit: Unit) -> None:
            for start in range(0, len(lines), LINES_AT_ONCE):
                kept = [KeptLine(each) for each in lines[start : start + LINES_AT_ONCE]]
                unit.keep_lines(StatementKind.ORDERS, self.of, kept, at=self.storing.clock())
            unit.close_statement(
                StatementKind.ORDERS,
                self.of,
                zone="Asia/Shanghai",
                expected=len(lines),
                at=self.storing.clock(),
            )

        self.storing.storage.transact(work)

    def compare(self) -> None:
        """Begin what is due, and go through all of it."""
        storage, clock = self.storing.storage, self.storing.clock
        reconciling = Reconciling(storage, ProtobufEncoder(), clock)
        while reconciling.begin_due():
            pass
        while reconciling.compare():
            pass

    def settle(self, **given: object) -> None:
        """Deal with all differences that are due."""
        storage, clock = self.storing.storage, self.storing.clock
        terms = Terms(catalogue=catalogue.load())
        repairing = Repairing(storage, ProtobufEncoder(), clock, terms, **given)  # type: ignore[arg-type]  # as the class takes them
        while repairing.settle():
            pass

    def found(self) -> Counter[tuple[str, str]]:
        """Return how many differences of each kind there are, by what became of them."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                sa.text(
                    "SELECT d.kind, d.state, count(*) FROM differences AS d"
                    " JOIN reconciliations AS r USING (reconciliation_id)"
                    " WHERE r.shop = :shop GROUP BY 1, 2"
                ),
                {"shop": self.shop},
            ).all()
        return Counter({(kind, state): count for kind, state, count in rows})

    def names_found(self, kind: DifferenceKind) -> set[str]:
        """Return which orders differ in a way."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                sa.text(
                    "SELECT d.value FROM differences AS d JOIN reconciliations AS r"
                    " USING (reconciliation_id) WHERE r.shop = :shop AND d.kind = :kind"
                ),
                {"shop": self.shop, "kind": kind.value},
            )
            return {row.value for row in rows}

    def seeded(self, kind: DifferenceKind) -> set[str]:
        return {self.ref(index).value for index in range(self.count) if self.fault(index) is kind}

    def _held(self, index: int) -> Iterator[tuple[Row, Row, list[Row]]]:
        fault = self.fault(index)
        if fault is DifferenceKind.MISSING_HERE:
            return
        ref, placed = self.ref(index), self.placed(index)
        if fault is DifferenceKind.WRONG_DAY:
            # Eight hours off, as where Beijing's time was taken for UTC.
            placed += timedelta(hours=8) if placed.hour in range(8, 16) else timedelta(hours=-24)
        order_id = f"ord-{ref.value}"
        times = 2 if fault is DifferenceKind.DOUBLED and index % 16 >= len(KINDS) else 1
        order = {
            "order_id": order_id,
            "state": "SHIPPING",
            "state_since": placed + timedelta(hours=2),
            "refund_state": "NONE",
            "channel": "jd" if fault is DifferenceKind.WRONG_CHANNEL else "douyin",
            "currency": "CNY",
            "total_minor": TOTAL.minor,
            "list_total_minor": TOTAL.minor,
            "paid_minor": TOTAL.minor * times,
            "refunded_minor": 0,
            "placed_at": placed,
            "updated_at": placed + timedelta(hours=2),
            "outbound_approved": True,
            "discrepancies": [],
            "refs": [[ref.namespace, ref.value]],
            "lines": [["sku-1", 1, TOTAL.minor, "CNY"]],
            "holds": [],
            "hold_reasons": [],
            "sequence": 0,
            "chain_head": b"",
        }
        named = {"namespace": ref.namespace, "value": ref.value, "order_id": order_id}
        yield (
            order,
            named,
            [self._fact(order_id, ref, placed, "ORDER_CREATED", 0)]
            + [
                self._fact(order_id, ref, placed, "PAYMENT_SUCCEEDED", number + 1)
                for number in range(times)
            ],
        )

    def _fact(self, order_id: str, ref: OrderRef, at: datetime, kind: str, number: int) -> Row:
        return {
            "fact_id": f"{ref.value}-{number}",
            "order_id": order_id,
            "namespace": ref.namespace,
            "value": ref.value,
            "kind": kind,
            "source": "wechatpay" if number else "douyin",
            "occurred_at": at,
            "recorded_at": at,
            "amount_minor": TOTAL.minor,
            "currency": "CNY",
            "voucher": f"pay-{ref.value}-{number}" if number else "",
            "circumstances": [],
            "detail": {"refs": [], "listed": None, "customer": "", "lines": []},
            "outcome": "APPLIED",
        }

    def _lines(self, index: int) -> Iterator[Line]:
        fault, placed = self.fault(index), self.placed(index)
        if fault is DifferenceKind.MISSING_THERE:
            return
        # A file is behind what we know, or calls the same by another name: no difference.
        line = Line(
            ref=self.ref(index),
            amount=TOTAL,
            quantity=1,
            state=State.SHIPPING,
            refunded=Money.zero("CNY"),
            placed_at=placed,
            told_at=placed + timedelta(hours=3),
        )
        if fault is DifferenceKind.AMOUNT:
            line = replace(line, amount=Money(TOTAL.minor - 1, "CNY"))
        elif fault is DifferenceKind.QUANTITY:
            line = replace(line, quantity=2)
        elif fault is DifferenceKind.STATE:
            line = replace(line, state=State.COMPLETED)
        yield line
        if fault is DifferenceKind.DOUBLED and index % 16 < len(KINDS):
            yield replace(line, key="again")


def a_world(storing: Storing, engine: sa.Engine, *, count: int, each: int) -> World:
    world = World(storing, engine, uuid.uuid4().hex[:6], count, each)
    world.seed()
    return world

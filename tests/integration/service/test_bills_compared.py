"""A provider's bill of a day against what we hold: each difference is found, and nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from service import catalogue
from service.application.ports import Unit
from service.application.reconciling import Reconciling
from service.application.reconciling_ports import KeptLine
from service.application.reconciling_reading import DifferenceQuery
from service.application.repairing import Repairing
from service.domain.facts import Circumstance, Fact, FactKind, OrderRef
from service.domain.money import Money
from service.domain.reconciling.comparing import reconciliation_id_for
from service.domain.reconciling.differences import Difference
from service.domain.reconciling.explaining import explanation
from service.domain.reconciling.statements import Line, ShopDay, StatementKind
from service.domain.terms import Terms
from service.kafka.encoding import ProtobufEncoder
from service.postgres.reconciliation_reading import PostgresReconciliationReader
from tests.builders import NOON
from tests.integration.service.world import Storing

TOTAL = Money(16_900, "CNY")
# Noon of this day in UTC is of the same day in Beijing.
DAY = NOON.date()


class Bill:
    """One account's bill and the orders that it is about."""

    def __init__(self, storing: Storing, engine: sa.Engine) -> None:
        self._storing, self._engine = storing, engine
        self.account = f"acc-{uuid.uuid4().hex[:8]}"
        self.of = ShopDay("wechatpay", self.account, DAY)
        self.number = 0

    def order(self, *, paid: Money | None = TOTAL, is_of_bill: bool = False) -> OrderRef:
        """Return the merchant's number of an order; paid as a notice or the bill tells."""
        self.number += 1
        ref = OrderRef("merchant", f"{self.account}-{self.number}")
        created = self._fact(ref, FactKind.ORDER_CREATED, TOTAL, source="shop")
        told = [replace(created, channel="shop")]
        if paid is not None:
            told.append(self.payment(ref, paid, is_of_bill=is_of_bill))
        self._storing.tell_each(told)
        return ref

    def payment(self, ref: OrderRef, amount: Money, *, is_of_bill: bool = False) -> Fact:
        fact = self._fact(ref, FactKind.PAYMENT_SUCCEEDED, amount, voucher=f"4200-{ref.value}")
        how = frozenset({Circumstance.LEARNT_BY_FILE}) if is_of_bill else frozenset()
        return replace(fact, circumstances=how, account=self.account)

    def tell(self, fact: Fact) -> None:
        self._storing.tell_each([fact])

    def line(self, ref: OrderRef, amount: Money = TOTAL) -> Line:
        voucher = f"4200-{ref.value}"
        return Line(ref, key=f"payment:{voucher}", amount=amount, voucher=voucher)

    def keep(self, *lines: Line, lacks: int = 0) -> None:
        def work(unit: Unit) -> None:
            kind, at = StatementKind.PAYMENTS, self._storing.clock()
            unit.keep_lines(kind, self.of, [KeptLine(each) for each in lines], at=at)
            unit.close_statement(
                kind,
                self.of,
                zone="Asia/Shanghai",
                expected=len(lines) + lacks,
                at=at - timedelta(hours=1) if lacks else at,
            )

        self._storing.storage.transact(work)

    def compare(self) -> list[tuple[str, str]]:
        """Compare what is due, and return what differs with what became of it."""
        reconciling = Reconciling(self._storing.storage, ProtobufEncoder(), self._storing.clock)
        while reconciling.begin_due():
            pass
        while reconciling.compare():
            pass
        return self.found()

    def settle(self) -> list[tuple[str, str]]:
        terms = Terms(catalogue=catalogue.load())
        repairing = Repairing(self._storing.storage, ProtobufEncoder(), self._storing.clock, terms)
        while repairing.settle():
            pass
        return self.found()

    def found(self) -> list[tuple[str, str]]:
        return sorted((each.finding.kind.value, each.state.value) for each in self.differences())

    def differences(self) -> Iterable[Difference]:
        query = DifferenceQuery(50, reconciliation_id=reconciliation_id_for(self.of))
        return PostgresReconciliationReader(self._engine).differences(query).rows

    def _fact(
        self,
        ref: OrderRef,
        kind: FactKind,
        amount: Money,
        *,
        source: str = "wechatpay",
        **more: Any,  # noqa: ANN401  # any field of a fact
    ) -> Fact:
        return Fact(
            fact_id=str(uuid.uuid4()),
            kind=kind,
            ref=ref,
            source=source,
            occurred_at=NOON,
            amount=amount,
            **more,
        )


@pytest.fixture
def bill(storing: Storing, engine: sa.Engine, owner: sa.Engine) -> Bill:
    with owner.begin() as connection:
        connection.execute(sa.text("TRUNCATE statements, statement_lines"))
    return Bill(storing, engine)


def test_a_bill_that_says_what_we_hold_differs_in_nothing(bill: Bill) -> None:
    refs = [bill.order() for _ in range(3)]
    bill.keep(*map(bill.line, refs))

    assert bill.compare() == []


def test_each_way_to_differ_is_found_and_finance_must_act_where_it_does_not_mend(
    bill: Bill,
) -> None:
    lost, other = bill.order(is_of_bill=True), bill.order()
    strange = OrderRef("merchant", f"{bill.account}-nobodys")
    bill.order()
    bill.keep(bill.line(lost), bill.line(other, Money(16_800, "CNY")), bill.line(strange))

    assert bill.compare() == [
        ("AMOUNT", "OPEN"),
        ("MISSING_HERE", "OPEN"),
        ("MISSING_HERE", "REPAIRED"),
        ("MISSING_THERE", "OPEN"),
    ]
    assert bill.settle() == [
        ("AMOUNT", "IN_CASE"),
        ("MISSING_HERE", "REPAIRED"),
        ("MISSING_HERE", "REPAIRING"),
        ("MISSING_THERE", "IN_CASE"),
    ]
    told = {each.finding.kind.value: explanation(each) for each in bill.differences()}
    assert "支付账单 支付 168.00 CNY,系统 支付 169.00 CNY" in told["AMOUNT"].zh
    assert "由财务处理" in told["MISSING_THERE"].zh
    assert "Finance must act" in told["MISSING_THERE"].en


def test_a_payment_whose_row_is_on_its_way_is_waited_for_and_then_repaired(
    bill: Bill, storing: Storing
) -> None:
    ref = bill.order(paid=None)
    bill.keep(bill.line(ref))
    bill.compare()
    assert bill.settle() == [("MISSING_HERE", "REPAIRING")]

    bill.tell(bill.payment(ref, TOTAL, is_of_bill=True))
    storing.clock.pass_time(timedelta(minutes=5))

    assert bill.settle() == [("MISSING_HERE", "REPAIRED")]


def test_a_bill_without_some_of_its_rows_lacks_no_payment_that_it_may_have(bill: Bill) -> None:
    known = bill.order()
    bill.order()
    bill.keep(bill.line(known), lacks=1)

    assert bill.compare() == []


def test_what_another_account_took_is_not_sought_in_this_ones_bill(bill: Bill) -> None:
    ref = bill.order(paid=None)
    bill.tell(replace(bill.payment(ref, TOTAL), account="another"))
    bill.keep(bill.line(bill.order()))

    assert bill.compare() == []


def test_comparing_again_changes_nothing(bill: Bill) -> None:
    bill.order()
    lines = [bill.line(bill.order(is_of_bill=True)), bill.line(bill.order())]
    bill.keep(*lines)
    bill.compare()
    before = bill.settle()

    bill.keep(*lines)
    bill.compare()

    assert bill.settle() == before

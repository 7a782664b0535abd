"""An order's rows in a file become a line of the day's statement, beside their facts."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.application.intake import Reading
from service.application.ports import Rejection, Unit
from service.application.reconciling import Reconciling
from service.domain.facts import Circumstance, Fact, FactKind, OrderRef
from service.domain.lifecycle import State
from service.domain.reconciling.days import day_of
from service.domain.reconciling.statements import QUIET, ShopDay, StatementKind
from service.kafka.encoding import ProtobufEncoder
from tests.builders import NOON, WAY_TO, a_fact
from tests.integration.service.world import Storing

BY_FILE = frozenset({Circumstance.LEARNT_BY_FILE})


@pytest.fixture
def of() -> ShopDay:
    """The day of a shop that no other test has."""
    return ShopDay("douyin", uuid.uuid4().hex[:8], day_of(NOON, "Asia/Shanghai"))


def rows_of(value: str, state: State) -> tuple[Fact, ...]:
    """Return what a file's rows of one order become."""
    ref = OrderRef("douyin", value)
    return tuple(
        a_fact(
            kind,
            minute=minute,
            ref=ref,
            fact_id=f"{value}-{kind.value}",
            source="douyin",
            circumstances=BY_FILE,
        )
        for minute, kind in enumerate(WAY_TO[state])
    )


def imported(storing: Storing, of: ShopDay, *facts: Fact) -> None:
    """Let the streams read an order's rows."""
    (receipt,) = storing.submit()
    storing.intake.apply([Reading(receipt, facts, stated=of)])


def compared(storing: Storing, engine: sa.Engine, of: ShopDay) -> dict[str, tuple[str, str, str]]:
    """Compare the day once the file is quiet; return what differs, by the order's number."""
    storing.clock.pass_time(QUIET)
    reconciling = Reconciling(storing.storage, ProtobufEncoder(), storing.clock)
    assert reconciling.begin_due()
    while reconciling.compare():
        pass
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text(
                "SELECT d.value, d.kind, d.state, d.repair FROM differences AS d"
                " JOIN reconciliations AS r USING (reconciliation_id) WHERE r.shop = :shop"
            ),
            {"shop": of.shop},
        )
        return {row.value: (row.kind, row.state, row.repair) for row in rows}


def test_an_order_that_only_the_file_told_of_was_missing_and_is_repaired(
    storing: Storing, engine: sa.Engine, of: ShopDay
) -> None:
    value = uuid.uuid4().hex
    imported(storing, of, *rows_of(value, State.SHIPPING))

    found = compared(storing, engine, of)

    assert found == {value: ("MISSING_HERE", "REPAIRED", "FILE_ROW_APPLIED")}


def test_a_state_that_only_the_file_told_of_was_behind_and_is_repaired(
    storing: Storing, engine: sa.Engine, of: ShopDay
) -> None:
    value = uuid.uuid4().hex
    storing.tell(*rows_of(value, State.PAID))
    imported(storing, of, *rows_of(value, State.SHIPPING))

    found = compared(storing, engine, of)

    assert found == {value: ("STATE", "REPAIRED", "FILE_ROW_APPLIED")}


def test_what_the_file_tells_once_more_differs_in_nothing(
    storing: Storing, engine: sa.Engine, of: ShopDay
) -> None:
    value = uuid.uuid4().hex
    storing.tell(*rows_of(value, State.SHIPPING))
    imported(storing, of, *rows_of(value, State.SHIPPING))

    assert compared(storing, engine, of) == {}


def test_an_order_whose_rows_cannot_be_read_is_in_the_file_all_the_same(
    storing: Storing, engine: sa.Engine, of: ShopDay
) -> None:
    value = uuid.uuid4().hex
    storing.tell(*rows_of(value, State.PAID))
    (receipt,) = storing.submit()
    rejection = Rejection("FIELD_INVALID", "rows[0].状态", "")
    storing.intake.apply([Reading(receipt, rejection=rejection, stated=of, order_hint=value)])

    assert compared(storing, engine, of) == {}


def test_the_same_file_again_keeps_one_line_and_what_was_held_before_it(
    storing: Storing, engine: sa.Engine, of: ShopDay
) -> None:
    value = uuid.uuid4().hex
    imported(storing, of, *rows_of(value, State.PAID))
    imported(storing, of, *rows_of(value, State.SHIPPING))

    def lines(unit: Unit) -> int:
        statement = unit.find_statement(StatementKind.ORDERS, of)
        assert statement is not None
        return statement.lines

    assert storing.storage.transact(lines) == 1
    found = compared(storing, engine, of)
    assert found == {value: ("MISSING_HERE", "REPAIRED", "FILE_ROW_APPLIED")}


def test_a_cancellation_that_contradicts_what_has_left_stays_a_difference(
    storing: Storing, engine: sa.Engine, of: ShopDay
) -> None:
    value = uuid.uuid4().hex
    ref = OrderRef("douyin", value)
    storing.tell(*rows_of(value, State.SHIPPING))
    created = rows_of(value, State.PAID)[0]
    cancelled = a_fact(FactKind.ORDER_CANCELLED, minute=9, ref=ref, fact_id=f"{value}-called-off")
    imported(storing, of, created, cancelled)

    found = compared(storing, engine, of)

    assert found[value][:2] == ("STATE", "OPEN")
    assert storing.clock() > NOON + timedelta(hours=1)

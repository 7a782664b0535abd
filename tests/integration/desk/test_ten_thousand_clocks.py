"""Ten thousand clocks that strike at one moment are all heard within a minute of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from service import catalogue
from service.application.desk_clock import DeskClock
from service.application.ports import Unit
from service.application.recording import Decided, record
from service.application.weighing import weigh_facts
from service.cel import CelConditions
from service.domain.cases import CaseAct, case_id_for, open_case
from service.domain.changes import Change, ChangeKind, Named
from service.domain.facts import Fact, FactKind, OrderRef
from service.domain.journal import Origin
from service.domain.money import Money
from service.domain.order import Order
from service.domain.terms import Terms
from service.kafka.encoding import ProtobufEncoder, ProtobufEnvelopes
from service.postgres.storage import PostgresStorage
from tests.integration.desk.world import MONDAY

CLOCKS = 10_000
BATCH = 500
MINUTE = timedelta(seconds=60)
SYSTEM = Origin("system", "system")
ENCODER = ProtobufEncoder()

# Six hours on a Monday, around the clock: of the shipped types, without an act of its own.
TYPE = "STAGE_OVERDUE"


class RunningClock:
    """Shows a moment of ours, and goes on from there as time does."""

    def __init__(self, at: datetime) -> None:
        self._at, self._since = at, time.monotonic()

    def __call__(self) -> datetime:
        return self._at + timedelta(seconds=time.monotonic() - self._since)

    def show(self, at: datetime) -> None:
        """Go on from another moment."""
        self._at, self._since = at, time.monotonic()


def orders_of(storage: PostgresStorage, terms: Terms, names: Sequence[str]) -> list[Order]:
    """Make orders known."""
    facts = [
        Fact(
            fact_id=f"fact-{name}",
            kind=FactKind.ORDER_CREATED,
            ref=OrderRef("tmall", name),
            source="tmall",
            channel="tmall",
            occurred_at=MONDAY,
            recorded_at=MONDAY,
            amount=Money(9_900, "CNY"),
        )
        for name in names
    ]

    def work(unit: Unit) -> list[Order]:
        weighed = weigh_facts(unit, facts, encoder=ENCODER, at=MONDAY, origins={}, terms=terms)
        return list(weighed.orders.values())

    return storage.transact(work)


def open_cases(storage: PostgresStorage, terms: Terms, orders: Sequence[Order]) -> None:
    """Open a case on each order, as deadlines do."""

    def work(unit: Unit) -> None:
        decided = []
        for order in orders:
            case = open_case(
                case_id_for(order.order_id, TYPE),
                order.order_id,
                TYPE,
                at=MONDAY,
                catalogue=terms.catalogue,
            )
            change = Change(
                kind=ChangeKind.CASE_CHANGED,
                detail=Named(case.case_id, "OPENED"),
                occurred_at=MONDAY,
                source="system",
                new=TYPE,
            )
            act = CaseAct(case, "OPENED", "system", MONDAY)
            decided.append(Decided(order=order, changes=((change, SYSTEM),), acts=((act, SYSTEM),)))
        record(unit, decided, encoder=ENCODER, at=MONDAY)

    storage.transact(work)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_ten_thousand_breaches_of_one_moment_are_told_within_a_minute_once_each(
    engine: sa.Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    storage = PostgresStorage(engine, ProtobufEnvelopes())
    terms = Terms(catalogue=catalogue.load())
    for at in range(0, CLOCKS, BATCH):
        names = [f"clock-{number}" for number in range(at, at + BATCH)]
        open_cases(storage, terms, orders_of(storage, terms, names))
    now = RunningClock(MONDAY)
    clock = DeskClock(storage, ENCODER, now, terms, CelConditions())
    began = time.monotonic()
    while clock.look_at_due():
        pass
    begun_s = time.monotonic() - began
    with engine.connect() as connection:
        due = connection.execute(sa.text("SELECT max(due_at) FROM cases")).scalar_one()

    # Nobody was there at the moment; whoever comes then has all of them before him.
    now.show(due)
    while clock.look_at_due():
        pass

    with engine.connect() as connection:
        found = connection.execute(
            sa.text(
                "SELECT count(*), count(DISTINCT case_id), max(acted_at) FROM case_log"
                " WHERE act = 'BREACHED'"
            )
        ).one()
    last = found.max - due
    with capsys.disabled():
        print(f"\n{CLOCKS} cases begun in {begun_s:.1f} s; the last breach told after {last}")  # noqa: T201  # the figure
    assert (found[0], found[1]) == (CLOCKS, CLOCKS)
    assert last < MINUTE

"""Five channels sell from one shelf: never a piece too much; what came late is told at once."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.application.allocating import Allocating
from service.application.ports import Unit
from service.application.reading import CaseQuery
from service.application.stock_desk import LOOK_AGAIN
from service.application.stock_planning import StockPlanning
from service.application.stock_watching import StockWatching
from service.application.stocking import Stocking
from service.domain.facts import Fact, FactKind, OrderLine, OrderRef
from service.domain.lifecycle import State
from service.domain.stock_late import GATHERED_FOR
from service.kafka.encoding import ProtobufEncoder, ProtobufEnvelopes
from service.postgres.engine import make_engine
from service.postgres.reader import PostgresReader
from service.postgres.storage import PostgresStorage
from tests.builders import a_fact
from tests.fakes import FakeClock
from tests.integration.service.world import Storing

CHANNELS = ("douyin", "jd", "pdd", "taobao", "mini")
BUYERS = 50
# With 1 to 4 pieces each, they want 375 of the last 300.
ORDERS_EACH = 3
PIECES = 300
CLOCKWORKS = 4
LATE = timedelta(hours=12)


@pytest.fixture(scope="module")
def crowd(engine: sa.Engine, module_database_url: str) -> Iterator[Storing]:
    """Storage to which many connect at once; `engine` has migrated it."""
    made = make_engine(module_database_url, connections=30)
    yield Storing(PostgresStorage(made, ProtobufEnvelopes()), PostgresReader(made), FakeClock())
    made.dispose()


def an_order(channel: str, name: str, sku: str, pieces: int, **given: object) -> list[Fact]:
    """Return the facts of a paid order."""
    return [
        replace(
            a_fact(kind, minute=minute, fact_id=f"{name}-{minute}", channel=channel, source=channel,
                   ref=OrderRef(channel, name), **given),
            lines=(OrderLine(sku, pieces),) if kind is FactKind.ORDER_CREATED else (),
        )
        for minute, kind in enumerate((FactKind.ORDER_CREATED, FactKind.PAYMENT_SUCCEEDED))
    ]  # fmt: skip


def clockwork(crowd: Storing, clock: FakeClock) -> Allocating:
    return Allocating(
        crowd.storage,
        ProtobufEncoder(),
        clock,
        chance=lambda: 0.5,
        pause=lambda _seconds: None,
    )


def shelve(crowd: Storing, sku: str, pieces: int) -> None:
    crowd.storage.transact(lambda unit: Stocking(unit, crowd.clock()).count(sku, "bj1", pieces))


def mapped(crowd: Storing, sku: str) -> dict[str, str]:
    """Let each channel call the article by a name of its own."""

    def work(unit: Unit) -> None:
        planning = StockPlanning(unit, crowd.clock())
        for channel, item in items.items():
            planning.set_mapping(channel, item, ((sku, 1),))

    items = {channel: f"{channel}-{uuid.uuid4().hex[:8]}" for channel in CHANNELS}
    crowd.storage.transact(work)
    return items


def shelf(engine: sa.Engine, sku: str) -> tuple[int, int, int]:
    """Return what lies there, what of it is promised, and what reservations say is promised."""
    asked = sa.text(
        "SELECT on_hand, reserved, (SELECT coalesce(sum(quantity), 0) FROM reservations"
        " WHERE reservations.sku = stock.sku AND released_at IS NULL) FROM stock WHERE sku = :sku"
    )
    with engine.connect() as connection:
        on_hand, reserved, promised = connection.execute(asked, {"sku": sku}).one()
    return on_hand, reserved, int(promised)


@pytest.mark.slow
def test_fifty_buyers_on_five_channels_never_get_a_piece_too_much(
    crowd: Storing, engine: sa.Engine
) -> None:
    sku = str(uuid.uuid4())
    shelve(crowd, sku, PIECES)
    items = mapped(crowd, sku)
    placed: dict[str, tuple[str, int]] = {}
    is_over = threading.Event()
    clock = FakeClock(crowd.clock())

    def buyer(number: int) -> None:
        channel = CHANNELS[number % len(CHANNELS)]
        for each in range(ORDERS_EACH):
            name, pieces = f"{sku}-{number}-{each}", 1 + (number + each) % 4
            crowd.tell(*an_order(channel, name, items[channel], pieces))
            placed[name] = channel, pieces

    def worker() -> None:
        while not is_over.is_set():
            if not clockwork(crowd, clock).settle_due():
                is_over.wait(0.05)

    with ThreadPoolExecutor(BUYERS) as buyers, ThreadPoolExecutor(CLOCKWORKS) as workers:
        working = [workers.submit(worker) for _ in range(CLOCKWORKS)]
        buying = [buyers.submit(buyer, number) for number in range(BUYERS)]
        try:
            for each in buying:
                each.result(timeout=100)
        finally:
            is_over.set()
        for each in working:
            each.result(timeout=100)
    clock.pass_time(LOOK_AGAIN)
    while clockwork(crowd, clock).settle_due():
        pass

    wanted = sum(pieces for _, pieces in placed.values())
    on_hand, reserved, promised = shelf(engine, sku)
    assert len(placed) == BUYERS * ORDERS_EACH
    assert wanted > PIECES == on_hand
    assert reserved == promised <= PIECES
    served, waiting = Counter[str](), list[int]()
    for name, (channel, pieces) in placed.items():
        if crowd.reader.order_by_ref(OrderRef(channel, name)).state is State.AWAITING_OUTBOUND:
            served[channel] += pieces
        else:
            waiting.append(pieces)
    assert sum(served.values()) == reserved
    assert set(served) == set(CHANNELS)
    # Who waits wants more than is left.
    assert min(waiting) > PIECES - reserved


@pytest.mark.slow
def test_an_import_that_is_twelve_hours_late_has_its_cases_when_it_is_looked_at(
    crowd: Storing, engine: sa.Engine
) -> None:
    sku = str(uuid.uuid4())
    shelve(crowd, sku, 0)
    items = mapped(crowd, sku)
    clock = FakeClock(crowd.clock())
    arrived = clock()
    count = 300
    told = [
        fact
        for number in range(count)
        for fact in an_order(
            "douyin", f"{sku}-{number}", items["douyin"], 1, occurred_at=arrived - LATE
        )
    ]

    crowd.tell_each(told)
    while clockwork(crowd, clock).settle_due():
        pass
    clock.pass_time(GATHERED_FOR)
    StockWatching(crowd.storage, clock).tell_oversales()

    first = crowd.reader.order_by_ref(OrderRef("douyin", f"{sku}-0"))
    (case,) = crowd.reader.cases(CaseQuery(page_size=5, order_id=first.order_id)).rows
    assert (case.type, case.opened_at) == ("OUT_OF_STOCK", arrived)
    sums = sa.text(
        "SELECT count(*) AS orders, sum(pieces) AS pieces, min(late_s) AS late,"
        " count(told_at) AS told FROM oversold WHERE sku = :sku"
    )
    notices = sa.text(
        "SELECT template, count(*) AS said FROM notices WHERE placeholders->>'sku' = :sku"
        " GROUP BY template"
    )
    with engine.connect() as connection:
        row = connection.execute(sums, {"sku": sku}).one()
        said = {each.template: each.said for each in connection.execute(notices, {"sku": sku})}
    assert (row.orders, int(row.pieces), row.late, row.told) == (count, count, 43_200, count)
    assert said == {"oversold": 1, "stop_selling": len(CHANNELS) - 1}

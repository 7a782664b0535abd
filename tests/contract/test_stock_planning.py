"""Items, shares, plans and late orders: by storage in memory and in PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from service.application.ports import Unit
from service.application.stock_desk import Settled
from service.application.stock_planning import StockPlanning
from service.application.stock_watching import StockWatching
from service.domain.cases import Case
from service.domain.channels.feeds import Feed, Mode, begun
from service.domain.desk.notices import notice_id_for
from service.domain.errors import NoticeNotFoundError
from service.domain.facts import FactKind
from service.domain.lifecycle import State
from service.domain.stock_errors import SkuMappingNotFoundError
from service.domain.stock_late import GATHERED_FOR, Oversold
from service.domain.stock_names import UnmappedSku
from service.domain.stock_plans import PurchasePlan
from service.domain.stock_shares import Allocation
from tests.builders import NOON
from tests.contract.conftest import Store
from tests.contract.stock_world import Warehouse

DAY = timedelta(days=1)


@pytest.fixture
def house(store: Store) -> Warehouse:
    return Warehouse(store)


def plan(house: Warehouse, act: Callable[[StockPlanning], object]) -> object:
    at = house.store.clock()
    return house.store.storage.transact(lambda unit: act(StockPlanning(unit, at)))


def ask(house: Warehouse, work: Callable[[Unit], object]) -> object:
    return house.store.storage.transact(work)


def maps(house: Warehouse, item: str, *parts: tuple[str, int]) -> None:
    told = tuple((house.sku(letter), pieces) for letter, pieces in parts)
    plan(house, lambda planning: planning.set_mapping(house.store.channel, house.sku(item), told))


def unmapped(house: Warehouse, item: str) -> UnmappedSku | None:
    found = ask(house, lambda unit: unit.unmapped(house.store.channel, house.sku(item)))
    assert found is None or isinstance(found, UnmappedSku)
    return found


def of_type(house: Warehouse, name: str, number: int = 1) -> list[Case]:
    return [each for each in house.cases(number) if each.type == name]


def test_an_item_takes_the_articles_of_its_mapping(house: Warehouse) -> None:
    house.count("A", 10)
    house.count("BOX", 10)
    maps(house, "item", ("A", 3), ("BOX", 1))

    house.paid(item=2)
    house.settle()

    assert house.order().state is State.AWAITING_OUTBOUND
    assert (house.stock("A"), house.stock("BOX")) == ((10, 6), (10, 2))


def test_an_item_nobody_mapped_waits_with_one_case_and_goes_on_when_it_is_mapped(
    house: Warehouse,
) -> None:
    house.count("A", 10)
    maps(house, "other", ("A", 1))
    house.paid(1, item=2)
    house.paid(2, item=1)
    house.settle()

    (case,) = [*of_type(house, "SKU_UNMAPPED", 1), *of_type(house, "SKU_UNMAPPED", 2)]
    told = unmapped(house, "item")
    assert told is not None
    assert (told.case_id, told.order_id) == (case.case_id, case.order_id)
    assert [house.order(number).state for number in (1, 2)] == [State.PAID] * 2
    assert house.settled == {Settled.UNMAPPED: 2}

    maps(house, "item", ("A", 1))
    house.settle()

    assert [house.order(number).state for number in (1, 2)] == [State.AWAITING_OUTBOUND] * 2
    assert unmapped(house, "item") is None
    (ended,) = [*of_type(house, "SKU_UNMAPPED", 1), *of_type(house, "SKU_UNMAPPED", 2)]
    assert (ended.is_resolved, ended.outcome) == (True, "MAPPED")


def test_the_next_order_tells_of_an_item_when_the_first_one_is_cancelled(house: Warehouse) -> None:
    house.count("A", 10)
    maps(house, "other", ("A", 1))
    for number in (1, 2):
        house.paid(number, item=1)
        house.settle()
    first = unmapped(house, "item")
    assert first is not None
    cancelled = 1 if house.order(1).order_id == first.order_id else 2

    house.tell(FactKind.ORDER_CANCELLED, cancelled)
    house.settle()
    house.store.clock.pass_time(timedelta(minutes=10))
    house.settle()

    after = unmapped(house, "item")
    assert after is not None
    assert after.order_id == house.order(3 - cancelled).order_id


def test_a_mapping_that_is_forgotten_is_returned_once(house: Warehouse) -> None:
    maps(house, "item", ("A", 3))
    channel, item = house.store.channel, house.sku("item")

    dropped = plan(house, lambda planning: planning.drop_mapping(channel, item))

    assert dropped.parts == ((house.sku("A"), 3),)  # type: ignore[attr-defined]
    with pytest.raises(SkuMappingNotFoundError):
        plan(house, lambda planning: planning.drop_mapping(channel, item))


def test_orders_from_before_the_first_count_are_found_by_their_items(house: Warehouse) -> None:
    maps(house, "item", ("A", 3))
    house.paid(item=2)
    house.settle()
    assert house.order().state is State.PAID

    house.count("A", 6)
    house.settle()

    assert house.order().state is State.AWAITING_OUTBOUND
    assert house.stock("A") == (6, 6)


def allocate(house: Warehouse, letter: str, **percents: int) -> None:
    plan(house, lambda planning: planning.allocate(house.sku(letter), percents))


def division(house: Warehouse, letter: str) -> Allocation:
    sku = house.sku(letter)
    (found,) = house.store.storage.transact(lambda unit: unit.lock_allocations([sku]))
    return found


def test_a_channel_gets_no_more_than_its_share(house: Warehouse) -> None:
    house.count("A", 10)
    allocate(house, "A", **{house.store.channel: 30})
    house.paid(1, A=3)
    house.paid(2, A=1)
    house.settle()

    states = {house.order(number).state for number in (1, 2)}
    assert house.stock("A")[1] <= 3
    assert states == {State.PAID, State.AWAITING_OUTBOUND}
    assert len(of_type(house, "OUT_OF_STOCK", 1) + of_type(house, "OUT_OF_STOCK", 2)) == 1

    allocate(house, "A")
    house.settle()

    assert house.stock("A") == (10, 4)


def test_a_share_counts_what_is_held_given_back_and_gone(house: Warehouse) -> None:
    house.count("A", 10)
    house.paid(1, A=2)
    house.settle()
    allocate(house, "A", **{house.store.channel: 50})
    own = house.store.channel
    assert division(house, "A").free(own, 10) == 3

    house.paid(2, A=1)
    house.settle()
    assert division(house, "A").free(own, 10) == 2
    house.tell(FactKind.ORDER_CANCELLED, 2)
    house.settle()
    assert division(house, "A").free(own, 10) == 3
    house.tell(FactKind.PARCEL_SHIPPED, 1, voucher="W-1")
    house.settle()

    after = division(house, "A")
    assert (after.gone, after.free(own, 8), after.free("elsewhere", 8)) == (2, 3, 5)


def watching(house: Warehouse) -> StockWatching:
    return StockWatching(house.store.storage, house.store.clock)


def red(house: Warehouse, letter: str) -> bool:
    watching(house).flag_articles()
    found = ask(house, lambda unit: unit.lock_article(house.sku(letter)))
    return found.red_since is not None  # type: ignore[attr-defined]


def a_plan(house: Warehouse, letter: str, in_days: int) -> PurchasePlan:
    at = house.store.clock()
    name = f"pln-{house.store.fresh()}"
    made = PurchasePlan(name, house.sku(letter), "bj1", 40, at + in_days * DAY, at)
    plan(house, lambda planning: planning.add_plan(made))
    return made


def test_an_article_is_red_until_something_is_planned_or_comes(house: Warehouse) -> None:
    house.count("A", 9)
    plan(house, lambda planning: planning.set_safety_level(house.sku("A"), 10, ""))
    assert red(house, "A")

    a_plan(house, "A", in_days=8)
    assert red(house, "A")
    soon = a_plan(house, "A", in_days=3)
    assert not red(house, "A")
    plan(house, lambda planning: planning.drop_plan(soon.plan_id))
    assert red(house, "A")

    come = a_plan(house, "A", in_days=1)
    plan(house, lambda planning: planning.receive_plan(come.plan_id))

    assert not red(house, "A")
    assert house.stock("A") == (49, 0)


def test_a_plan_of_which_nothing_came_lets_the_article_be_red_again(house: Warehouse) -> None:
    plan(house, lambda planning: planning.set_safety_level(house.sku("A"), 10, "operations"))
    a_plan(house, "A", in_days=2)
    assert not red(house, "A")

    house.store.clock.pass_time(3 * DAY)

    assert red(house, "A")


def late_order(house: Warehouse, number: int, **asked: int) -> None:
    """Tell of an order that was paid 12 hours before anybody told us."""
    facts = house.facts(number, FactKind.ORDER_CREATED, FactKind.PAYMENT_SUCCEEDED, **asked)
    early = house.store.clock() - timedelta(hours=12)
    house.store.tell(*(replace(each, occurred_at=early) for each in facts))


def oversales(house: Warehouse) -> list[tuple[str, int, int, int]]:
    at = house.store.clock()
    # What other tests left is told here as well.
    found = ask(house, lambda unit: unit.tell_oversales(at, most=100))
    return [
        (each.channel, each.orders, each.pieces, int(each.late / timedelta(hours=1)))
        for each in found  # type: ignore[attr-defined]
        if each.sku == house.sku("A")
    ]


def test_late_orders_that_find_nothing_have_cases_and_are_told_of_together(
    house: Warehouse,
) -> None:
    house.store.clock.pass_time(NOON + DAY - house.store.clock())
    house.count("A", 1)
    for number in (1, 2, 3):
        late_order(house, number, A=1)
    house.settle()

    cases = [case for number in (1, 2, 3) for case in of_type(house, "OUT_OF_STOCK", number)]
    assert len(cases) == 2
    assert all(each.opened_at == house.store.clock() for each in cases)
    assert oversales(house) == []
    house.store.clock.pass_time(GATHERED_FOR)
    assert oversales(house) == [(house.store.channel, 2, 2, 12)]
    assert oversales(house) == []


def test_an_order_in_time_that_finds_nothing_is_no_oversale(house: Warehouse) -> None:
    house.count("A", 0)
    facts = house.facts(1, FactKind.ORDER_CREATED, FactKind.PAYMENT_SUCCEEDED, A=1)
    house.store.tell(*(replace(each, occurred_at=house.store.clock()) for each in facts))
    house.settle()
    house.store.clock.pass_time(GATHERED_FOR)

    assert len(of_type(house, "OUT_OF_STOCK")) == 1
    assert oversales(house) == []


def owned(house: Warehouse, number: int, owner: str) -> None:
    """Register a feed of this test's channel."""
    at = house.store.clock()
    feed = Feed(
        feed_id=f"{house.store.name}-{number}",
        channel=house.store.channel,
        shop=house.store.name,
        mode=Mode.MANUAL,
        platform=house.store.channel,
        template="t",
        zone="UTC",
        owner=owner,
        begin_at=at,
        created_at=at,
        updated_at=at,
        progress=begun(at, at),
    )
    ask(house, lambda unit: unit.add_feed(feed))


def told_to_stop(house: Warehouse) -> list[tuple[str, str]]:
    """Let a late order of another channel find nothing.

    Return who is told to stop selling, and how much the channel can still have.
    """
    maps(house, "item", ("A", 1))
    sku, own, at = house.sku("A"), house.store.channel, house.store.clock()
    late = Oversold(f"ord-{house.store.name}", sku, "another", 1, DAY, "", at)
    ask(house, lambda unit: unit.keep_oversold([late]))
    house.store.clock.pass_time(GATHERED_FOR)
    told_at = house.store.clock().isoformat()
    StockWatching(house.store.storage, house.store.clock).tell_oversales()
    found: list[tuple[str, str]] = []

    def look(unit: Unit) -> None:
        for role in ("douyin_sales", "engineering", "operations"):
            name = notice_id_for(f"oversold|{sku}|another|{told_at}|{own}|{role}")
            with suppress(NoticeNotFoundError):
                asked = unit.lock_notice(name).asked
                found.append((asked.recipient, asked.values.get("left", "")))

    house.store.storage.transact(look)
    return found


def test_who_owns_a_channels_feeds_is_told_to_stop_selling(house: Warehouse) -> None:
    owned(house, 1, "douyin_sales")
    owned(house, 2, "engineering")
    house.count("A", 10)
    house.count("A", 5, "sh1")
    allocate(house, "A", another=60)

    assert told_to_stop(house) == [("role:douyin_sales", "6")]


def test_operations_is_told_where_nobody_sells_at_a_channel(house: Warehouse) -> None:
    owned(house, 1, "engineering")

    assert told_to_stop(house) == [("role:operations", "")]

"""Names, shares, plans and lateness: what stock is planned by."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.facts import FactKind, OrderLine
from service.domain.stock_errors import PurchasePlanClosedError
from service.domain.stock_late import lateness, told_late
from service.domain.stock_names import Demand, Names, demand, sellable
from service.domain.stock_plans import (
    Article,
    PlanState,
    PurchasePlan,
    Supply,
    is_red,
    soon,
)
from service.domain.stock_shares import OTHERS, Allocation, divided, lacking
from tests.builders import NOON, a_fact

LINES = (OrderLine("爆款-红", 2), OrderLine("B", 1))
HOUR = timedelta(hours=1)


def a_plan(days: float = 3, **given: object) -> PurchasePlan:
    plan = PurchasePlan("pln-1", "A", "bj1", 40, NOON + timedelta(days=days), NOON)
    return replace(plan, **given)  # type: ignore[arg-type]


def test_a_channel_without_mappings_speaks_of_our_articles() -> None:
    assert demand(LINES) == Demand({"爆款-红": 2, "B": 1})


def test_an_item_is_its_articles_and_what_is_no_item_is_unmapped() -> None:
    names = Names(is_mapped=True, parts={"爆款-红": (("A", 1), ("BOX", 2))})

    assert demand(LINES, names) == Demand({"A": 2, "B": 1, "BOX": 4}, ("B",))


def test_an_article_of_which_stock_is_kept_needs_no_mapping() -> None:
    names = Names(is_mapped=True, parts={"爆款-红": (("A", 3),)}, kept=frozenset({"B"}))

    assert demand(LINES, names) == Demand({"A": 6, "B": 1})


def test_two_items_of_one_article_add_up() -> None:
    names = Names(is_mapped=True, parts={"爆款-红": (("A", 3),), "B": (("A", 1),)})

    assert demand(LINES, names) == Demand({"A": 7})


def test_the_scarcest_article_says_how_many_items_can_be_sold() -> None:
    free = {"A": 9, "BOX": 5, "GONE": -2}

    assert sellable([("A", 1), ("BOX", 2)], free.__getitem__) == (2, "BOX")
    assert sellable([("GONE", 1)], free.__getitem__) == (0, "GONE")


def test_a_share_is_of_what_there_is_and_what_is_gone() -> None:
    shared = divided("A", {"douyin": 40, "jd": 30}, {"douyin": 10, "mini": 5}, at=NOON)

    free = {channel: shared.free(channel, 100) for channel in ("douyin", "jd", "mini", "amazon")}

    assert free == {"douyin": 30, "jd": 30, "mini": 25, "amazon": 25}


def test_a_parcel_that_leaves_takes_nothing_from_other_shares() -> None:
    shared = divided("A", {"douyin": 40}, {}, at=NOON).having("douyin", 40).taken(40)

    assert shared.free("douyin", 60) == 0
    assert shared.free("jd", 60) == 60


def test_what_comes_is_divided_as_what_was_there() -> None:
    shared = divided("A", {"douyin": 40}, {}, at=NOON).having("douyin", 40).taken(40)

    assert shared.free("douyin", 160) == 40
    assert shared.free("jd", 160) == 120


def test_what_is_given_back_can_be_had_again() -> None:
    shared = divided("A", {"douyin": 40}, {}, at=NOON).having("douyin", 40)

    assert shared.free("douyin", 100) == 0
    assert shared.having("douyin", -15).free("douyin", 100) == 15


def test_a_channel_lacks_what_its_share_does_not_suffice_for() -> None:
    shared = [divided("A", {"douyin": 10}, {}, at=NOON)]

    assert lacking({"A": 12, "B": 1}, {"A": 100, "B": 0}, shared, "douyin") == {"A": 2}
    assert lacking({"A": 12}, {"A": 100}, shared, "jd") == {}


PERCENTS = st.lists(st.integers(1, 40), max_size=5).filter(lambda each: sum(each) <= 100)


@given(PERCENTS, st.integers(0, 10_000), st.integers(0, 10_000))
def test_shares_add_up_to_what_is_divided(percents: list[int], on_hand: int, gone: int) -> None:
    named = {f"channel_{number}": percent for number, percent in enumerate(percents)}
    shared = divided("A", named, {}, at=NOON).taken(gone)

    parts = [shared.entitled(channel, on_hand) for channel in (*named, OTHERS)]

    assert sum(parts) == on_hand + gone
    for percent, part in zip(percents, parts, strict=False):
        assert abs(part - (on_hand + gone) * percent / 100) < 1


HAD = st.lists(st.tuples(st.sampled_from(["douyin", "jd", "mini"]), st.integers(1, 30)))


@given(HAD, st.integers(0, 200))
def test_whoever_asks_first_no_channel_gets_more_than_its_share(
    asked: list[tuple[str, int]], on_hand: int
) -> None:
    shared: Allocation = divided("A", {"douyin": 50, "jd": 20}, {}, at=NOON)
    there, had = on_hand, dict.fromkeys(("douyin", "jd", "mini"), 0)

    for channel, count in asked:
        if count <= shared.free(channel, on_hand):
            shared, there = shared.having(channel, count), there - count
            had[channel] += count

    assert there >= 0
    assert all(count <= shared.entitled(channel, on_hand) for channel, count in had.items())


def test_an_article_is_red_with_too_little_and_nothing_planned() -> None:
    article = Article("A", 50, "purchasing", NOON)

    assert is_red(article, Supply(available=49))
    assert not is_red(article, Supply(available=50))
    assert not is_red(article, Supply(available=0, planned=40))
    assert not is_red(replace(article, safety_level=0), Supply())


@pytest.mark.parametrize(
    ("plan", "count"),
    [
        (a_plan(days=0), 40),
        (a_plan(days=7), 40),
        (a_plan(days=7.01), 0),
        # Its day has passed, and nothing came.
        (a_plan(days=-0.01), 0),
        (a_plan(state=PlanState.DROPPED), 0),
        (a_plan(state=PlanState.RECEIVED), 0),
    ],
)
def test_what_is_planned_counts_for_seven_days(plan: PurchasePlan, count: int) -> None:
    assert soon([plan], at=NOON) == count


def test_a_plan_ends_once() -> None:
    received = a_plan().receive(38, at=NOON)

    assert (received.state, received.received) == (PlanState.RECEIVED, 38)
    with pytest.raises(PurchasePlanClosedError):
        received.drop(at=NOON)
    with pytest.raises(PurchasePlanClosedError):
        a_plan().drop(at=NOON).receive(1, at=NOON)


def test_an_order_is_late_by_what_passed_until_all_of_it_was_told() -> None:
    placed = replace(a_fact(), recorded_at=NOON + 12 * HOUR)
    paid = replace(a_fact(FactKind.PAYMENT_SUCCEEDED), recorded_at=NOON)

    assert lateness([placed, paid]) == 12 * HOUR
    assert lateness([placed, replace(paid, occurred_at=NOON + HOUR)]) == 11 * HOUR
    assert lateness([paid]) == timedelta()
    assert told_late(12 * HOUR + timedelta(minutes=5)) == "came 12 h 5 min late"

"""Profiles: additive, exact however often told, of 90 days, and judged over all channels."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pytest

from streams.logic.profiles import (
    DAYS,
    Bought,
    Cause,
    ProfileChange,
    ProfileNumbers,
    Profiles,
)
from streams.logic.risk import Finding
from streams.rule_files import load_person_rules

RULES = load_person_rules()
DAY_US = 86_400_000_000
TODAY = 20_000


@dataclass
class Rows:
    """The rows of one partition, as a dictionary."""

    kept: dict[bytes, bytes] = field(default_factory=dict)

    def get(self, key: bytes) -> bytes | None:
        return self.kept.get(key)

    def items(self) -> list[tuple[bytes, bytes]]:
        return list(self.kept.items())


@dataclass
class World:
    """One partition, and what was told to it."""

    rows: Rows = field(default_factory=Rows)
    told: dict[str, int] = field(default_factory=dict)
    found: list[Finding] = field(default_factory=list)

    def change(
        self,
        customer: str,
        cause: Cause,
        *,
        removed: Iterable[Bought] = (),
        added: Iterable[Bought] = (),
        today: int = TODAY,
    ) -> ProfileChange:
        self.told[customer] = n = self.told.get(customer, 0) + 1
        return ProfileChange(n, 0, customer, n, today * DAY_US, cause, tuple(removed), tuple(added))

    def take(self, *changes: ProfileChange) -> int:
        """Apply changes as one chunk; return how many were repeats."""
        effects = Profiles(self.rows, RULES).apply(changes)
        self.rows.kept.update(effects.rows)
        self.found += [each for each in effects.outputs if isinstance(each, Finding)]
        return effects.repeats

    def profile(self, customer: str) -> ProfileNumbers:
        return ProfileNumbers.from_row(self.rows.kept[customer.encode()])


def bought(
    order: str = "orders/1", *, day: int = TODAY, yuan: int = 10, channel: str = "douyin",
    back: bool = False, categories: tuple[str, ...] = (),
) -> Bought:  # fmt: skip
    return Bought(order, channel, "main", "CNY", yuan * 1_000_000, day, back, categories)


def counted(orders: Iterable[Bought], today: int) -> ProfileNumbers:
    """Count anew, another way: each number by itself."""
    told = list(orders)
    places = {(x.channel, x.shop) for x in told}
    days = {x.day for x in told if x.day > today - DAYS}
    names = {name for x in told for name in x.categories}
    return ProfileNumbers(
        spent={"CNY": (len(told), sum(x.amount_micros for x in told))} if told else {},
        places={
            place: (
                sum((x.channel, x.shop) == place for x in told),
                sum((x.channel, x.shop) == place and x.is_returned for x in told),
            )
            for place in places
        },
        days={
            day: (
                sum(x.day == day for x in told),
                sum(x.day == day and x.is_returned for x in told),
            )
            for day in days
        },
        categories={name: sum(name in x.categories for x in told) for name in names},
    )


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_told_in_whatever_chunks_the_sums_are_those_of_the_orders(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  # a test that can be repeated
    world, owners, today = World(), dict[str, dict[str, Bought]](), TODAY
    log: list[ProfileChange] = []
    people = ["cus-a", "cus-b", "cus-c"]
    for number in range(300):
        today += chance.random() < 0.4
        who = chance.choice(people)
        own = owners.setdefault(who, {})
        dice = chance.random()
        if dice < 0.5 or not own:
            order = bought(
                f"orders/{number}",
                day=today - chance.choice([0, 0, 1, 5, 80, 89, 90, 200, -1]),
                yuan=chance.randrange(1, 10**6),
                channel=chance.choice(["douyin", "jd", "mini"]),
                categories=tuple(chance.sample(["tea", "cups", "books"], chance.randrange(3))),
            )
            own[order.order] = order
            log.append(world.change(who, "BOUGHT", added=[order], today=today))
        elif dice < 0.7:
            order = chance.choice(list(own.values()))
            own[order.order] = new = replace(order, is_returned=True, day=order.day - 1)
            log.append(world.change(who, "RETURNED", removed=[order], added=[new], today=today))
        elif dice < 0.9:
            other = chance.choice([each for each in people if each != who])
            moved = list(own.values())
            owners.setdefault(other, {}).update(own)
            owners[who] = {}
            log.append(world.change(who, "MOVED", removed=moved, today=today))
            log.append(world.change(other, "MOVED", added=moved, today=today))
        else:
            order = own.pop(chance.choice(list(own)))
            log.append(world.change(who, "CORRECTED", removed=[order], today=today))

    at = 0
    while at < len(log):
        size = chance.randrange(1, 20)
        world.take(*log[max(0, at - chance.randrange(10)) : at + size])
        at += size

    for who in people:
        kept, anew = world.profile(who), counted(owners.get(who, {}).values(), today)
        assert (kept.spent, kept.places) == (anew.spent, anew.places)
        assert kept.categories == anew.categories
        assert kept.lately(today) == anew.lately(today)
        assert len(kept.days) <= DAYS + 1


def test_a_customer_whose_orders_all_went_to_another_has_nothing_left() -> None:
    world, order = World(), bought(categories=("tea",))
    world.take(world.change("cus-a", "BOUGHT", added=[order]))
    world.take(world.change("cus-a", "MOVED", removed=[order]))

    (kept,) = Profiles(world.rows, RULES).wholes()
    assert kept.numbers.is_nothing()
    assert (kept.numbers.spent, kept.numbers.days, kept.numbers.categories) == ({}, {}, {})


def test_a_change_that_comes_again_changes_nothing_and_finds_nothing() -> None:
    world = World()
    change = world.change("cus-a", "BOUGHT", added=[bought()])
    world.take(change)
    assert world.take(change, change) == 2
    assert world.profile("cus-a").spent == {"CNY": (1, 10_000_000)}


def test_a_row_does_not_grow_with_the_orders() -> None:
    world = World()
    for n in range(2_000):
        world.take(world.change("cus-a", "BOUGHT", added=[bought(day=TODAY + n)], today=TODAY + n))
    assert len(world.profile("cus-a").days) == DAYS
    assert len(world.rows.kept[b"cus-a"]) < 2_500


def test_sums_beyond_64_bits_are_kept() -> None:
    world, dear = World(), replace(bought(), amount_micros=2**62)
    for _ in range(4):
        world.take(world.change("cus-a", "BOUGHT", added=[dear]))
    assert world.profile("cus-a").spent == {"CNY": (4, 2**64)}


def test_who_sends_most_back_over_all_channels_is_found_once() -> None:
    world = World()
    orders = [bought(f"orders/{n}", channel=f"channel-{n % 5}") for n in range(5)]
    for each in orders:
        world.take(world.change("cus-a", "BOUGHT", added=[each]))
    for each in orders[:3]:
        back = replace(each, is_returned=True)
        change = world.change("cus-a", "RETURNED", removed=[each], added=[back])
        world.take(change, change)

    (found,) = world.found
    assert (found.rule, found.act.order) == ("high-return-rate", "orders/2")
    assert dict(found.inputs) == {
        "profile.orders_90d": "5",
        "profile.returned_90d": "3",
        "profile.channels": "5",
    }


def test_returns_of_orders_before_the_90_days_are_no_reason() -> None:
    world = World()
    old = [bought(f"orders/{n}", day=TODAY - DAYS) for n in range(5)]
    for each in [*old, *(bought(f"orders/new-{n}") for n in range(5))]:
        world.take(world.change("cus-a", "BOUGHT", added=[each]))
    for each in old:
        back = replace(each, is_returned=True)
        world.take(world.change("cus-a", "RETURNED", removed=[each], added=[back]))
    assert not world.found


def test_an_amount_is_measured_by_the_person_and_not_by_a_fresh_account() -> None:
    world = World()
    for n in range(3):
        world.take(world.change("cus-a", "BOUGHT", added=[bought(f"orders/{n}")]))
    alone = world.change("cus-a", "BOUGHT", added=[bought("orders/3", yuan=51)])
    elsewhere = world.change("cus-a", "BOUGHT", added=[bought("orders/4", yuan=500, channel="jd")])
    world.take(alone, elsewhere)
    assert [(each.rule, each.act.order) for each in world.found] == [
        ("unusual-for-person", "orders/4")
    ]


def test_a_merge_is_nothing_that_anybody_did() -> None:
    world = World()
    gone = [bought(f"orders/{n}", back=True, yuan=10**6) for n in range(9)]
    world.take(world.change("cus-a", "MOVED", added=gone))
    assert not world.found
    assert [each.key for each in Profiles(world.rows, RULES).wholes()] == ["cus-a"]

"""Who is the same person: on evidence, never by a mask, and taken back without a trace."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from service.domain.customers.book import Book
from service.domain.customers.identity import Identity, IdentityKind
from service.domain.customers.knowing import count, see, settle
from service.domain.customers.people import Merge, MergeState
from tests.people import PEOPLE, Purchase, matchable, pairs, purchases

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
K = IdentityKind


class Shop:
    """People who buy, one order after the other, and the book that is kept of them."""

    def __init__(self) -> None:
        self.book = Book({}, {})
        self.orders = 0

    def buys(self, key: str, channel: str, **told: str) -> str:
        """Take an order; return its buyer. A value of `*` is masked."""
        marks = [
            Identity(K[kind.upper()], "" if value == "*" else value) for kind, value in told.items()
        ]
        return self._take(key, channel, marks)

    def takes(self, purchase: Purchase) -> str:
        """Take an order of somebody who was made from a seed; return its buyer."""
        return self._take(purchase.key, purchase.channel, purchase.marks)

    def _take(self, key: str, channel: str, marks: Iterable[Identity]) -> str:
        self.orders += 1
        at = BEGAN + timedelta(minutes=self.orders)
        buyer = see(
            self.book,
            key=key,
            order_id=f"ord-{self.orders}",
            place=(channel, "main"),
            placed_at=at,
        )
        count(self.book, buyer.buyer_id, marks, 1)
        self.settle(buyer.buyer_id)
        return buyer.buyer_id

    def settle(self, buyer_id: str) -> None:
        waiting = {buyer_id}
        while waiting:
            waiting |= settle(self.book, waiting.pop(), at=BEGAN)

    def same(self, *buyers: str) -> bool:
        return len({self.book.buyers[each].customer_id for each in buyers}) == 1

    def merges(self, state: MergeState) -> list[Merge]:
        return [each for each in self.book.merges.values() if each.state is state]

    def owners(self) -> Mapping[str, str]:
        return {each: buyer.customer_id for each, buyer in self.book.buyers.items()}


def test_one_phone_at_two_channels_is_one_customer() -> None:
    shop = Shop()
    first = shop.buys("a", "douyin", phone="p1", name="h-zhang")
    second = shop.buys("b", "jd", phone="p1", name="h-zhang")

    assert shop.same(first, second)
    (merge,) = shop.merges(MergeState.MERGED)
    assert [each.kind for each in merge.evidence] == ["PHONE_EQUAL", "NAME_EQUAL"]
    assert merge.score == 984


def test_equal_masks_say_nothing() -> None:
    shop = Shop()
    first = shop.buys("a", "douyin", phone="*", name="*", address="*")
    second = shop.buys("b", "jd", phone="*", name="*", address="*")

    assert not shop.same(first, second)
    assert not shop.book.merges


def test_a_phone_under_two_names_joins_only_who_has_the_same_name() -> None:
    shop = Shop()
    wife = shop.buys("a", "douyin", phone="p1", name="h-li")
    husband = shop.buys("b", "jd", phone="p1", name="h-wang")
    again = shop.buys("c", "mini", phone="p1", name="h-li")

    assert shop.same(wife, again)
    assert not shop.same(wife, husband)


def test_a_phone_that_turns_out_to_be_shared_takes_its_merges_back() -> None:
    shop = Shop()
    first = shop.buys("a", "douyin", phone="p1")
    second = shop.buys("b", "jd", phone="p1")
    assert shop.same(first, second)

    other = shop.buys("c", "douyin", phone="p1")

    assert not shop.same(first, second)
    assert not shop.same(first, other)
    (withdrawn,) = shop.merges(MergeState.WITHDRAWN)
    assert withdrawn.reason == "EVIDENCE_CHANGED"


def test_namesakes_at_like_addresses_are_only_suggested() -> None:
    shop = Shop()
    home = "".join(f"{each:04x}" for each in range(32))
    alike = home[:104] + "f" * 24
    first = shop.buys("a", "douyin", name="h-wang", address=home)
    second = shop.buys("b", "jd", name="h-wang", address=alike)
    stranger = shop.buys("c", "pdd", name="h-li", address=home)

    assert not shop.same(first, second)
    (suggested,) = shop.merges(MergeState.SUGGESTED)
    assert set(suggested.buyers) == {first, second}
    assert suggested.score <= 890
    assert not shop.same(first, stranger)


def test_a_gift_to_another_phone_joins_nobody() -> None:
    shop = Shop()
    giver = shop.buys("a", "douyin", phone="p1", name="h-li")
    shop.buys("a", "douyin", phone="p1", name="h-li")
    shop.buys("a", "douyin", phone="p2", name="h-mother")
    mother = shop.buys("m", "jd", phone="p2", name="h-mother")

    assert not shop.same(giver, mother)


def test_an_undone_merge_restores_who_was_who_and_stays_undone() -> None:
    shop = Shop()
    first = shop.buys("a", "douyin", phone="p1")
    second = shop.buys("b", "jd", mail="m1")
    third = shop.buys("c", "mini", mail="m1")
    before = shop.owners()
    fourth = shop.buys("d", "shopify", phone="p1", mail="m1")
    assert shop.same(first, second, third, fourth)
    last = next(each for each in shop.merges(MergeState.MERGED) if first in each.buyers)

    shop.book.part(last, MergeState.UNDONE, at=BEGAN, actor="lin", reason="two people")

    assert {each: shop.owners()[each] for each in before} == before
    shop.settle(fourth)
    assert not shop.same(first, fourth)
    assert not shop.merges(MergeState.SUGGESTED)


def test_an_accepted_suggestion_settles_every_other_of_the_two() -> None:
    shop = Shop()
    home = "".join(f"{each:04x}" for each in range(32))
    one = shop.buys("a", "douyin", name="h-wang", address=home)
    two = shop.buys("b", "jd", name="h-wang", address=home, phone="p1")
    three = shop.buys("c", "mini", name="h-wang", address=home)
    suggested = shop.merges(MergeState.SUGGESTED)
    assert len(suggested) == 3

    for each in suggested[:2]:
        shop.book.stand(shop.book.merges[each.merge_id], at=BEGAN)

    assert shop.same(one, two, three)
    assert len(shop.merges(MergeState.MERGED)) == 2
    assert not shop.merges(MergeState.SUGGESTED)


def test_it_does_not_matter_in_which_order_merges_are_taken_back() -> None:
    for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        shop = Shop()
        for index, channel in enumerate(("douyin", "jd", "mini", "shopify")):
            shop.buys(f"k{index}", channel, phone="p1")
        alone = {each: buyer.origin for each, buyer in shop.book.buyers.items()}
        merges = sorted(shop.book.merges)
        for each in order:
            shop.book.part(shop.book.merges[merges[each]], MergeState.UNDONE, at=BEGAN)
        assert shop.owners() == alone


def test_five_thousand_people_at_five_channels_are_told_apart_and_together() -> None:
    dice = random.Random(7)  # noqa: S311  # a generator of people, not of secrets
    shop = Shop()
    truth = {shop.takes(each): each.person for each in purchases(dice, PEOPLE)}

    said = pairs((buyer.customer_id, each) for each, buyer in shop.book.buyers.items())
    true = pairs((person, each) for each, person in truth.items())
    known = matchable(true, {each: buyer.marks for each, buyer in shop.book.buyers.items()})

    assert len(known) > PEOPLE
    assert len(said & true) / len(said) >= 0.99
    assert len(said & known) / len(known) >= 0.90
    for merge in shop.merges(MergeState.MERGED):
        assert any(each.digest for each in merge.evidence)

"""Knows customers: looks at whose new orders are, and carries out what people decide about merges.

Works behind the decisions on orders, in the clockwork, one at a time in the whole installation:

1. Take the lock of people; who does not get it leaves it to who has it.
2. Read orders that wait, open the book of everybody who has anything in common with them, decide.
3. Store buyers, merges and whose orders are, and take the orders off the queue. If we crash before
   the commit, nothing happened.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from service.application.people_ports import SeenOrder
from service.application.ports import Clock, Storage, Unit
from service.domain.customers.book import Book
from service.domain.customers.errors import CustomersSameError, MergeNotInStateError
from service.domain.customers.identity import Identity
from service.domain.customers.knowing import count, see, settle
from service.domain.customers.people import Evidence, Merge, MergeState, buyer_id_of
from service.domain.customers.scoring import Weighed

# A hundred orders with all who have to do with them take about a second on a busy machine.
CLAIM_MOST: Final = 100
BY_HAND: Final = 1_000


@dataclass(frozen=True, slots=True)
class Knowing:
    """Works off the queue of orders of which it is not known yet whose they are."""

    storage: Storage
    clock: Clock

    def look(self) -> int:
        """Look at orders that wait; return how many there were."""

        def work(unit: Unit) -> int:
            now = self.clock()
            if not unit.lock_people(wait=False):
                return 0
            seen = unit.seen_orders(now, most=CLAIM_MOST)
            if seen:
                _look_at(unit, seen, now)
            return len(seen)

        return self.storage.transact(work)


def _look_at(unit: Unit, seen: list[SeenOrder], now: datetime) -> None:
    buyers = {buyer_id_of(each.key, each.order_id) for each in seen}
    known = {each.known_buyer for each in seen if each.known_buyer}
    marks: set[Identity] = {mark for each in seen for mark in each.marks}
    book = unit.open_book(buyers | known, marks)
    kept = []
    for each in seen:
        buyer = see(
            book,
            key=each.key,
            order_id=each.order_id,
            place=(each.channel, each.shop),
            placed_at=each.placed_at,
        )
        if each.known_buyer:
            count(book, each.known_buyer, each.known_marks, -1)
        count(book, buyer.buyer_id, each.marks, 1)
        kept.append((each, buyer.buyer_id))
    loose: set[str] = set()
    for _, buyer_id in kept:
        loose |= settle(book, buyer_id, at=now)
    unit.save_book(book)
    unit.keep_seen(kept)
    if loose:
        unit.queue_buyers(loose, at=now)


@dataclass(frozen=True, slots=True)
class Deciding:
    """What people decide about merges, within one transaction."""

    unit: Unit
    actor: str
    at: datetime

    def merge(self, customer: str, other: str, reason: str) -> Merge:
        """Join two customers; or raise `CustomerNotFoundError`, `CustomersSameError`."""
        self.unit.lock_people(wait=True)
        book = self.unit.open_book(
            {*self.unit.buyers_of(customer), *self.unit.buyers_of(other)}, ()
        )
        one, two = (
            book.buyers[self.unit.buyers_of(each)[0]].customer_id for each in (customer, other)
        )
        if one == two:
            raise CustomersSameError(customer=customer, other=other)
        ends = (book.customer(one)[0].buyer_id, book.customer(two)[0].buyer_id)
        weighed = Weighed(BY_HAND, (Evidence("BY_HAND", BY_HAND),), ends)
        merge = book.join(one, two, weighed, at=self.at)
        return self._decided(book, replace(merge, actor=self.actor, reason=reason))

    def accept(self, merge_id: str, reason: str) -> Merge:
        """SUGGESTED → MERGED; or raise `MergeNotFoundError`, `MergeNotInStateError`."""
        book, merge = self._open(merge_id, "AcceptMerge", MergeState.SUGGESTED)
        stands = book.stand(replace(merge, actor=self.actor, reason=reason), at=self.at)
        return self._decided(book, stands)

    def dismiss(self, merge_id: str, reason: str) -> Merge:
        """SUGGESTED → DISMISSED; or raise `MergeNotFoundError`, `MergeNotInStateError`."""
        book, merge = self._open(merge_id, "DismissMerge", MergeState.SUGGESTED)
        decided = replace(merge, actor=self.actor, reason=reason)
        return self._decided(book, book.end(decided, MergeState.DISMISSED, at=self.at))

    def undo(self, merge_id: str, reason: str) -> Merge:
        """MERGED → UNDONE; or raise `MergeNotFoundError`, `MergeNotInStateError`."""
        book, merge = self._open(merge_id, "UndoMerge", MergeState.MERGED)
        parted = book.part(merge, MergeState.UNDONE, at=self.at, actor=self.actor, reason=reason)
        return self._decided(book, parted)

    def _open(self, merge_id: str, act: str, needed: MergeState) -> tuple[Book, Merge]:
        self.unit.lock_people(wait=True)
        book = self.unit.open_book(self.unit.merge_ends(merge_id), ())
        merge = book.merges[merge_id]
        if merge.state is not needed:
            raise MergeNotInStateError(merge=merge_id, state=merge.state.value, act=act)
        return book, merge

    def _decided(self, book: Book, merge: Merge) -> Merge:
        book.merges[merge.merge_id] = merge
        self.unit.save_book(book)
        return merge

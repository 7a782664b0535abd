"""Decides who is the same person, when something new is known of a buyer.

1. What joined people by itself is looked at again: a phone that turns out to be a family's takes
   its merges back, before anything new is built on them.
2. Everybody with a mark in common is weighed, the most certain first: joined, suggested, or left.
   Whom a person parted stays parted.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from service.domain.customers.book import Book
from service.domain.customers.identity import PROVING, Identity
from service.domain.customers.people import Buyer, MergeState, buyer_id_of, origin_of
from service.domain.customers.scoring import KEEP_FROM, MERGE_FROM, SUGGEST_FROM, Weighed

# Joining may bring marks of the one to the other; nobody has more customers to join than that.
ROUNDS_MOST: Final = 20


def see(
    book: Book,
    *,
    key: str,
    order_id: str,
    place: tuple[str, str],
    placed_at: datetime,
) -> Buyer:
    """Return the buyer of an order, a new one where it is the first that comes of it."""
    buyer_id = buyer_id_of(key, order_id)
    known = book.buyers.get(buyer_id)
    if known is None:
        channel, shop = place
        known = Buyer(buyer_id, origin_of(buyer_id), channel, placed_at, key, shop)
        book.keep(known)
    return known


def count(book: Book, buyer_id: str, marks: Iterable[Identity], by: int) -> None:
    """Count marks of one order more, or less where the order told others before."""
    buyer = book.buyers[buyer_id]
    counted = dict(buyer.marks)
    for mark in marks:
        counted[mark] = counted.get(mark, 0) + by
    kept = {mark: n for mark, n in counted.items() if n > 0}
    if kept != buyer.marks:
        book.keep(replace(buyer, marks=kept))


def settle(book: Book, buyer_id: str, *, at: datetime) -> set[str]:
    """Join, suggest and take back what the marks of a buyer say; return who must be looked at."""
    torn = _look_again(book, book.buyers[buyer_id].marks, at=at)
    for _ in range(ROUNDS_MOST):
        if not _join_one(book, buyer_id, at=at):
            break
    _suggest(book, buyer_id, at=at)
    return torn - {buyer_id}


def _look_again(book: Book, marks: Iterable[Identity], *, at: datetime) -> set[str]:
    """Withdraw merges that would not be made today; return the buyers that came loose."""
    torn: set[str] = set()
    for merge in book.standing_on([each for each in marks if each.kind in PROVING]):
        weighed = book.reweigh(merge)
        if weighed is None or weighed.score < KEEP_FROM:
            one, other = book.sides(merge)
            torn |= min(one, other, key=len)
            book.part(merge, MergeState.WITHDRAWN, at=at, reason="EVIDENCE_CHANGED")
    return torn


def _join_one(book: Book, buyer_id: str, *, at: datetime) -> bool:
    own = book.buyers[buyer_id].customer_id
    best: tuple[Weighed, str] | None = None
    for each in book.strangers(buyer_id):
        weighed = book.weigh(own, each)
        if weighed is None or weighed.score < MERGE_FROM or book.parted(own, each):
            continue
        if best is None or weighed.score > best[0].score:
            best = (weighed, each)
    if best is None:
        return False
    book.join(own, best[1], best[0], at=at)
    return True


def _suggest(book: Book, buyer_id: str, *, at: datetime) -> None:
    own = book.buyers[buyer_id].customer_id
    for each in book.strangers(buyer_id):
        weighed = book.weigh(own, each)
        standing = [x for x in book.between(own, each) if x.state is MergeState.SUGGESTED]
        if weighed is not None and weighed.score >= SUGGEST_FROM:
            if not book.parted(own, each):
                book.suggest(own, each, weighed, at=at)
            continue
        for merge in standing:
            book.end(merge, MergeState.OBSOLETE, at=at)

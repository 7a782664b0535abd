"""The book of people, as far as one decision needs it: buyers, who they belong to, and why.

Whoever makes one loads buyers with everybody who has a mark in common with them, and the whole
customer of each. What a decision changes is in `changed_buyers`, `changed_merges`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from service.domain.customers.identity import PROVING, Identity, IdentityKind
from service.domain.customers.people import (
    PARTED,
    SYSTEM,
    Buyer,
    Merge,
    MergeState,
    merge_id_of,
)
from service.domain.customers.scoring import Weighed, shared, weigh


def leads(marks: Collection[Identity]) -> list[Identity]:
    """Return the marks that lead to others: namesakes only for who is known to live somewhere."""
    told = [each for each in marks if not each.is_masked]
    if any(each.kind is IdentityKind.ADDRESS for each in told):
        return told
    return [each for each in told if each.kind in PROVING]


@dataclass(slots=True)
class Book:
    """Buyers and merges; `crowded` are marks that so many have that they say nothing."""

    buyers: dict[str, Buyer]
    merges: dict[str, Merge]
    crowded: frozenset[Identity] = frozenset()
    changed_buyers: set[str] = field(default_factory=set)
    changed_merges: set[str] = field(default_factory=set)
    # Buyers who belonged to another customer when the book was opened, or on the way.
    moved_buyers: set[str] = field(default_factory=set)
    _bearers: dict[Identity, set[str]] = field(default_factory=lambda: defaultdict(set))
    _members: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _edges: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        for buyer in self.buyers.values():
            self._enter(buyer)
        for merge in self.merges.values():
            for end in merge.buyers:
                self._edges[end].add(merge.merge_id)

    def keep(self, buyer: Buyer) -> None:
        """Take a new buyer, or what it has become."""
        known = self.buyers.get(buyer.buyer_id)
        if known is not None:
            for mark in known.marks:
                self._bearers[mark].discard(buyer.buyer_id)
            self._members[known.customer_id].discard(buyer.buyer_id)
            if known.customer_id != buyer.customer_id:
                self.moved_buyers.add(buyer.buyer_id)
        self.buyers[buyer.buyer_id] = buyer
        self.changed_buyers.add(buyer.buyer_id)
        self._enter(buyer)

    def customer(self, customer_id: str) -> list[Buyer]:
        """Return the buyers that are this customer."""
        return [self.buyers[each] for each in sorted(self._members[customer_id])]

    def strangers(self, buyer_id: str) -> list[str]:
        """Return other customers who have a mark in common with this buyer."""
        own = self.buyers[buyer_id]
        found = {
            self.buyers[each].customer_id
            for mark in leads(own.marks)
            if mark not in self.crowded
            for each in self._bearers[mark]
        }
        return sorted(found - {own.customer_id})

    def weigh(self, left: str, right: str) -> Weighed | None:
        """Return how certain it is that two customers are one."""
        return weigh(self.customer(left), self.customer(right), self.is_shared)

    def reweigh(self, merge: Merge) -> Weighed | None:
        """Return how certain a standing merge would be today, of its two sides alone."""
        one, other = self.sides(merge)
        return weigh(
            [self.buyers[each] for each in sorted(one)],
            [self.buyers[each] for each in sorted(other)],
            self.is_shared,
        )

    def is_shared(self, mark: Identity) -> bool:
        """Tell whether several people have this mark."""
        if mark in self.crowded:
            return True
        return shared(mark, [self.buyers[each] for each in sorted(self._bearers[mark])])

    def between(self, left: str, right: str) -> list[Merge]:
        """Return all merges, whatever became of them, of buyers of two customers."""
        one, other = self._members[left], self._members[right]
        return [
            self.merges[each]
            for each in sorted({edge for buyer in one for edge in self._edges[buyer]})
            if not other.isdisjoint(self.merges[each].buyers)
        ]

    def parted(self, left: str, right: str) -> bool:
        """Tell whether a person said that these are two."""
        return any(each.state in PARTED for each in self.between(left, right))

    def standing_on(self, marks: Iterable[Identity]) -> list[Merge]:
        """Return standing merges that nobody but evidence decided, among who has these marks."""
        bearers = {
            each for mark in marks if mark.kind in PROVING for each in self._bearers.get(mark, ())
        }
        found = sorted({edge for buyer in bearers for edge in self._edges[buyer]})
        merges = (self.merges[each] for each in found)
        return [each for each in merges if each.stands and each.is_automatic]

    def suggest(self, left: str, right: str, weighed: Weighed, *, at: datetime) -> Merge:
        """Write down that two may be one, or how certain that is by now."""
        known = next(
            (x for x in self.between(left, right) if x.state is MergeState.SUGGESTED), None
        )
        if known is None:
            known = self._new(left, right, weighed, MergeState.SUGGESTED, at=at)
        elif (known.score, known.evidence) == (weighed.score, weighed.evidence):
            return known
        return self._put(replace(known, score=weighed.score, evidence=weighed.evidence))

    def join(self, left: str, right: str, weighed: Weighed, *, at: datetime) -> Merge:
        """Make two customers one."""
        merge = self._new(left, right, weighed, MergeState.MERGED, at=at)
        return self.stand(merge, at=at)

    def stand(self, merge: Merge, *, at: datetime) -> Merge:
        """Let a merge hold its two sides together; whatever else was suggested of them is settled.

        A second one between the same sides would make a ring of the forest.
        """
        left, right = (self.buyers[each].customer_id for each in merge.buyers)
        for each in self.between(left, right):
            if each.state is MergeState.SUGGESTED and each.merge_id != merge.merge_id:
                self.end(each, MergeState.OBSOLETE, at=at)
        kept = self._put(replace(merge, state=MergeState.MERGED, state_at=at))
        self._rename(self._component(merge.buyers[0]))
        return kept

    def part(
        self,
        merge: Merge,
        state: MergeState,
        *,
        at: datetime,
        actor: str = SYSTEM,
        reason: str = "",
    ) -> Merge:
        """Take a merge back: who hangs together by others stays together."""
        sides = self.sides(merge)
        kept = self._put(replace(merge, state=state, state_at=at, actor=actor, reason=reason))
        for side in sides:
            self._rename(side)
        return kept

    def sides(self, merge: Merge) -> tuple[set[str], set[str]]:
        """Return the buyers on each side of a merge."""
        one, other = merge.buyers
        return self._component(one, merge.merge_id), self._component(other, merge.merge_id)

    def end(self, merge: Merge, state: MergeState, *, at: datetime) -> Merge:
        """Write down that a suggestion is none any more."""
        return self._put(replace(merge, state=state, state_at=at))

    def _new(
        self, left: str, right: str, weighed: Weighed, state: MergeState, *, at: datetime
    ) -> Merge:
        sides: Mapping[str, str] = {left: weighed.buyers[0], right: weighed.buyers[1]}
        stays = min(left, right, key=self._seniority)
        goes = right if stays == left else left
        buyers = (sides[stays], sides[goes])
        number = sum(
            set(self.merges[each].buyers) == set(buyers) for each in self._edges[buyers[0]]
        )
        return Merge(
            merge_id=merge_id_of(buyers, number),
            state=state,
            buyers=buyers,
            survivor=stays,
            absorbed=goes,
            score=weighed.score,
            evidence=weighed.evidence,
            actor=SYSTEM,
            created_at=at,
            state_at=at,
        )

    def _seniority(self, customer_id: str) -> tuple[datetime, str]:
        return min(each.seniority for each in self.customer(customer_id))

    def _put(self, merge: Merge) -> Merge:
        self.merges[merge.merge_id] = merge
        self.changed_merges.add(merge.merge_id)
        for end in merge.buyers:
            self._edges[end].add(merge.merge_id)
        return merge

    def _enter(self, buyer: Buyer) -> None:
        for mark in buyer.marks:
            if not mark.is_masked:
                self._bearers[mark].add(buyer.buyer_id)
        self._members[buyer.customer_id].add(buyer.buyer_id)

    def _component(self, buyer_id: str, without: str = "") -> set[str]:
        """Return who hangs together with a buyer by standing merges."""
        found, waiting = {buyer_id}, [buyer_id]
        while waiting:
            for edge in self._edges[waiting.pop()]:
                merge = self.merges[edge]
                if merge.stands and edge != without:
                    fresh = set(merge.buyers) - found
                    found |= fresh
                    waiting += fresh
        return found

    def _rename(self, component: set[str]) -> None:
        """Give a component the id of the origin that was seen first."""
        buyers = [self.buyers[each] for each in sorted(component)]
        _, customer_id = min(each.seniority for each in buyers)
        for each in buyers:
            if each.customer_id != customer_id:
                self.keep(replace(each, customer_id=customer_id))

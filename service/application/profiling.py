"""Tells what orders change of customers' profiles, and whether the streams have it right.

Works behind the decisions, in the clockwork, one at a time in the whole installation:

1. Take the lock of profiles; who does not get it leaves it to who has it.
2. Read orders that changed, and what was told of them last; publish the difference.
3. Store what was told, and take them off the queue. If we crash before the commit, nothing
   happened.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from service.application.looking_again import pause_s
from service.application.outbox import Stream
from service.application.ports import Clock, Message, Storage, Unit
from service.domain.customers.profiles import Profile, ProfileChange, changes, day_of

# Orders in one transaction: a tenth of a second on a busy machine.
CLAIM_MOST: Final = 500
# Customers that are compared at a time.
PAGE: Final = 500
DIFFERENCES_MOST: Final = 100


class ProfileEncoder(Protocol):
    """Turns changes of profiles into the bytes that are published."""

    def profile_event(self, change: ProfileChange, n: int, *, at: datetime) -> bytes:
        """Encode what changed of a customer's profile."""


@dataclass(frozen=True, slots=True)
class Profiling:
    """Works off the queue of orders that may count otherwise by now."""

    storage: Storage
    encoder: ProfileEncoder
    clock: Clock

    def tell(self) -> int:
        """Tell what orders that wait changed; return how many there were."""

        def work(unit: Unit) -> int:
            if not unit.lock_profiles():
                return 0
            queued = unit.queued_profiles(most=CLAIM_MOST)
            if queued:
                self._tell(unit, sorted(set(queued.values())))
                unit.unqueue_profiles(list(queued))
            return len(queued)

        return self.storage.transact(work)

    def _tell(self, unit: Unit, order_ids: Sequence[str]) -> None:
        now = self.clock()
        counted = unit.counted_orders(order_ids)
        told = changes((each.told, each.bought) for each in counted)
        counts = Counter(each.customer_id for each in told)
        following = unit.numbers(Stream.PROFILES, counts) if counts else {}
        messages = []
        for change in told:
            key = change.customer_id
            n = following[key]
            following[key] = n + 1
            payload = self.encoder.profile_event(change, n, at=now)
            event_id = f"{key}:{n}"
            messages.append(Message(Stream.PROFILES, key, n, payload, event_id, key, now, ""))
        unit.keep_told(counted)
        unit.keep_profile_events(messages)
        unit.publish(messages)


class ProfileView(Protocol):
    """The profiles that the streams keep. Every call may raise `ViewIncompleteError`."""

    def read(self, customers: Sequence[str]) -> Mapping[str, tuple[int, Profile]]:
        """Return profiles with the number of the last change in each; nothing for who has none."""

    def names(self) -> Iterator[list[str]]:
        """Iterate over all customers who have a profile."""


class CountedProfiles(Protocol):
    """Profiles as the orders say."""

    def after(self, customer_id: str, *, most: int) -> list[str]:
        """Return customers by name, from behind this one."""

    def count(self, customers: Sequence[str]) -> Mapping[str, Profile]:
        """Return what the orders of these customers come to."""


@dataclass(frozen=True, slots=True)
class ProfileDifference:
    """A customer of whom the streams and the orders say different things."""

    customer_id: str
    view: Profile
    orders: Profile


@dataclass(frozen=True, slots=True)
class ProfilesVerified:
    """What a comparison found."""

    customers: int
    differences: tuple[ProfileDifference, ...]
    today: int


@dataclass(frozen=True, slots=True)
class ProfileVerifier:
    """Compares the streams' profiles with the orders."""

    view: ProfileView
    counted: CountedProfiles
    clock: Clock
    sleep: Callable[[float], None]

    def verify(self, wait_s: float) -> ProfilesVerified:
        """Compare all; who differs is looked at again until the time is over.

        Raises:
            ViewIncompleteError: the view cannot be read.
        """
        began = self.clock()
        until = began + timedelta(seconds=wait_s)
        many, found = self._compare_all()
        while found and (looked := self.clock()) < until:
            self.sleep(pause_s(began, looked, until))
            began = self.clock()
            suspects = sorted(found)
            found = {}
            for start in range(0, len(suspects), PAGE):
                found |= self._compare(suspects[start : start + PAGE])
        differences = tuple(found[each] for each in sorted(found))
        return ProfilesVerified(many, differences, day_of(self.clock()))

    def _compare_all(self) -> tuple[int, dict[str, ProfileDifference]]:
        many, last = 0, ""
        found: dict[str, ProfileDifference] = {}
        while page := self.counted.after(last, most=PAGE):
            many, last = many + len(page), page[-1]
            found |= self._compare(page)
        # Who is in the view and no customer any more has no orders, and must have no profile.
        for names in self.view.names():
            found |= self._compare(names)
        return many, found

    def _compare(self, customers: Sequence[str]) -> dict[str, ProfileDifference]:
        today = day_of(self.clock())
        counted, viewed = self.counted.count(customers), self.view.read(customers)
        found = {}
        for each in customers:
            orders = counted.get(each, Profile()).as_of(today)
            _, view = viewed.get(each, (0, Profile()))
            if orders != view.as_of(today):
                found[each] = ProfileDifference(each, view, orders)
        return found

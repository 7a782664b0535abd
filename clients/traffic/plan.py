"""A run of made-up traffic: orders laid out in time, told as messages in order of arrival.

Orders are laid out by the time at which they ship, one every 1/rate seconds, and begin as much
earlier as their course is long. Were they laid out by their beginning, any view of the last
minutes would hold the fast orders and miss the slow ones that are still on their way, and its
means would lie below the table. This way every stretch of time shows whole decks, also the first.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from clients.traffic.article import SECOND_US, Course, courses, longest_us
from clients.traffic.dice import Dice
from clients.traffic.purchases import purchase
from clients.traffic.stories import (
    AFTER_SHIPPING_US,
    BESIDE,
    NO_FAULTS,
    Faults,
    Happening,
    Told,
    as_in_the_article,
)
from clients.traffic.wording import Message, event_id, order_name, worded

# Networks: what every message takes when faults are on, and what a late or second one takes.
TRANSPORT_US: Final = 400_000
LATE_US: Final = 60 * SECOND_US
AGAIN_US: Final = 30 * SECOND_US

# Orders beside the article's are numbered from here, so that numbers stay nine digits.
BESIDE_FROM: Final = 500_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides a run. Two runs of equal plans send the same bytes."""

    seed: int
    start_us: int
    rate: float
    orders: int | None = None
    faults: Faults = NO_FAULTS

    @property
    def run(self) -> str:
        """The run's name: part of every id, so that runs of other times are other orders."""
        return Dice("run", self.seed, self.start_us, self.rate).word("name")[:10]

    @property
    def span_us(self) -> int | None:
        """From the start, the time after which nothing more arrives."""
        if self.orders is None:
            return None
        faults_us = LATE_US + AGAIN_US + TRANSPORT_US if self.faults != NO_FAULTS else 0
        return self._ships_after_us(self.orders) + AFTER_SHIPPING_US + faults_us

    def messages(self) -> Iterator[Message]:
        """Tell the run in order of arrival; without an end if the number of orders is open."""
        drafts: list[tuple[int, int, Course]] = []
        waiting: list[tuple[int, int, int, Message]] = []
        longest = longest_us(self.orders)
        for number, course in enumerate(courses(self.seed, self.orders)):
            ships_us = self.start_us + self._ships_after_us(number)
            placed_us = ships_us - sum(dwell.us for dwell in course)
            heapq.heappush(drafts, (placed_us, number, course))
            # No later order is placed before this.
            yield from self._release(drafts, waiting, ships_us - longest)
        yield from self._release(drafts, waiting, None)

    def _ships_after_us(self, number: int) -> int:
        return int(number * SECOND_US / self.rate)

    def _release(
        self,
        drafts: list[tuple[int, int, Course]],
        waiting: list[tuple[int, int, int, Message]],
        until_us: int | None,
    ) -> Iterator[Message]:
        while drafts or waiting:
            drafted = bool(drafts) and (not waiting or drafts[0][0] <= waiting[0][0])
            next_us = drafts[0][0] if drafted else waiting[0][0]
            if until_us is not None and next_us > until_us:
                return
            if not drafted:
                yield heapq.heappop(waiting)[-1]
                continue
            placed_us, number, course = heapq.heappop(drafts)
            for place, message in enumerate(self._told(placed_us, number, course)):
                heapq.heappush(waiting, (message.arrives_us, number, place, message))

    def _told(self, placed_us: int, number: int, course: Course) -> Iterator[Message]:
        dice = Dice(self.seed, "story", number)
        order = purchase(self.run, self.seed, number)
        yield from self._sent(as_in_the_article(order, placed_us, course, dice, self.faults))
        for story, share in self.faults.beside.items():
            if dice.happens(story, share):
                other = purchase(self.run, self.seed, BESIDE_FROM + number)
                yield from self._sent(BESIDE[story](other, placed_us))
                return

    def _sent(self, told: Told) -> Iterator[Message]:
        for place, happening in enumerate(told.happenings):
            yield from self._carried(told, place, happening)

    def _carried(self, told: Told, place: int, happening: Happening) -> Iterator[Message]:
        """Carry one happening over the network: at once, or late, twice, and told again."""
        order, faults = told.purchase, self.faults
        first = self._message(told, place, happening, again=False, arrives_us=happening.at_us)
        if faults == NO_FAULTS:
            yield first
            return
        dice = Dice(self.seed, "network", order.number, place)
        late = dice.happens("late", faults.late)
        within_us = LATE_US if late else TRANSPORT_US
        arrives_us = happening.at_us + dice.number("transport", within_us)
        yield self._message(told, place, happening, again=False, arrives_us=arrives_us)
        again_us = arrives_us + dice.number("again", AGAIN_US)
        if dice.happens("repeated", faults.repeated):
            yield self._message(told, place, happening, again=False, arrives_us=again_us)
        if dice.happens("retold", faults.retold):
            yield self._message(told, place, happening, again=True, arrives_us=again_us)

    def _message(
        self, told: Told, place: int, happening: Happening, *, again: bool, arrives_us: int
    ) -> Message:
        order = told.purchase
        name = (self.run, order.number, place, *(["again"] if again else []))
        channel = "" if happening.by_merchant_number else order.channel
        return Message(
            arrives_us=arrives_us,
            source=happening.source,
            message_id="-".join(map(str, name)),
            body=worded(order, happening, told_as=event_id(*name)),
            channel=channel,
            order_hint=order_name(order, happening)[1],
        )

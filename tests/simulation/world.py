"""One small world under one seed: parties, callers, storage, relays, broker, readers and clock.

A step is one thing that one of them does. Faults last for as long as the steps do; then storage
and broker are well, everybody finishes what was begun, and every invariant must hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final

from service.application.intake import Applied, Intake, Reading
from service.application.outbox import Stream
from service.application.ports import NewReceipt
from service.domain.errors import OutageError
from service.domain.lifecycle import Action, State
from service.domain.terms import Remedy, Route, Terms
from service.kafka.topics import NAMES
from tests.fake_clock import FakeClock
from tests.simulation import ending
from tests.simulation.asking import Asking
from tests.simulation.broker import MemoryBroker, Record
from tests.simulation.callers import Callers
from tests.simulation.chance import Chance, Weighted
from tests.simulation.clockwork import Askers, Clockwork
from tests.simulation.consumers import Consumer, Guarded
from tests.simulation.encoding import TellingEncoder
from tests.simulation.faults import FaultyStorage, ProcessDiedError
from tests.simulation.outbox import MemoryOutbox
from tests.simulation.parties import CHANNELS, PROVIDERS, SKUS, Parties, a_plan
from tests.simulation.relaying import Relays
from tests.simulation.watch import BrokenInvariantError, Watch, hold
from tests.simulation.windows import StageWindows

STEPS: Final = 500
HISTORY_SHOWN: Final = 40
# What rest there is when faults are over is done in far fewer rounds.
ROUNDS_MOST: Final = 60
JUMPS: Final = (1, 5, 20, 60, 300, 900)
LEAPS: Final = (3_600, 7_200, 43_200, 3 * 86_400)


@dataclass(frozen=True, slots=True)
class Broken:
    """Which rule is broken, for the tests of whether that is found out."""

    storage: type[FaultyStorage] = FaultyStorage
    marks_first: bool = False
    ignores_prefix: bool = False
    unguarded: bool = False
    forgets_ids: bool = False


class World:
    """Everything of one seed."""

    def __init__(self, seed: int, broken: Broken | None = None) -> None:
        broken = broken or Broken()
        self.seed = seed
        chance = self.chance = Chance(seed)
        self.clock = FakeClock()
        self.steps = 0
        self.seen: dict[str, int] = {}
        # What happened, and at which step: put into words when somebody asks.
        self._told: list[tuple[int, str]] = []
        self._heads = b""
        self._is_inside = False
        plans = [a_plan(number, chance, self.clock()) for number in range(3 + chance.below(4))]
        self.terms = a_set_of_terms(chance)
        self.storage = broken.storage(
            self.clock, chance, meanwhile=self._meanwhile, committed=self._committed,
            noted=self._count,
        )  # fmt: skip
        tables = self.tables = self.storage.tables
        self.watch = Watch(tables)
        encoder = self.encoder = TellingEncoder()
        self.parties = Parties(plans, chance)
        self.intake = Intake(self.storage, encoder, self.clock, self.terms)
        self.callers = Callers(self.storage, self.clock, chance, forget_ids=broken.forgets_ids)
        self.asking = Asking(tables, self.callers, chance, encoder, self.terms, plans)
        self.clockwork = Clockwork(
            self.storage, encoder, self.clock, chance, self.terms, self._meanwhile
        )
        self.askers = Askers(
            self.clockwork.probing, self.intake, self.storage, self.clock, chance, self.parties
        )
        self.broker = MemoryBroker()
        self.outbox = MemoryOutbox(tables, self.clock)
        self.relays = Relays(
            self.outbox, self.broker, self.clock, chance,
            marks_first=broken.marks_first, ignores_prefix=broken.ignores_prefix,
        )  # fmt: skip
        self.guards = {
            stream: Guarded(stream, is_off=broken.unguarded)
            for stream in (Stream.ORDERS, Stream.CUSTOMERS, Stream.CASES)
        }
        self.windows = StageWindows(tables, encoder.told, chance, lambda: self.storage.is_faulty)
        self.accepted: list[str] = []
        self.unsent: list[NewReceipt] = []
        self.consumers = self._make_consumers()
        self._actions = self._make_actions()

    def _make_consumers(self) -> list[Consumer]:
        guarded = [
            Consumer(f"{each.stream.value} guard", each.topic, self.broker, each.take, each.forget)
            for each in self.guards.values()
        ]
        orders, windows = NAMES[Stream.ORDERS], self.windows
        return [
            Consumer("intake", NAMES[Stream.RECEIPTS], self.broker, self._read, chunk_most=4),
            *guarded,
            Consumer("stages", orders, self.broker, windows.take, windows.forget, chunk_most=8),
        ]

    def _make_actions(self) -> Weighted[Callable[[], str]]:
        return Weighted(
            {
                self.hear: 2.0,
                self.asking.ask: 2.4,
                self.callers.ask_again: 1.0,
                self.relays.turn: 42.0,
                self.relays.turn_of_zombie: 2.0,
                self.relays.die: 0.4,
                self.relays.lose_locks: 0.4,
                self.relays.look_at_broker: 1.0,
                self.consume: 32.0,
                self.rewind: 0.6,
                self.lose_broker: 0.1,
                self.lose_sight_of_broker: 0.2,
                self.askers.claim: 1.5,
                self.askers.answer: 2.5,
                self.run_probes: 0.2,
                self.clockwork.step: 1.8,
                self.pass_time: 4.0,
                self.mend: 0.2,
            }
        )

    # What may happen.

    def run(self, steps: int = STEPS) -> None:
        """Live through so many steps, come to rest, and look at everything.

        Raises:
            BrokenInvariantError: something that must hold did not.
        """
        self.relays.look_at_broker()
        if self.chance.happens(0.7):
            # Somebody keeps stock here.
            for sku in SKUS:
                self._note(self.asking.stock(sku, counts=True))
        while self.steps < steps:
            self.step()
        self.come_to_rest()
        self.look_at_everything()
        self._heads = b"".join(each.chain_head for each in self.tables.orders.values())

    def step(self) -> None:
        """Let one thing happen."""
        told = ""
        while not told:
            action = self._actions.draw(self.chance)
            try:
                told = action()
            except (OutageError, ProcessDiedError) as error:
                told = f"{_name(action)}: {type(error).__name__}"
        self.steps += 1
        self._note(told)

    def _note(self, told: str) -> None:
        self._told.append((self.steps, told))

    @property
    def whole_history(self) -> list[str]:
        """What happened."""
        return [f"{step:>4} {told}" for step, told in self._told]

    @property
    def history(self) -> list[str]:
        """What happened last."""
        return self.whole_history[-HISTORY_SHOWN:]

    @property
    def digest(self) -> str:
        """Names the whole history: the same history has the same, another one another."""
        told = "".join(told for _, told in self._told)
        return sha256(told.encode() + self._heads).hexdigest()

    def hear(self) -> str:
        """Take receipts; a sender who gets no answer sends them again."""
        receipts = [self.parties.say(self.clock()) for _ in range(1 + self.chance.below(2))]
        if self.unsent and self.chance.happens(0.5):
            receipts, self.unsent = self.unsent[:3], self.unsent[3:]
        return self._submit(receipts)

    def _submit(self, receipts: Sequence[NewReceipt]) -> str:
        try:
            answers = self.intake.submit(receipts)
        except (OutageError, ProcessDiedError):
            self.unsent += receipts
            raise
        self.accepted += [each.receipt_id for each in answers]
        return f"receipts {[int(each.body) for each in receipts]}"

    def _read(self, _partition: int, chunk: Sequence[tuple[int, Record]]) -> None:
        told = [self.encoder.told[record.payload] for _, record in chunk]
        readings = []
        for receipt_id, receipt in filter(None, told):
            facts, rejection = self.parties.read(receipt)
            readings.append(Reading(receipt_id, facts, rejection))
        applied = self.intake.apply(readings) if readings else []
        for each in applied:
            self._note_outcome(each)

    def _note_outcome(self, applied: Applied) -> None:
        hold("I13", applied.outcome is not None, f"{applied.receipt_id} is not known")
        for _, outcome in applied.facts:
            self._count(f"fact {outcome.value}")
        if applied.outcome is not None:
            self._count(f"receipt {applied.outcome.value}")

    def consume(self) -> str:
        """Let somebody read."""
        consumer = self.chance.one_of(self.consumers)
        return consumer.step(self.chance, len(self.outbox.lives))

    def rewind(self) -> str:
        """Let somebody read again."""
        return self.chance.one_of(self.consumers).rewind(self.chance)

    def lose_broker(self) -> str:
        """Empty the broker."""
        self.broker.lose_everything()
        return "the broker loses everything"

    def lose_sight_of_broker(self) -> str:
        """Let the broker be away, or back again."""
        self.broker.is_away = not self.broker.is_away
        return f"the broker is {'away' if self.broker.is_away else 'back'}"

    def run_probes(self) -> str:
        """Ask providers about an order at once."""
        orders = list(self.tables.orders)
        name = self.chance.one_of(orders) if orders and self.chance.happens(0.9) else "ord-unknown"
        return self.askers.run(name)

    def pass_time(self) -> str:
        """Move the clock on."""
        seconds = self.chance.one_of(LEAPS if self.chance.happens(0.04) else JUMPS)
        self.clock.pass_time(timedelta(seconds=seconds))
        return f"{seconds} s pass"

    def mend(self) -> str:
        """Mend the templates, and have receipts that were rejected read again."""
        self.parties.is_readable = True
        return f"{self.intake.retry((), '', waiting=False)} receipts are read again"

    def reached(self) -> Counter[str]:
        """Return what this world came through, by name."""
        found = Counter(self.seen)
        for refusals in (self.callers.refusals, self.askers.refusals):
            found.update({f"refusal {reason}": count for reason, count in refusals.items()})
        found.update(f"move {_move(*each)}" for each in self.watch.moves)
        found.update(f"case {each.type}" for each in self.tables.cases.values())
        found.update(
            {
                "broker lost": len(self.outbox.lives) - 1,
                "repeat dropped": sum(each.repeats for each in self.guards.values()),
                "gap left alone": sum(each.gaps for each in self.guards.values()),
                "relay replaced": self.outbox.owner,
                "order": len(self.tables.orders),
                "journal row": len(self.tables.journal),
                "message": len(self.tables.outbox),
            }
        )
        return found

    def _meanwhile(self) -> None:
        """Let somebody else go first; what he begins is not interrupted again."""
        if self._is_inside or not self.storage.is_faulty:
            return
        self._is_inside, self.storage.is_faulty = True, False
        try:
            told = self.asking.ask() if self.chance.happens(0.6) else self.hear()
            self._note(f"meanwhile {told}")
        finally:
            self._is_inside, self.storage.is_faulty = False, True

    def _committed(self) -> None:
        self.watch.committed()

    def _count(self, what: str) -> None:
        self.seen[what] = self.seen.get(what, 0) + 1

    # When faults are over.

    def come_to_rest(self) -> None:
        """Let everybody finish what was begun; whoever cannot is stuck."""
        self.storage.is_faulty = self.relays.is_faulty = False
        self.broker.is_away = False
        self.parties.is_readable = True
        self._note("faults are over")
        for _ in range(ROUNDS_MOST):
            self.relays.look_at_broker()
            if self._finish():
                return
            self.clock.pass_time(timedelta(seconds=90))
        waits = [each.name for each in self.consumers if not each.is_done]
        raise BrokenInvariantError("I7", f"it does not come to rest: {waits or 'work comes anew'}")

    def _finish(self) -> bool:
        before = self.storage.tables.outbox
        count = len(before)
        while self.unsent:
            self._submit([self.unsent.pop()])
        while self.callers.unanswered:
            self.callers.ask_again()
        self.askers.claimed.clear()
        self.intake.retry((), "", waiting=False)
        while any(map(self.clockwork.do, ("deadlines", "orphans"))):
            pass
        self.clockwork.do("stock")
        while not self.outbox.is_empty:
            self.relays.turn()
        for each in self.consumers:
            while each.step(self.chance, len(self.outbox.lives)):
                pass
        return len(before) == count and self.outbox.is_empty

    def look_at_everything(self) -> None:
        """Hold the world to every invariant."""
        tables = self.tables
        ending.check_receipts(tables, self.accepted)
        ending.check_calls(tables, self.callers, self.watch)
        ending.check_orders(tables, self.clock)
        ending.check_probes(tables, self.terms)
        ending.check_stock(tables)
        ending.check_published(self.watch, self.guards)
        for each in self.consumers[1:-1]:
            each.begin_anew()
            while each.step(self.chance, len(self.outbox.lives)):
                pass
        ending.check_published(self.watch, self.guards)
        self.windows.compare()
        if tables.orders:
            order = self.chance.one_of(list(tables.orders.values()))
            ending.check_confluence(order, tables, self.chance, self.terms)


def a_set_of_terms(chance: Chance) -> Terms:
    """Draw what an installation lets happen by itself."""
    routes = {
        channel: (Route(chance.one_of(PROVIDERS)),) for channel in CHANNELS if chance.happens(0.5)
    }
    remedies = list(Remedy)
    return Terms(
        paid_after_cancel=chance.one_of(remedies),
        duplicate_charge=chance.one_of([Remedy.CASE, Remedy.REFUND]),
        routes=routes,
    )


def _move(begin: State, action: Action, end: State) -> str:
    return f"{begin.value} {action.value} {end.value}"


def _name(action: Callable[[], str]) -> str:
    return getattr(action, "__name__", "?")

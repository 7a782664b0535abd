"""One run: blows under load, then liveness, then rest, then every check.

1. Start the stack, and load it.
2. Let the blows fall.
3. After the last one everything must answer again at once, and the load goes on until the events
   that were promised are in.
4. End the load; everything is decided, published, read and counted within a bounded time.
5. Compare all that is there with all that anybody was told.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Final

import psycopg2

from clients.sdk.errors import ConcordError, RefusalError
from concord.insights.v1.insight_service_pb2 import VerifyInsightsResponse
from tests.faults.chaos import judging
from tests.faults.chaos.blows_on_ours import BlowsOnOurs
from tests.faults.chaos.blows_on_servers import BlowsOnServers
from tests.faults.chaos.callers import Callers
from tests.faults.chaos.children import until
from tests.faults.chaos.clerk import Clerk, hot, make_hot_orders
from tests.faults.chaos.figures import Figures, commit
from tests.faults.chaos.injecting import Injector
from tests.faults.chaos.ledger import Answer, Command, Ledger, as_answer
from tests.faults.chaos.memory import MemorySampler
from tests.faults.chaos.reader import Reader
from tests.faults.chaos.refusals import tour
from tests.faults.chaos.schedule import schedule
from tests.faults.chaos.sending import Sender
from tests.faults.chaos.sizes import Size
from tests.faults.chaos.world import PARTITIONS, World
from tests.invariants import assert_clean

# Of everything that should take seconds; what the size promises is held to it afterwards.
WAITS_S: Final = 60.0
ANSWERED_SHARE_MIN: Final = 0.6
TRANSITIONS_SHARE_MIN: Final = 0.95
# Of all commands, so many are asked again at the end; each costs a few milliseconds.
ASKED_AGAIN_MAX: Final = 1_000
# Counting all events is work for the database, too.
COUNTED_EVERY_S: Final = 2.0
LOOKS_MAX: Final = 5
# Stage windows are compared by the service, which waits a minute for streams at most.
VERIFY_WAIT: Final = timedelta(seconds=20)
# Of windows that differ: enough to see whether some are missing or count otherwise.
DIFFERENCES_SHOWN: Final = 5


@dataclass
class Run:
    """A run in progress, and what it has come to."""

    has_desk: ClassVar[bool] = True

    size: Size
    seed: int
    world: World
    reader: Reader
    figures: Figures
    ledger: Ledger = field(default_factory=Ledger)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.callers = Callers(self.world, self.ledger)
        self.sender = Sender(
            self.callers, self.size, self.seed, int(time.time()), ahead=self._ahead
        )
        self.clerks = [Clerk(self.callers, n, self.seed) for n in range(self.size.clerks)]
        self.clerks.append(tour(self.callers, self.seed, has_desk=self.has_desk))
        self.memory = MemorySampler(self.world)
        strikes = {
            **BlowsOnOurs(self.world, self.size, self.callers.hang_up).by_kind,
            **BlowsOnServers(self.world, self.size, self.reader).by_kind,
        }
        self.injector = Injector(
            schedule(self.size, self.seed), strikes, seed=self.seed, lasts_s=self.size.faults_s
        )

    def _ahead(self) -> int:
        return len(self.ledger.receipts) - len(self.reader.outcomes)

    def go(self) -> None:
        """Do all of it; what is wrong is in `problems`."""
        make_hot_orders(self.callers, self.seed)
        self.memory.start()
        try:
            self._break_things()
            self._come_alive()
            self._load_on()
        finally:
            for each in (self.sender, *self.clerks):
                each.stop()
            self.memory.stop()
        self._come_to_rest()
        self._judge()
        self._hold_to_the_promise()
        self.callers.close()

    def _break_things(self) -> None:
        for each in (self.sender, *self.clerks):
            each.start()
        began = time.monotonic()
        self.injector.start()
        try:
            while not self.injector.is_done and not self._broken():
                self.world.over.wait(0.1)
        finally:
            self.injector.stop()
        self.figures.faults_s = time.monotonic() - began

    def _events(self) -> int:
        """Return how many events were committed, as soon as the database answers."""
        found: list[int] = []

        def count() -> bool:
            try:
                found.append(sum(judging.committed(self.world).values()))
            except psycopg2.OperationalError:
                return False
            return True

        until(count, "PostgreSQL answers", WAITS_S)
        return found[0]

    def _broken(self) -> list[BaseException]:
        """Return what ended a part of the harness: a defect, here or in what is tested."""
        found = [*self.injector.failed, *self.sender.failed, self.reader.failed]
        return [each for each in (*found, *(c.failed for c in self.clerks)) if each is not None]

    def _come_alive(self) -> None:
        """Wait until everything answers; longer than promised is told, much longer ends it."""
        until(self.world.is_alive, "services and relays are ready", WAITS_S)
        for number in range(len(self.world.services)):
            with self.world.client(number, timeout_s=5) as client:
                until(lambda c=client: _answers(c), "a service answers", WAITS_S)
        self.figures.alive_after_s = time.monotonic() - self.injector.last_at
        # Not before: of millions a count takes longer than all this may.
        self.figures.committed_under_faults = self._events()

    def _load_on(self) -> None:
        """Keep up the load until the promised events are in: a slow machine takes longer."""
        ends = time.monotonic() + self.size.load_on_within_s
        least = self.size.least_events
        while (began := time.monotonic()) < ends and not self._broken() and self._events() < least:
            # Of millions a count takes seconds, which are taken from the load.
            self.world.over.wait(max(COUNTED_EVERY_S, 9 * (time.monotonic() - began)))
        self.problems += [f"{type(each).__name__}: {each}" for each in self._broken()]

    def _come_to_rest(self) -> None:
        """Wait for each part to be done; what does not come is judged all the same."""
        rest: dict[str, float] = {}
        waits: tuple[tuple[str, Callable[[], bool]], ...] = (
            ("workers ready", lambda: all(each.is_ready() for each in self.world.workers)),
            ("all receipts decided", lambda: not self._rows(_WAITING)),
            ("outbox empty", lambda: not self._rows(_UNPUBLISHED)),
            ("all records read", lambda: judging.is_all_here(self.world, self.reader)),
        )
        for what, condition in waits:
            try:
                rest[what] = until(_slowly(condition), what, self.size.rest_within_s)
            except TimeoutError as error:
                self.problems.append(str(error))
        self.figures.rest = rest

    def _rows(self, query: str) -> list[tuple[object, ...]]:
        try:
            return list(self.world.rows(query))
        except psycopg2.OperationalError as error:
            return [(str(error),)]

    def _judge(self) -> None:
        world, ledger = self.world, self.ledger
        self._ask_again()
        self.problems += [
            *judging.receipts(world, ledger),
            *judging.orders(world, self.sender.stories),
            *judging.commands(world, ledger, self.clerks, hot=hot(self.seed, 0)[:-1]),
            *judging.journals(world),
            *self._unpublished(),
            *self._verified(),
            *self._invariants(),
            *judging.some("wrong answers", ledger.problems),
        ]
        self._fill_in()

    def _ask_again(self) -> None:
        """Ask commands again under their request ids, evenly from the whole run."""
        step = max(1, len(self.ledger.commands) // ASKED_AGAIN_MAX)
        asked = self.ledger.commands[::step]
        with self.world.client(0) as client:
            for command in asked:
                self.ledger.hold_to(command, _answer(client, command))
        self.figures.answers_compared = len(asked) + self.ledger.repeated_at_once

    def _unpublished(self) -> list[str]:
        """Return what a consumer lacks; a deadline that passed just now is given its time."""
        for _ in range(LOOKS_MAX):
            found = judging.published(self.world, self.reader)
            if not found:
                break
            self.world.over.wait(COUNTED_EVERY_S)
        return found

    def _verified(self) -> list[str]:
        """The service's own proofs: hash chains, and the streams' windows against the journal."""
        found = []
        with self.world.client(0) as client:
            chains = client.orders.verify_journal()
            if chains.problem:
                found.append(f"hash chain: {chains.problem} at {chains.first_bad}")
            began = time.monotonic()
            while True:
                try:
                    windows = client.insights.verify(wait=VERIFY_WAIT)
                    problem = differing(windows)
                except ConcordError as error:
                    problem = f"windows cannot be compared: {error}"
                if not problem or time.monotonic() - began > self.size.rest_within_s:
                    break
            self.figures.rest = {
                **self.figures.rest, "windows equal": time.monotonic() - began
            }  # fmt: skip
        return [*found, *([problem] if problem else [])]

    def _invariants(self) -> list[str]:
        """All that a database can tell by itself."""
        try:
            assert_clean(self.world.url)
        except AssertionError as error:
            return [str(error)]
        return []

    def _fill_in(self) -> None:
        figures, ledger, reader = self.figures, self.ledger, self.reader
        figures.struck, figures.missed = self.injector.struck, self.injector.missed
        figures.misses = self.injector.misses
        figures.calls_answered = ledger.answered.total()
        figures.calls_unanswered = ledger.unanswered.total()
        figures.receipts, figures.repeats = len(ledger.receipts), ledger.repeats_acknowledged
        refused = sum(bool(each.answer.refusal) for each in ledger.commands)
        figures.commands_refused = refused
        figures.commands_accepted = len(ledger.commands) - refused
        figures.committed = judging.committed(self.world)
        figures.records, figures.record_repeats = reader.records.total(), reader.repeats.total()
        figures.strays, figures.lives = reader.strays, len(reader.lives)
        figures.transitions = len(judging.transitions(self.world))
        figures.transitions_declared = len(judging.TRANSITIONS)
        figures.reasons = len(judging.REASONS & ledger.reasons.keys())
        figures.reasons_declared = len(judging.REASONS)
        figures.starts = {child.name: child.starts for child in self.world.children}
        figures.memory = self.memory.told() if self.size.samples_memory else ""

    def _hold_to_the_promise(self) -> None:
        """The run must have been what it says it is."""
        figures, size = self.figures, self.size
        never = [
            kind.value for kind, count in size.blows.items() if count and not figures.struck[kind]
        ]
        untold = sorted(judging.REASONS - self.ledger.reasons.keys())
        unmoved = sorted(judging.TRANSITIONS - judging.transitions(self.world))
        share = self.ledger.answered_share
        checks = (
            (not never, f"kinds that never struck: {never}"),
            (figures.faults >= size.least_faults, f"{figures.faults} faults"),
            (figures.events >= size.least_events, f"{figures.events} events"),
            (share >= ANSWERED_SHARE_MIN, f"{share:.0%} of the calls were answered"),
            (
                figures.alive_after_s <= size.alive_within_s,
                f"alive after {figures.alive_after_s:.1f} s",
            ),
            (not untold, f"reasons that were not reached: {untold}"),
            (
                figures.transitions >= TRANSITIONS_SHARE_MIN * figures.transitions_declared,
                f"moves that did not happen: {unmoved}",
            ),
        )
        self.problems += [text for is_kept, text in checks if not is_kept]
        if size.samples_memory:
            self.problems += self.memory.growing()


_WAITING: Final = "SELECT 1 FROM receipts WHERE outcome IS NULL LIMIT 1"
_UNPUBLISHED: Final = "SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT 1"


def _slowly(condition: Callable[[], bool]) -> Callable[[], bool]:
    """Return the condition, looked at twice a second: looking is work for the database, too."""
    due = 0.0

    def look() -> bool:
        nonlocal due
        now = time.monotonic()
        if now < due:
            return False
        held = condition()
        due = time.monotonic() + 0.5
        return held

    return look


def _answers(client: object) -> bool:
    try:
        client.orders.list_transitions()  # type: ignore[attr-defined]
        next(iter(client.orders.list(page_size=1)), None)  # type: ignore[attr-defined]
    except ConcordError:
        return False
    return True


def _answer(client: object, command: Command) -> Answer:
    try:
        return Answer(command.ask(client).SerializeToString(deterministic=True))
    except RefusalError as error:
        return as_answer(error)


def run(size: Size, seed: int, folder: Path) -> Figures:
    """Let a run of this size pass, and return its figures; fail with everything that is wrong."""
    figures, began = Figures(size, seed, commit()), time.monotonic()
    with ExitStack() as stack:
        world = stack.enter_context(World(folder, workers=size.workers))
        reader = stack.enter_context(Reader(world.servers.kafka_bootstrap, PARTITIONS))
        running = Run(size, seed, world, reader, figures)
        try:
            running.go()
        except BaseException as error:
            error.add_note(f"{figures.told()}\n{logs_of(world)}")
            raise
        logs = logs_of(world)
    figures.lasted_s = time.monotonic() - began
    figures.cpu_s = sum(map(_cpu_s, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
    print(f"\n{figures.told()}")  # noqa: T201  # A report is what a run is for.
    assert not running.problems, "\n".join((*running.problems, logs))
    return figures


def logs_of(world: World) -> str:
    """Return the end of what each process wrote."""
    return "\n".join(f"--- {child.name}\n{child.tail()}" for child in world.children)


def differing(windows: VerifyInsightsResponse) -> str:
    """Return how many windows differ from the journal, with the first of them; nothing if none."""
    if not windows.difference_count:
        return ""
    first = "\n".join(map(str, windows.differences[:DIFFERENCES_SHOWN]))
    return f"{windows.difference_count} of {windows.windows} windows differ, such as\n{first}"


def _cpu_s(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime

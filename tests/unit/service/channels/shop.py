"""A shop at a platform, and a connector that asks it, as the service plans it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from service.application.feed_register import FeedRegister
from service.application.feed_running import FeedClaims, FeedReports, RunClaim
from service.application.feed_watching import FeedWatch
from service.domain.channels.feeds import Feed, FeedLimits, FeedSchedule, Mode, begun
from service.domain.channels.incidents import Incident
from service.domain.channels.planning import PlatformTerms, Window
from service.domain.channels.runs import Purpose, Report, Result, Run, RunState, Seen
from service.domain.desk.notices import NoticeAsked
from service.domain.facts import OrderRef
from service.domain.journal import Origin
from service.kafka.encoding import ProtobufEncoder
from tests.fake_clock import FakeClock
from tests.fakes import FakeStorage, FakeUnit

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PLATFORM = "amazon"
TERMS = PlatformTerms(PLATFORM, lag=2 * MINUTE)
OPERATOR = Origin("li", "operations")

# What a connector makes of a window before it sends it.
Sends = Callable[[Window, datetime], Window]


def _moment(sold: tuple[datetime, OrderRef]) -> datetime:
    return sold[0]


def part_of(run: Run) -> Window:
    """Return what a run asks for next."""
    assert run.ask_end is not None
    return Window(run.ask_start, run.ask_end)


def rightly(window: Window, _now: datetime) -> Window:
    """Send what was asked for."""
    return window


@dataclass
class Shop:
    """One feed of one shop, with the connector that asks it."""

    begin: datetime = datetime(2025, 12, 1, tzinfo=UTC)
    interval: timedelta = 5 * MINUTE
    terms: PlatformTerms = TERMS
    sends: Sends = rightly
    limits: FeedLimits = field(default_factory=FeedLimits)
    zone: str = "Asia/Shanghai"
    # What the platform has: when each order changed.
    orders: dict[OrderRef, datetime] = field(default_factory=dict)
    sold: list[tuple[datetime, OrderRef]] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = FakeClock(self.begin)
        self.storage = FakeStorage(self.clock)
        self.encoder = ProtobufEncoder()
        self.claims = FeedClaims(self.storage, self.encoder, self.clock)
        self.watch = FeedWatch(self.storage, self.encoder, self.clock)
        self.storage.transact(lambda unit: self.register(unit).create(self._feed()))

    @property
    def feed(self) -> Feed:
        return self.storage.tables.channels.feeds["amazon-us"]

    @property
    def notices(self) -> list[NoticeAsked]:
        return [each.asked for each in self.storage.tables.notices.values()]

    @property
    def incidents(self) -> list[Incident]:
        return list(self.storage.tables.channels.incidents.values())

    @property
    def lost(self) -> set[OrderRef]:
        """What the platform has, and we have not."""
        return set(self.orders) - set(self.storage.tables.channels.known)

    def sell(self, at: datetime, count: int = 1) -> None:
        """Let orders come at the platform."""
        for _ in range(count):
            ref = OrderRef("amazon", f"113-{len(self.orders):07}")
            self.orders[ref] = at
            insort(self.sold, (at, ref), key=_moment)

    def poll_until(self, end: datetime) -> None:
        """Let the connector work until then, as the register plans it."""
        while self.clock.at < end:
            if not self.poll():
                wakes = self.storage.tables.channels.wakes.values()
                due = min((each for each in wakes if each), default=end)
                self.clock.at = min(end, max(due, self.clock.at + timedelta(seconds=1)))

    def poll(self) -> list[Run]:
        """Let the connector take what is due, and report it."""
        claimed = self.claim()
        return [self.work(run) for run in claimed]

    def claim(self, lease_for: timedelta = 2 * MINUTE, worker: str = "one") -> list[Run]:
        wanted = RunClaim(worker, {PLATFORM: self.terms}, 10, lease_for)
        return [run for run, _ in self.claims.claim(wanted)]

    def work(self, run: Run) -> Run:
        """Ask for every part of a run, and report each."""
        while run.state is RunState.RUNNING and run.lease:
            run = self.report(run, self.answer(part_of(run)))
        self.runs.append(run)
        return run

    def answer(self, part: Window) -> Report:
        """Return what asking for a part brings; its receipts are durable by then."""
        sent = self.sends(part, self.clock.at)
        tables, now = self.storage.tables.channels, self.clock.at
        # Nobody has what is to come.
        first = bisect_left(self.sold, sent.start, key=_moment)
        last = bisect_left(self.sold, min(sent.end, now), key=_moment)
        found = [ref for _, ref in self.sold[first:last]]
        fresh = [each for each in found if each not in tables.known]
        for each in fresh:
            tables.known[each] = now
        return Report(
            lease="one",
            result=Result.COMPLETED,
            asked=(f"CreatedAfter={sent.start:%Y-%m-%dT%H:%M:%SZ}",),
            pages=1,
            rows=len(found),
            new_receipts=len(fresh),
            seen=tuple(Seen(each, self.orders[each], each not in fresh) for each in found),
        )

    def report(self, run: Run, report: Report) -> Run:
        return self.storage.transact(
            lambda unit: FeedReports(unit, self.encoder, self.clock.at).report(run.run_id, report)
        )

    def of(self, purpose: Purpose) -> list[Run]:
        return [each for each in self.runs if each.purpose is purpose]

    def register(self, unit: FakeUnit) -> FeedRegister:
        return FeedRegister(unit, OPERATOR, self.clock.at)

    def _feed(self) -> Feed:
        at = self.clock.at
        return Feed(
            feed_id="amazon-us",
            channel="amazon",
            shop="A1F",
            mode=Mode.PULL,
            platform=PLATFORM,
            template="amazon.orders",
            zone=self.zone,
            begin_at=at,
            created_at=at,
            updated_at=at,
            limits=self.limits,
            schedule=FeedSchedule(interval=self.interval),
            progress=begun(at, at),
        )

"""With 100,000 open orders: fresh probes first, and none waits for two of its intervals.

The clock is simulated, PostgreSQL is real. Every simulated second the workers ask as many as
they can, and report at once: a claim, and one update for all of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import perf_counter

import pytest
import sqlalchemy as sa

from service.application.ports import Unit
from service.application.probe_ports import Claim
from service.domain.inquiries import Inquiry, InquiryKind
from service.domain.probing import (
    FRESH,
    Probe,
    ProbeState,
    Report,
    Result,
    armed,
    milliseconds,
    reported,
)
from service.domain.providers import ASKABLE
from service.domain.schedules import Schedules
from service.kafka.encoding import ProtobufEnvelopes
from service.postgres.storage import PostgresStorage
from service.schedules import SHIPPED, load
from tests.builders import NOON
from tests.fakes import FakeIds

OPEN_ORDERS = 100_000
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
PROVIDERS = sorted(ASKABLE)
CLAIM = 200


def a_probe(number: int, at: datetime, schedules: Schedules) -> Probe:
    provider = PROVIDERS[number % len(PROVIDERS)]
    inquiry = Inquiry(
        key=f"payment|{provider}|M{number}",
        kind=InquiryKind.PAYMENT,
        provider=provider,
        account="main",
        trade=f"M{number}",
        since=at,
    )
    return armed(f"ord-{number}", inquiry, schedules, at=at)


def long_open(number: int, schedules: Schedules, chance: random.Random) -> Probe:
    """Return a probe as it is after some answers, its next question somewhere ahead."""
    probe = a_probe(number, NOON, schedules)
    schedule = schedules.of(probe.inquiry.provider, "PAYMENT")
    asked = chance.randint(5, len(schedule.intervals))
    interval = schedule.interval(asked)
    return replace(
        probe,
        asked=asked,
        lane=milliseconds(interval),
        due_at=NOON + interval * chance.random(),
    )


@dataclass
class Workers:
    """Ask at a bounded rate, and keep notes of what was late."""

    storage: PostgresStorage
    schedules: Schedules
    ids: FakeIds = field(default_factory=FakeIds)
    asked: int = 0
    worst: float = 0.0
    waited: dict[str, timedelta] = field(default_factory=dict)
    slowest_s: float = 0.0

    def ask(self, now: datetime, most: int) -> int:
        """Claim and report up to so many; return how many there were."""
        done = 0
        while done < most and (found := self._round(now, min(CLAIM, most - done))):
            done += found
        self.asked += done
        return done

    def _round(self, now: datetime, most: int) -> int:
        lease = self.ids()

        def work(unit: Unit) -> list[Probe]:
            began = perf_counter()
            claimed = unit.claim_probes(Claim(lease, now + MINUTE, most), now)
            self.slowest_s = max(self.slowest_s, perf_counter() - began)
            unit.keep_probes(
                [
                    reported(each, Report(lease, Result.NOT_FOUND), self.schedules, at=now)
                    for each in claimed
                ]
            )
            return claimed

        claimed = self.storage.transact(work)
        for each in claimed:
            self._note(each, now)
        return len(claimed)

    def _note(self, probe: Probe, now: datetime) -> None:
        schedule = self.schedules.of(probe.inquiry.provider, "PAYMENT")
        interval = schedule.interval(probe.asked)
        self.worst = max(self.worst, (now - probe.due_at) / interval)
        if probe.asked == 0:
            self.waited[probe.probe_id] = now - probe.due_at


@pytest.fixture
def schedules() -> Schedules:
    return load(SHIPPED)


@pytest.fixture
def storage(engine: sa.Engine, owner: sa.Engine) -> Iterator[PostgresStorage]:
    yield PostgresStorage(engine, ProtobufEnvelopes())
    with owner.begin() as connection:
        connection.execute(sa.text("TRUNCATE probes"))


def keep(storage: PostgresStorage, probes: list[Probe]) -> None:
    for at in range(0, len(probes), 10_000):
        part = probes[at : at + 10_000]
        storage.transact(lambda unit, part=part: unit.keep_probes(part))


def oldest(owner: sa.Engine, now: datetime) -> float:
    """Return how many of its intervals the longest waiting probe has waited beyond its time."""
    with owner.connect() as connection:
        return float(
            connection.execute(
                sa.text(
                    "SELECT coalesce(max(extract(epoch FROM :now - due_at) * 1000"
                    " / CASE lane WHEN 0 THEN 30000 ELSE lane END), 0)"
                    " FROM probes WHERE state = 'ARMED' AND due_at <= :now"
                ),
                {"now": now},
            ).scalar_one()
        )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_none_of_100_000_waits_for_two_of_its_intervals(
    storage: PostgresStorage, owner: sa.Engine, schedules: Schedules
) -> None:
    chance = random.Random(1)  # noqa: S311  # a simulation
    keep(storage, [long_open(number, schedules, chance) for number in range(OPEN_ORDERS)])
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE probes"))
    workers = Workers(storage, schedules)
    # 100,000 at intervals of 5 min to 3 h need about 50 answers a second; ten new orders a
    # second another 30. The workers can do a little more than that.
    rate, arrivals, seconds, step = 110, 10, 600, 5
    arrived, now = OPEN_ORDERS, NOON

    for tick in range(0, seconds, step):
        now = NOON + tick * SECOND
        fresh = [a_probe(arrived + each, now, schedules) for each in range(arrivals * step)]
        arrived += len(fresh)
        keep(storage, fresh)
        workers.ask(now, rate * step)
        if tick % MINUTE.seconds == 0:
            assert oldest(owner, now) < 1.0, f"after {tick} s"

    # Due since one interval is asked two intervals ago.
    assert workers.worst < 1.0
    assert max(workers.waited.values()) < 15 * SECOND
    assert workers.asked > 20_000
    # A claim reads the heads of the lanes, however many stand in them.
    assert workers.slowest_s < 2.0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_when_workers_were_away_fresh_ones_come_first_and_nobody_starves(
    storage: PostgresStorage, owner: sa.Engine, schedules: Schedules
) -> None:
    chance = random.Random(2)  # noqa: S311  # a simulation
    backlog = [long_open(number, schedules, chance) for number in range(5_000)]
    keep(storage, [replace(each, due_at=NOON - 3 * HOUR * chance.random()) for each in backlog])
    workers = Workers(storage, schedules)
    rate, now, arrived = 100, NOON, 5_000
    rounds = 0

    while oldest(owner, now) >= 1.0:
        fresh = [a_probe(arrived + each, now - MINUTE, schedules) for each in range(10)]
        arrived += 10
        keep(storage, fresh)
        assert workers.ask(now, rate) == rate
        assert all(each.probe_id in workers.waited for each in fresh), "new orders do not queue"
        now += SECOND
        rounds += 1
        assert rounds < 600, f"{oldest(owner, now):.1f} intervals behind"


def test_of_three_two_are_fresh_and_one_is_the_most_overdue(
    storage: PostgresStorage, schedules: Schedules
) -> None:
    fresh = [
        replace(a_probe(each, NOON, schedules), due_at=NOON - each * SECOND) for each in range(9)
    ]
    hourly = [
        replace(
            a_probe(100 + each, NOON, schedules),
            asked=8,
            lane=milliseconds(HOUR),
            due_at=NOON - 30 * MINUTE,
        )
        for each in range(3)
    ]
    # Overdue by less, and by more of its own interval.
    often = replace(
        a_probe(200, NOON, schedules), asked=1, lane=milliseconds(MINUTE), due_at=NOON - MINUTE
    )
    keep(storage, [*fresh, *hourly, often])

    claimed = storage.transact(lambda unit: unit.claim_probes(Claim("b", NOON + MINUTE, 6), NOON))

    assert [each.lane == FRESH for each in claimed].count(True) == 4
    assert [each.order_id for each in claimed if each.lane == FRESH] == [
        f"ord-{each}" for each in (8, 7, 6, 5)
    ]
    assert next(each.order_id for each in claimed if each.lane != FRESH) == "ord-200"


def test_whoever_takes_one_at_a_time_does_not_take_fresh_ones_only(
    storage: PostgresStorage, schedules: Schedules
) -> None:
    at = NOON + HOUR
    keep(storage, [a_probe(each, NOON, schedules) for each in range(60)])
    keep(
        storage,
        [
            replace(a_probe(100 + each, NOON, schedules), asked=1, lane=milliseconds(MINUTE))
            for each in range(60)
        ],
    )
    ids = FakeIds()

    taken = [
        storage.transact(lambda unit: unit.claim_probes(Claim(ids(), at + MINUTE, 1), at))[0]
        for _ in range(60)
    ]

    rest = [each for each in taken if each.lane != FRESH]
    assert 10 <= len(rest) <= 30


def test_only_the_providers_that_were_asked_for_are_given(
    storage: PostgresStorage, schedules: Schedules
) -> None:
    keep(storage, [a_probe(each, NOON, schedules) for each in range(8)])

    claimed = storage.transact(
        lambda unit: unit.claim_probes(
            Claim("lease", NOON + HOUR, 50, ("stripe", "alipay")), NOON + 30 * MINUTE
        )
    )

    assert {each.inquiry.provider for each in claimed} == {"stripe", "alipay"}
    assert {each.state for each in claimed} == {ProbeState.ARMED}
    assert len(claimed) == 4

"""One suite for every implementation of `FeedPart`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from service.application.ports import NewReceipt, Unit
from service.domain.channels import incidents, planning
from service.domain.channels.errors import (
    FeedExistsError,
    FeedNotFoundError,
    IncidentNotFoundError,
    RunNotFoundError,
)
from service.domain.channels.feeds import (
    Feed,
    FeedLimits,
    FeedSchedule,
    FeedState,
    Mode,
    begun,
)
from service.domain.channels.incidents import Missed
from service.domain.channels.planning import Window
from service.domain.channels.rhythm import hour_of
from service.domain.channels.runs import Purpose, Result, Run, RunState, Seen
from service.domain.facts import OrderRef
from tests.builders import NOON
from tests.contract.conftest import Store

T = TypeVar("T")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def within(store: Store, work: Callable[[Unit], T]) -> T:
    return store.storage.transact(work)


def a_feed(store: Store, number: int = 1, **given: object) -> Feed:
    values: dict[str, object] = {
        "feed_id": f"{store.name}-{number}",
        "channel": store.channel,
        "shop": f"shop-{store.name}",
        "mode": Mode.PULL,
        "platform": f"p_{store.name}",
        "template": f"{store.channel}.orders",
        "zone": "Asia/Shanghai",
        "begin_at": NOON,
        "created_at": NOON,
        "updated_at": NOON,
        "progress": begun(NOON, NOON),
        "limits": FeedLimits(window_max=30 * MINUTE, lag=3 * MINUTE, page_size=50),
        "schedule": FeedSchedule(interval=2 * MINUTE, file_due="03:30"),
        "settings": {"kind": "orders"},
    }
    return Feed(**{**values, **given})  # type: ignore[arg-type]


def registered(store: Store, number: int = 1, **given: object) -> Feed:
    feed = a_feed(store, number, **given)

    def work(unit: Unit) -> None:
        unit.add_feed(feed)
        unit.save_feed(feed, planning.wake_at(feed, ()))

    within(store, work)
    return feed


def a_run(feed: Feed, purpose: Purpose = Purpose.REGULAR, minute: float = 0) -> Run:
    at = NOON + timedelta(minutes=minute)
    return planning.fresh_run(feed, purpose, Window(at, at + HOUR), at=at)


def running(run: Run, lease: str = "one") -> Run:
    at = run.created_at
    return run.claimed(lease, at=at, lease_for=HOUR, window_max=MINUTE, cursor=at)


def test_a_feed_is_kept_as_it_is(store: Store) -> None:
    feed = registered(store)
    progress = replace(
        feed.progress,
        cursor_at=NOON + HOUR,
        empty_polls=3,
        failing_since=NOON,
        clock_offset_ms=-1200,
        last_result="REFUSED",
    )
    changed = replace(feed, progress=progress, state=FeedState.PAUSED, version=2)

    within(store, lambda unit: unit.save_feed(changed, None))

    assert within(store, lambda unit: unit.lock_feed(feed.feed_id)) == changed
    assert within(store, lambda unit: unit.feeds_of(feed.channel, feed.shop)) == [changed]


def test_a_feed_is_registered_once(store: Store) -> None:
    feed = registered(store)

    with pytest.raises(FeedExistsError):
        within(store, lambda unit: unit.add_feed(feed))
    with pytest.raises(FeedNotFoundError):
        within(store, lambda unit: unit.lock_feed("none"))


def test_feeds_that_are_due_are_claimed_longest_due_first(store: Store) -> None:
    first, second, third = (registered(store, number) for number in range(3))
    platform = [first.platform]
    for feed, wake in ((first, 2 * MINUTE), (second, MINUTE), (third, HOUR)):
        _wake(store, feed, wake)

    now = NOON + 5 * MINUTE
    found = within(store, lambda unit: unit.claim_feeds(platform, now, most=10))
    one = within(store, lambda unit: unit.claim_feeds(platform, now, most=1))
    none = within(store, lambda unit: unit.claim_feeds(["other"], now, most=10))

    assert [each.feed_id for each in found] == [second.feed_id, first.feed_id]
    assert [each.feed_id for each in one] == [second.feed_id]
    assert not none


def test_a_run_is_kept_as_it_is(store: Store) -> None:
    feed = registered(store)
    run = replace(
        running(a_run(feed)),
        asked=("start=1", "start=2"),
        pages=3,
        rows=20,
        new_receipts=4,
        page_token="7",
        last_result=Result.PART,
        note_zh="好",
        note_en="well",
        actor="li",
    )

    within(store, lambda unit: unit.save_feed_runs([run]))

    assert within(store, lambda unit: unit.run_of(run.run_id)) == run
    assert within(store, lambda unit: unit.run_owner(run.run_id)) == feed.feed_id
    assert within(store, lambda unit: unit.open_runs(feed.feed_id)) == [run]
    with pytest.raises(RunNotFoundError):
        within(store, lambda unit: unit.run_of("none"))


def test_the_newest_completed_poll_is_the_last_one(store: Store) -> None:
    feed = registered(store)
    older, newer = _completed(a_run(feed), 1), _completed(a_run(feed, minute=5), 6)
    probe = _completed(a_run(feed, Purpose.PROBE, 7), 8)
    open_run = a_run(feed, minute=9)

    within(store, lambda unit: unit.save_feed_runs([older]))
    within(store, lambda unit: unit.save_feed_runs([newer, probe, open_run]))

    assert within(store, lambda unit: unit.last_poll(feed.feed_id)) == newer
    assert within(store, lambda unit: unit.open_runs(feed.feed_id)) == [open_run]


def test_orders_are_known_from_when_their_journal_begins(store: Store) -> None:
    order = store.create()
    since = store.clock.at
    refs = [*order.refs, OrderRef(store.channel, "nobody")]

    def known(before: timedelta) -> set[OrderRef]:
        return within(store, lambda unit: unit.known_orders(refs, since + before))

    assert known(MINUTE) == set(order.refs)
    assert known(timedelta()) == set()


def test_an_order_is_missed_once_and_belongs_to_one_incident(store: Store) -> None:
    feed = registered(store)
    probe = a_run(feed, Purpose.PROBE)
    seen = [Seen(store.ref(number), NOON - number * MINUTE) for number in (1, 2)]
    seen.append(Seen(store.ref(3)))
    name = f"inc-{store.name}"

    def keep(unit: Unit) -> tuple[int, int]:
        first = unit.keep_missed(probe, seen, at=NOON)
        return first, unit.keep_missed(probe, seen, at=NOON)

    assert within(store, keep) == (3, 0)
    within(store, lambda unit: unit.give_missed(probe.run_id, name))

    found = within(store, lambda unit: unit.missed_of(name))
    assert found == Missed(
        3, (store.ref(2), store.ref(1), store.ref(3)), NOON - 2 * MINUTE, NOON - MINUTE
    )


def test_an_incident_is_kept_as_it_is(store: Store) -> None:
    feed = registered(store)
    probe, poll = a_run(feed, Purpose.PROBE), replace(a_run(feed), asked=("from=1",))
    missed = Missed(2, (store.ref(1),), NOON, NOON + MINUTE)
    incident = incidents.opened(feed, probe, poll, missed, backfill="run-1", at=NOON)
    incident = replace(incident, case_id="case-1").filled(missed, at=NOON + HOUR)

    within(store, lambda unit: unit.save_incident(incident))

    found = within(store, lambda unit: unit.find_incident(incident.incident_id))
    assert found == incident
    with pytest.raises(IncidentNotFoundError):
        within(store, lambda unit: unit.find_incident("none"))


def test_what_came_in_an_hour_adds_up(store: Store) -> None:
    feed = registered(store)
    hour = hour_of(NOON)
    within(store, lambda unit: unit.count_arrivals(feed.feed_id, hour, 2))
    within(store, lambda unit: unit.count_arrivals(feed.feed_id, hour, 3))

    rhythm = within(store, lambda unit: unit.rhythm_of(feed, NOON + HOUR))

    assert dict(rhythm.arrivals) == {hour: 5}
    assert (rhythm.zone, rhythm.since) == (feed.zone, feed.created_at)


def test_feeds_are_watched_one_after_the_other_and_not_twice_in_a_minute(store: Store) -> None:
    feed = registered(store)
    paused = registered(store, 2, state=FeedState.PAUSED)
    watched = replace(feed, progress=replace(feed.progress, watched_at=NOON))

    def found(after: timedelta) -> list[str]:
        before = f"{store.name}-"
        feeds = within(store, lambda unit: unit.watched_feeds(before, NOON + after, most=2))
        return [each.feed_id for each in feeds if each.feed_id.startswith(before)]

    assert found(timedelta()) == [feed.feed_id]
    assert paused.feed_id not in found(timedelta())
    within(store, lambda unit: unit.save_feed(watched, None))
    assert found(30 * timedelta(seconds=1)) == []
    assert found(2 * MINUTE) == [feed.feed_id]


def test_two_shops_that_push_on_one_channel_are_counted_apart(store: Store) -> None:
    one, other, any_of_them = (
        registered(store, number, mode=Mode.PUSH, account=account)
        for number, account in enumerate(("one", "other", ""))
    )
    shop = registered(store, 3, mode=Mode.FILE, shop="other", account="one")
    # Tmall's trades are told by Taobao.
    elsewhere = registered(
        store, 4, mode=Mode.PUSH, account="one", channel=f"of-{one.channel}", platform=one.source
    )
    pushes = (("one", 1), ("one", 2), ("other", 3), ("", 4), ("nobody", 5))
    store.intake.submit([_push(store, one, account, minute) for account, minute in pushes])
    # The same message again is the message of whom it came for first.
    store.intake.submit([replace(_push(store, one, "one", 1), account="other")])

    def counted(feed: Feed) -> tuple[timedelta, int]:
        newest = within(store, lambda unit: unit.count_pushed(feed, NOON + HOUR))
        arrivals = within(store, lambda unit: unit.rhythm_of(feed, NOON + HOUR)).arrivals
        assert newest is not None
        return newest - NOON, sum(arrivals.values())

    # What came long ago, while nobody looked, is not counted any more.
    late = NOON + timedelta(days=2)
    assert within(store, lambda unit: unit.count_pushed(one, late)) is None
    assert counted(one) == (4 * MINUTE, 3)
    assert counted(other) == (4 * MINUTE, 2)
    assert counted(any_of_them) == (5 * MINUTE, 5)
    assert counted(shop) == (4 * MINUTE, 2)
    assert counted(elsewhere) == (4 * MINUTE, 3)


def test_runs_that_are_long_over_are_forgotten(store: Store) -> None:
    feed = registered(store)
    ended, open_run = _completed(a_run(feed), 1), a_run(feed, minute=5)
    within(store, lambda unit: unit.save_feed_runs([ended, open_run]))

    within(store, lambda unit: unit.forget_runs(NOON + HOUR, most=1000))

    with pytest.raises(RunNotFoundError):
        within(store, lambda unit: unit.run_of(ended.run_id))
    assert within(store, lambda unit: unit.open_runs(feed.feed_id)) == [open_run]


def _push(store: Store, feed: Feed, account: str, minute: int) -> NewReceipt:
    return store.a_receipt(
        f"{minute}".encode(),
        source=feed.source,
        template=feed.template,
        account=account,
        received_at=NOON + minute * MINUTE,
    )


def _completed(run: Run, minute: float) -> Run:
    ended = NOON + timedelta(minutes=minute)
    return replace(run, state=RunState.COMPLETED, ended_at=ended)


def _wake(store: Store, feed: Feed, after: timedelta) -> None:
    within(store, lambda unit: unit.save_feed(feed, NOON + after))

"""The article's incident, and quiet nights: polls that bring nothing, for a reason or without."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from service.application.intake import Intake
from service.application.ports import NewReceipt
from service.domain.channels.feeds import Mode
from service.domain.channels.health import HealthState, health_of
from service.domain.channels.incidents import IncidentState
from service.domain.channels.planning import Window
from service.domain.channels.rhythm import Rhythm
from service.domain.channels.runs import Purpose, Report, Result, Run, RunState
from service.domain.desk.taxonomy import Severity
from tests.unit.service.channels.shop import DAY, HOUR, MINUTE, Sends, Shop, part_of, rightly

BEIJING = ZoneInfo("Asia/Shanghai")
# From here on, by the article, nothing came any more: 29 December 02:00 in Beijing.
BROKEN_AT = datetime(2025, 12, 28, 18, 0, 3, tzinfo=UTC)
# 147 orders in the time that it took to notice.
MISSED = 147
LATENCY = timedelta(hours=7, minutes=12)


def as_if_utc(moment: datetime) -> datetime:
    """Return a moment whose text in Beijing is read as UTC, which is the article's mistake."""
    return moment.astimezone(BEIJING).replace(tzinfo=UTC)


def since_local_midnight(window: Window, now: datetime) -> Window:
    """Ask "since today's midnight", local text read as UTC; open-ended, as CreatedAfter is."""
    midnight = now.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    if window.end - window.start > DAY:
        # The probe says its own moments; they are written in the same wrong way.
        return Window(as_if_utc(window.start), as_if_utc(window.end))
    return Window(midnight.replace(tzinfo=UTC), now + DAY)


def in_local_time(window: Window, _now: datetime) -> Window:
    """Ask for every window as local text that is read as UTC: eight hours too late."""
    return Window(as_if_utc(window.start), as_if_utc(window.end))


def from_local_time(window: Window, _now: datetime) -> Window:
    """Ask for every window eight hours too early: answers come, and nothing in them is new."""
    return Window(window.start - 8 * HOUR, window.end - 8 * HOUR)


def broken(mistake: Sends) -> Sends:
    """Return a connector that begins to make a mistake."""

    def sends(window: Window, now: datetime) -> Window:
        return mistake(window, now) if now >= BROKEN_AT else window

    return sends


def the_article(mistake: Sends) -> Shop:
    shop = Shop(begin=BROKEN_AT - 2 * DAY, sends=broken(mistake))
    for minute in range(0, 2 * 24 * 60, 10):
        shop.sell(shop.begin + minute * MINUTE)
    for number in range(MISSED):
        shop.sell(BROKEN_AT + MINUTE + number * (LATENCY / MISSED))
    return shop


@pytest.mark.parametrize("mistake", [since_local_midnight, in_local_time, from_local_time])
def test_the_incident_is_raised_within_five_polls_and_nothing_is_lost(mistake: Sends) -> None:
    shop = the_article(mistake)

    shop.poll_until(BROKEN_AT + LATENCY + 2 * HOUR)

    incident = shop.incidents[0]
    last_good = max(run.created_at for run in shop.of(Purpose.REGULAR) if run.new_receipts)
    polls = [
        run for run in shop.of(Purpose.REGULAR) if last_good < run.created_at <= incident.opened_at
    ]
    assert len(polls) <= 5
    assert len(shop.incidents) == 1
    assert not shop.lost
    told = [each for each in shop.notices if each.template == "feed_incident"]
    assert [each.severity for each in told] == [Severity.CRITICAL]
    values = told[0].values
    assert values["asked_start"] == incident.asked.start.isoformat(timespec="seconds")
    assert values["found_end"] == incident.found.end.isoformat(timespec="seconds")
    assert incident.found.end - incident.found.start > 30 * HOUR
    assert told[0].recipient == "role:engineering"


def test_every_order_that_polls_missed_is_counted_once() -> None:
    shop = the_article(in_local_time)

    shop.poll_until(BROKEN_AT + LATENCY + 2 * HOUR)

    (incident,) = shop.incidents
    # What changed in the minutes before the first probe is found by it, but not called missed yet.
    assert MISSED - 5 <= incident.missed.count <= MISSED
    assert incident.missed.oldest_at == BROKEN_AT + MINUTE
    assert len(incident.missed.examples) == 50
    assert incident.state is IncidentState.FILLED
    assert incident.asked_text.startswith("CreatedAfter=")


def test_its_case_is_opened_once_and_names_the_feed() -> None:
    shop = the_article(in_local_time)

    shop.poll_until(BROKEN_AT + 6 * HOUR)

    (case,) = shop.storage.tables.cases.values()
    assert (case.type, case.subject, case.order_id) == ("FEED_GAP", "amazon/amazon-us", "")
    assert shop.incidents[0].case_id == case.case_id


def test_the_gap_is_filled_by_itself_from_when_something_last_came() -> None:
    shop = the_article(in_local_time)

    shop.poll_until(BROKEN_AT + HOUR)

    backfill = shop.of(Purpose.BACKFILL)[0]
    assert backfill.state is RunState.COMPLETED
    assert f"runs/{backfill.run_id}".endswith(shop.incidents[0].backfill) or shop.incidents
    assert backfill.window_start <= BROKEN_AT - 8 * HOUR
    assert backfill.window_end >= BROKEN_AT + 8 * HOUR
    assert not [each for each in shop.lost if shop.orders[each] < backfill.created_at - MINUTE]


def test_when_the_polls_bring_orders_again_the_incident_closes() -> None:
    shop = the_article(in_local_time)
    shop.poll_until(BROKEN_AT + 2 * HOUR)
    assert health_of(shop.feed, _nothing_known(shop), at=shop.clock.at).state is HealthState.BROKEN

    shop.sends = rightly
    shop.poll_until(BROKEN_AT + 3 * HOUR)

    assert shop.incidents[0].state is IncidentState.CLOSED
    assert not shop.feed.progress.incident_id
    health = health_of(shop.feed, _nothing_known(shop), at=shop.clock.at)
    assert health.state is HealthState.HEALTHY


def test_thirty_quiet_nights_raise_nothing() -> None:
    shop = Shop(zone="America/New_York", interval=15 * MINUTE)
    for day in range(30):
        # From nine to six; the nights are silent, and so is every second Sunday.
        if day % 14 == 6:
            continue
        for minute in range(14 * 60, 23 * 60, 15):
            shop.sell(shop.begin + day * DAY + minute * MINUTE)

    _watched_until(shop, shop.begin + 30 * DAY)

    assert not shop.notices
    assert not shop.incidents
    assert not shop.storage.tables.cases
    assert not shop.lost
    probes = shop.of(Purpose.PROBE)
    assert probes
    assert all("无漏单" in run.note_zh and run.missed_orders == 0 for run in probes)


def test_a_probe_comes_after_five_empty_polls_in_a_row_and_not_before() -> None:
    shop = Shop()
    shop.sell(shop.begin + 6 * MINUTE)

    shop.poll_until(shop.begin + 2 * HOUR)

    first = next(at for at, run in enumerate(shop.runs) if run.purpose is Purpose.PROBE)
    before = shop.runs[:first]
    assert [run.new_receipts for run in before[-5:]] == [0] * 5
    assert before[-6].new_receipts == 1
    assert shop.runs[first].window_start == before[-1].window_start - 15 * HOUR
    assert shop.runs[first].window_end == before[-1].window_end + 15 * HOUR


def test_an_order_that_changed_after_the_last_poll_was_not_missed() -> None:
    shop = Shop()
    shop.poll_until(shop.begin + 25 * MINUTE)
    assert not shop.of(Purpose.PROBE)

    shop.sell(shop.clock.at)
    shop.poll_until(shop.clock.at + HOUR)

    assert not shop.incidents
    assert not shop.lost


def test_orders_of_before_the_feed_was_registered_are_not_missed() -> None:
    shop = Shop()
    shop.sell(shop.begin - 3 * HOUR, 5)

    shop.poll_until(shop.begin + 2 * HOUR)

    assert not shop.incidents
    assert not shop.lost


def test_orders_that_the_streams_have_not_read_yet_are_not_missed() -> None:
    shop = Shop()
    shop.sell(shop.begin + 10 * MINUTE, 5)
    shop.poll_until(shop.begin + 20 * MINUTE)
    # Their receipts are there; of the orders themselves nothing is known yet.
    run = _probe_of(shop)
    report = shop.answer(part_of(run))
    shop.storage.tables.channels.known.clear()

    told = shop.report(run, report)

    assert told.state is RunState.COMPLETED
    assert not shop.incidents


def test_a_silence_that_is_unusual_at_its_hour_is_told_once() -> None:
    shop = Shop(zone="Asia/Shanghai", interval=30 * MINUTE)
    for day in range(22):
        for minute in range(0, 24 * 60, 12):
            shop.sell(shop.begin + day * DAY + minute * MINUTE)

    _watched_until(shop, shop.begin + 22 * DAY + 2 * HOUR)
    assert not shop.notices
    _watched_until(shop, shop.begin + 22 * DAY + 6 * HOUR)

    (told,) = shop.notices
    assert (told.template, told.severity) == ("feed_silent", Severity.CRITICAL)
    assert len(shop.storage.tables.cases) == 1


def test_a_refused_feed_is_told_at_once_and_once() -> None:
    shop = Shop()
    shop.poll_until(shop.begin + 20 * MINUTE)
    for _ in range(4):
        (run,) = shop.claim()
        failed = shop.answer(part_of(run))
        shop.report(run, _failing(failed, Result.REFUSED, "TOKEN_EXPIRED"))
        shop.clock.pass_time(HOUR)

    (told,) = shop.notices
    assert (told.template, told.values["code"]) == ("feed_failing", "TOKEN_EXPIRED")
    health = health_of(shop.feed, _nothing_known(shop), at=shop.clock.at)
    assert (health.state, "TOKEN_EXPIRED" in health.en) == (HealthState.BROKEN, True)


def test_a_platform_that_is_away_is_told_after_half_an_hour() -> None:
    shop = Shop()
    shop.poll_until(shop.begin + 20 * MINUTE)
    begun = shop.clock.at
    while not shop.notices:
        for run in shop.claim():
            failed = shop.answer(part_of(run))
            shop.report(run, _failing(failed, Result.UNREACHABLE, "TIMEOUT"))
        shop.clock.pass_time(MINUTE)

    assert timedelta(minutes=25) < shop.clock.at - begun < timedelta(minutes=50)


def _watched_until(shop: Shop, end: datetime) -> None:
    while shop.clock.at < end:
        shop.poll_until(min(end, shop.clock.at + 30 * MINUTE))
        shop.watch.look()


def _probe_of(shop: Shop) -> Run:
    while True:
        for run in shop.claim():
            if run.purpose is Purpose.PROBE:
                return run
            shop.work(run)
        shop.clock.pass_time(MINUTE)


def _failing(report: Report, result: Result, code: str) -> Report:
    return replace(report, result=result, code=code, seen=(), rows=0, new_receipts=0, pages=0)


def _nothing_known(shop: Shop) -> Rhythm:
    return Rhythm(shop.zone, {}, since=shop.begin)


def _pushed(shop: Shop, account: str, hours: Mapping[int, tuple[int, int]]) -> None:
    """Let a shop's messages come every five minutes: from and to which hour, by day."""
    moments = [
        shop.begin + day * DAY + minute * MINUTE
        for day, (first, last) in hours.items()
        for minute in range(first * 60, last * 60, 5)
    ]
    receipts = [
        NewReceipt(
            source=shop.feed.channel,
            message_id=f"{account}-{number}",
            template="amazon.push",
            channel=shop.feed.channel,
            body=b"{}",
            content_type="application/json",
            received_at=at,
            order_hint="",
            address="",
            traceparent="",
            account=account,
        )
        for number, at in enumerate(moments)
    ]
    Intake(shop.storage, shop.encoder, shop.clock).submit(receipts)


def _watched(shop: Shop, days: int) -> datetime | None:
    """Watch so long; return when somebody was told first."""
    told_at = None
    while shop.clock.at < shop.begin + days * DAY:
        shop.clock.pass_time(30 * MINUTE)
        shop.watch.look()
        if shop.notices and told_at is None:
            told_at = shop.clock.at
    return told_at


def _register(shop: Shop, name: str, account: str) -> None:
    pushed = replace(
        shop.feed, feed_id=name, mode=Mode.PUSH, template="amazon.push", account=account
    )
    shop.storage.transact(lambda unit: shop.register(unit).create(pushed))


def test_a_pushed_feed_that_falls_silent_at_a_busy_hour_is_told_and_a_quiet_night_is_not() -> None:
    shop = Shop()
    _register(shop, "amazon-push", "")
    # From nine to six, in Beijing; on the last day it ends at noon.
    _pushed(shop, "amazon-us", dict.fromkeys(range(20), (1, 10)) | {20: (1, 4)})

    told_at = _watched(shop, 21)

    assert [each.template for each in shop.notices] == ["feed_silent"]
    silent_since = shop.begin + 20 * DAY + 4 * HOUR
    assert told_at is not None
    assert silent_since + HOUR < told_at < silent_since + 3 * HOUR


def test_a_shop_that_falls_silent_is_told_of_while_another_of_its_channel_goes_on() -> None:
    shop = Shop()
    for account in ("one", "other"):
        _register(shop, f"amazon-{account}", account)
    _pushed(shop, "one", dict.fromkeys(range(16), (1, 10)))
    _pushed(shop, "other", dict.fromkeys(range(15), (1, 10)))

    for _ in range(14):
        shop.clock.pass_time(DAY)
        shop.watch.look()
    told_at = _watched(shop, 16)

    assert [each.values["feed"] for each in shop.notices] == ["amazon-other"]
    assert told_at is not None
    assert shop.begin + 15 * DAY + HOUR < told_at < shop.begin + 15 * DAY + 5 * HOUR

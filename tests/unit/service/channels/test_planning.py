"""Which windows are asked for: over zones and calendars, from where to where, and by whose turn."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from service.domain.channels import planning
from service.domain.channels.errors import RunLeaseLostError
from service.domain.channels.feeds import FeedLimits, FeedSchedule
from service.domain.channels.planning import PlatformTerms, Window
from service.domain.channels.runs import Purpose, Report, Result, RunState, backoff
from tests.unit.service.channels.shop import DAY, HOUR, MINUTE, PLATFORM, Shop, part_of

ZONES = ("Asia/Shanghai", "UTC", "America/New_York", "Europe/London")
# Local moments at which something about the calendar changes.
EDGES = {
    "day": (2026, 5, 12, 0, 0),
    "month": (2026, 5, 1, 0, 0),
    "year": (2026, 1, 1, 0, 0),
    "leap day": (2028, 2, 29, 0, 0),
    "after leap day": (2028, 3, 1, 0, 0),
    "summer time begins in New York": (2026, 3, 8, 2, 0),
    "summer time ends in New York": (2026, 11, 1, 1, 0),
    "summer time begins in London": (2026, 3, 29, 1, 0),
    "summer time ends in London": (2026, 10, 25, 1, 0),
}
# What the platforms themselves take: longest window, lag, past.
RULES = {
    "pdd increment": PlatformTerms(PLATFORM, window_max=30 * MINUTE, lag=3 * MINUTE),
    "pdd list": PlatformTerms(PLATFORM, window_max=DAY),
    "taobao": PlatformTerms(PLATFORM, window_max=DAY),
    "wechat channels": PlatformTerms(PLATFORM, window_max=7 * DAY),
    "jd": PlatformTerms(PLATFORM, window_max=30 * DAY, past_max=90 * DAY),
    "amazon": PlatformTerms(PLATFORM, lag=2 * MINUTE),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("edge", EDGES)
def test_windows_over_an_edge_leave_no_gap_and_keep_the_platforms_rules(
    rule: str, zone: str, edge: str
) -> None:
    local = datetime(*EDGES[edge], tzinfo=ZoneInfo(zone))
    begin = local.astimezone(UTC) - 3 * HOUR
    terms = RULES[rule]
    shop = Shop(begin=begin, zone=zone, terms=terms, interval=40 * MINUTE)
    for minute in range(0, 6 * 60, 20):
        shop.sell(begin + minute * MINUTE)
    asked: list[Window] = []

    def noting(window: Window, _now: datetime) -> Window:
        asked.append(window)
        return window

    shop.sends = noting

    shop.poll_until(begin + 7 * HOUR)

    assert not shop.lost
    assert not shop.incidents
    regular = [each for each in asked if each.end <= begin + 7 * HOUR]
    assert regular
    for each in regular:
        assert not terms.window_max or each.end - each.start <= terms.window_max
    reached = begin
    for run in shop.of(Purpose.REGULAR):
        assert run.window_start <= reached, "nobody asks for what lies between"
        reached = max(reached, run.window_end)
    assert shop.feed.progress.cursor_at == reached


def test_a_naive_window_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="aware"):
        Window(datetime(2026, 1, 1), datetime(2026, 1, 2))  # noqa: DTZ001  # what is refused


def test_a_long_pause_is_asked_for_part_by_part_under_one_lease() -> None:
    shop = Shop(terms=PlatformTerms(PLATFORM, window_max=HOUR))
    shop.sell(shop.begin + 90 * MINUTE)
    shop.clock.pass_time(5 * HOUR)

    (run,) = shop.claim()
    parts = []
    while run.state is RunState.RUNNING:
        parts.append((run.ask_start, run.ask_end))
        run = shop.report(run, shop.answer(part_of(run)))

    assert len(parts) == 6
    assert all(one[1] == two[0] for one, two in pairwise(parts))
    assert not shop.lost
    assert shop.feed.progress.cursor_at == parts[-1][1]


def test_the_cursor_stays_where_a_part_failed() -> None:
    shop = Shop(terms=PlatformTerms(PLATFORM, window_max=HOUR))
    shop.clock.pass_time(3 * HOUR)
    (run,) = shop.claim()
    further = shop.report(run, shop.answer(part_of(run)))
    reached = shop.feed.progress.cursor_at
    assert reached == run.ask_end

    shop.report(further, Report(lease="one", result=Result.UNREACHABLE, code="TIMEOUT"))

    assert shop.feed.progress.cursor_at == reached
    shop.clock.pass_time(backoff(1))
    (again,) = shop.claim()
    assert (again.run_id, again.ask_start) == (run.run_id, reached)


def test_an_answer_that_is_complete_up_to_earlier_moves_the_cursor_only_that_far() -> None:
    shop = Shop()
    shop.clock.pass_time(HOUR)
    (run,) = shop.claim()
    covered = shop.clock.at - 20 * MINUTE

    shop.report(run, Report(lease="one", result=Result.COMPLETED, covered_at=covered))

    assert shop.feed.progress.cursor_at == covered


def test_nothing_between_an_early_end_and_the_next_part_is_left_out() -> None:
    shop = Shop(terms=PlatformTerms(PLATFORM, window_max=HOUR))
    shop.clock.pass_time(3 * HOUR)
    (run,) = shop.claim()
    assert run.ask_end is not None
    assert run.ask_end < run.window_end
    covered = run.ask_end - 10 * MINUTE

    shop.report(run, Report(lease="one", result=Result.COMPLETED, covered_at=covered))
    shop.clock.pass_time(HOUR)
    (following,) = shop.claim()

    assert shop.feed.progress.cursor_at == covered
    assert following.run_id != run.run_id
    assert following.ask_start <= covered


def test_a_platform_whose_clock_is_behind_is_asked_up_to_its_own_now() -> None:
    shop = Shop(terms=PlatformTerms(PLATFORM))
    shop.clock.pass_time(HOUR)
    (run,) = shop.claim()
    early = Report(
        lease="one",
        result=Result.THROTTLED,
        code="CLOCK_BEHIND",
        retry_after=timedelta(seconds=90),
        clock_offset_ms=-90_000,
    )
    shop.report(run, early)
    assert not shop.feed.progress.failures

    shop.clock.pass_time(90 * timedelta(seconds=1))
    (again,) = shop.claim()

    assert again.window_end == shop.clock.at - timedelta(seconds=90)


def test_a_run_goes_on_behind_the_last_page_that_was_reported() -> None:
    shop = Shop(terms=PlatformTerms(PLATFORM, window_max=HOUR))
    shop.clock.pass_time(HOUR)
    (run,) = shop.claim()

    shop.report(run, Report(lease="one", result=Result.PART, pages=3, page_token="4"))
    shop.clock.pass_time(10 * MINUTE)
    (again,) = shop.claim(worker="two")

    assert (again.run_id, again.page_token, again.pages) == (run.run_id, "4", 3)
    assert (again.ask_start, again.ask_end) == (run.ask_start, run.ask_end)
    with pytest.raises(RunLeaseLostError):
        shop.report(run, Report(lease="one", result=Result.COMPLETED))


def test_nobody_else_gets_a_feed_while_a_lease_lasts() -> None:
    shop = Shop()
    shop.clock.pass_time(HOUR)
    assert shop.claim(lease_for=5 * MINUTE)

    shop.clock.pass_time(4 * MINUTE)
    assert not shop.claim(worker="two")
    shop.clock.pass_time(MINUTE)

    assert shop.claim(worker="two")


@pytest.mark.parametrize("past_max", [timedelta(), 12 * HOUR - MINUTE])
def test_a_look_back_comes_at_its_time_and_not_with_each_poll(past_max: timedelta) -> None:
    limits = FeedLimits(look_back=12 * HOUR, past_max=past_max)
    shop = Shop(limits=limits, interval=10 * MINUTE)
    for minute in range(0, 4 * 60, 5):
        shop.sell(shop.begin + minute * MINUTE)

    shop.poll_until(shop.begin + 4 * HOUR)

    back = [
        run for run in shop.of(Purpose.REGULAR) if run.window_end - run.window_start > 11 * HOUR
    ]
    assert 3 <= len(back) <= 5


def test_what_a_platform_does_not_answer_about_any_more_is_told() -> None:
    shop = Shop(terms=PlatformTerms(PLATFORM, past_max=30 * DAY))
    shop.clock.pass_time(40 * DAY)

    (run,) = shop.claim()

    assert run.window_start == shop.clock.at - 30 * DAY
    (told,) = shop.notices
    assert told.template == "feed_lost"
    assert told.values["start"] == shop.begin.isoformat(timespec="seconds")
    assert len(shop.storage.tables.cases) == 1


def test_polls_and_a_long_run_by_hand_take_turns() -> None:
    shop = Shop(terms=PlatformTerms(PLATFORM, window_max=HOUR), interval=MINUTE)
    shop.clock.pass_time(DAY)
    shop.poll_until(shop.clock.at + 2 * MINUTE)
    start = shop.begin
    shop.storage.transact(
        lambda unit: shop.register(unit).start_run("amazon-us", start, start + 6 * HOUR)
    )
    shop.runs.clear()

    taken = []
    while len(shop.of(Purpose.BY_HAND)) < 1 or shop.of(Purpose.BY_HAND)[-1].is_open:
        for run in shop.claim():
            taken.append(run.purpose)
            told = shop.report(run, shop.answer(part_of(run)))
            shop.runs.append(told)
            if told.lease:
                shop.work(told)
        shop.clock.pass_time(MINUTE)

    assert Purpose.REGULAR in taken
    assert Purpose.BY_HAND in taken


def test_a_feed_that_is_paused_is_not_asked_and_goes_on_from_its_cursor() -> None:
    shop = Shop()
    shop.poll_until(shop.begin + HOUR)
    cursor = shop.feed.progress.cursor_at
    shop.storage.transact(lambda unit: shop.register(unit).pause("amazon-us"))
    shop.sell(shop.clock.at)
    shop.clock.pass_time(DAY)
    assert not shop.claim()

    shop.storage.transact(lambda unit: shop.register(unit).resume("amazon-us"))
    (run,) = shop.claim()

    assert run.window_start == cursor - shop.feed.limits.overlap
    shop.work(run)
    assert not shop.lost


def test_the_stricter_of_what_people_and_platform_say_holds() -> None:
    feed = replace(Shop().feed, limits=FeedLimits(window_max=HOUR, lag=5 * MINUTE))
    feed = replace(feed, schedule=FeedSchedule())
    terms = planning.terms_of(feed, PlatformTerms(PLATFORM, window_max=DAY, lag=MINUTE))

    assert terms == PlatformTerms(PLATFORM, window_max=HOUR, lag=5 * MINUTE)


@pytest.mark.parametrize(("failures", "seconds"), [(1, 10), (2, 20), (5, 160), (9, 600)])
def test_waits_double_up_to_ten_minutes(failures: int, seconds: int) -> None:
    assert backoff(failures) == timedelta(seconds=seconds)


def test_a_window_that_the_platform_answers_nothing_about_is_given_up_and_says_so() -> None:
    shop = Shop(terms=PlatformTerms(PLATFORM, past_max=30 * DAY))
    shop.clock.pass_time(100 * DAY)
    shop.poll_until(shop.clock.at + 10 * MINUTE)
    start = shop.begin
    run = shop.storage.transact(
        lambda unit: shop.register(unit).start_run("amazon-us", start, start + DAY)
    )

    shop.poll_until(shop.clock.at + 30 * MINUTE)

    ended = shop.storage.tables.channels.runs[run.run_id]
    assert ended.state is RunState.ABANDONED
    assert ended.note_zh
    assert ended.note_en

"""What goes to a robot together: below its limits, most urgent first, nothing lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.domain.desk.grouping import CHANNELS, Line, cut, following, groups, text_of
from service.domain.desk.notices import (
    Delivery,
    DeliveryState,
    Sending,
    SendReport,
    SendResult,
    backoff,
    lapsed,
    reported,
    state_of,
)
from service.domain.desk.taxonomy import Severity
from tests.builders import NOON

SECOND = timedelta(seconds=1)
LIMITED = sorted(name for name, each in CHANNELS.items() if each.is_grouped)


def a_delivery(number: int, body: str = "stock is short", **given: object) -> Delivery:
    values: dict[str, object] = {
        "delivery_id": f"ntc-{number:04}.0",
        "notice_id": f"ntc-{number:04}",
        "channel": "wecom",
        "address": "ops",
        "state": DeliveryState.WAITING,
        "queued_at": NOON,
        "due_at": NOON,
        "title": "告警",
        "body": body,
    }
    return Delivery(**{**values, **given})  # type: ignore[arg-type]


def a_sending(result: SendResult | None = None, *, at: datetime = NOON) -> Sending:
    delivery = a_delivery(1, state=DeliveryState.SENDING, sending_id="snd-1")
    fresh = Sending("snd-1", "lease", "wecom", "ops", NOON, NOON + 60 * SECOND, (delivery,))
    return reported(fresh, SendReport("lease", result), at=at) if result else fresh


BODIES = st.lists(st.text(max_size=400), min_size=1, max_size=120)


@given(st.sampled_from(LIMITED), BODIES)
def test_a_message_is_never_longer_than_its_channel_bears(channel: str, bodies: list[str]) -> None:
    waiting = [a_delivery(at, body, channel=channel) for at, body in enumerate(bodies)]

    for group in groups(Line(channel, "ops"), waiting, at=NOON + 60 * SECOND):
        assert len(text_of(channel, group).encode()) <= CHANNELS[channel].bytes_most


@given(
    st.sampled_from(LIMITED),
    st.lists(st.tuples(st.integers(0, 9_000), st.integers(0, 3_000)), min_size=1, max_size=150),
)
def test_no_minute_of_the_receiver_holds_more_than_it_bears(
    channel: str, flood: Sequence[tuple[int, int]]
) -> None:
    """Each alert comes at a tenth of a second, with a text of so many characters."""
    left = [
        a_delivery(
            at, "x" * size, channel=channel,
            queued_at=NOON + when * SECOND / 10, due_at=NOON + when * SECOND / 10,
        )
        for at, (when, size) in enumerate(flood)
    ]  # fmt: skip
    sent: list[datetime] = []
    heard: list[str] = []
    at = NOON
    while left:
        line = Line(channel, "ops", recent=tuple(sent[-200:]))
        due = [each for each in left if each.due_at <= at]
        for group in groups(line, due, at=at):
            sent.append(at)
            heard += [each.delivery_id for each in group]
            left = [each for each in left if each not in group]
        at += 3 * SECOND
        assert at < NOON + timedelta(hours=2), "something waits for ever"

    assert len(heard) == len(set(heard)) == len(flood)
    for moment in sent:
        minute = [each for each in sent if moment - 60 * SECOND < each <= moment]
        assert len(minute) <= CHANNELS[channel].per_minute


def test_what_is_under_way_counts_as_long_as_nobody_told_of_its_end() -> None:
    line = Line("wecom", "ops", recent=(None,) * 20)

    assert groups(line, [a_delivery(1)], at=NOON + timedelta(hours=1)) == []


def test_what_does_most_harm_goes_first() -> None:
    waiting = [a_delivery(at, "x" * 3_000) for at in range(20)]
    urgent = a_delivery(99, "x" * 3_000, severity=Severity.CRITICAL, queued_at=NOON + SECOND)

    first, *_ = groups(Line("wecom", "ops"), [*waiting, urgent], at=NOON)

    assert first == (urgent,)


def test_what_somebody_wrote_mentions_nobody_and_leads_nowhere() -> None:
    text = text_of("wecom", [a_delivery(1, "<@all> see [here](http://evil.example)")])

    assert "<@" not in text
    assert "](" not in text


@given(st.text(max_size=300), st.integers(4, 600))
def test_text_is_cut_between_characters(text: str, most: int) -> None:
    short = cut(text, most)

    assert len(short.encode()) <= most
    assert short == text or short.endswith("…")


def test_a_line_that_fails_is_left_alone_longer_each_time() -> None:
    line, waits = Line("wecom", "ops"), []
    for _ in range(8):
        line = following(line, a_sending(SendResult.NOT_SENT))
        assert line.paused_until is not None
        waits.append(line.paused_until - NOON)

    assert waits[:3] == [10 * SECOND, 20 * SECOND, 40 * SECOND]
    assert waits[-1] == timedelta(minutes=5) == backoff(1_000)
    assert following(line, a_sending(SendResult.SENT)).paused_until is None


def test_a_lapsed_attempt_is_uncertain_and_needs_a_person() -> None:
    after = lapsed(a_sending())

    assert after.result is SendResult.UNCERTAIN
    assert state_of(after.deliveries).value == "UNCERTAIN"

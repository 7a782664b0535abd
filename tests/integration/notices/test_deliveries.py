"""Notices over PostgreSQL: told once, leased once, and shown where nobody knows."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from service.domain.desk.notices import NoticeState, Sending, SendResult, resent, settled
from service.domain.errors import NoticeNotUncertainError, SendingEndedError
from tests.integration.notices.world import LEASE, Told


def test_who_is_asked_twice_is_told_once(told: Told) -> None:
    first, again = told.ask(), told.ask()
    told.compose()

    assert first == again
    assert [each.address for each in told.notice(first).deliveries] == [told.role]


def test_who_cannot_be_reached_finds_it_in_an_inbox(told: Told) -> None:
    name = told.ask()
    told.compose()

    found = told.notice(name)
    assert found.state is NoticeState.SENT
    assert (found.title, found.body) == ("告警", "stock of SKU-0 is short")
    assert [each.channel for each in found.deliveries] == ["inbox"]


def test_a_notice_that_cannot_be_made_is_shown_with_what_it_lacks(told: Told) -> None:
    name = told.ask(template="case_breach")
    told.compose()

    found = told.notice(name)
    assert found.state is NoticeState.DEAD
    assert found.problem in {"type is missing", "case is missing"}


def test_a_delivery_is_leased_to_one_and_the_same_lease_gives_the_same(told: Told) -> None:
    told.reach(("sms", f"+86{told.name}"))
    told.ask()
    told.compose()
    lease = str(uuid.uuid4())

    (first,) = told.claim("sms", lease)
    (again,) = told.claim("sms", lease)

    assert told.claim("sms") == []
    assert (first.sending_id, first.text) == (again.sending_id, again.text)


def test_what_is_reported_sent_is_sent_and_the_same_report_again_changes_nothing(
    told: Told,
) -> None:
    told.reach(("sms", f"+86{told.name}"))
    name = told.ask()
    told.compose()
    (sending,) = told.claim("sms")

    told.report(sending, SendResult.SENT)
    told.report(sending, SendResult.SENT)

    assert told.notice(name).state is NoticeState.SENT
    with pytest.raises(SendingEndedError):
        told.report(sending, SendResult.NOT_SENT)


def test_what_surely_did_not_arrive_is_tried_again_and_dies_after_a_day(told: Told) -> None:
    told.reach(("sms", f"+86{told.name}"))
    name = told.ask()
    told.compose()

    attempts = 0
    while told.notice(name).state is NoticeState.WAITING:
        (sending,) = told.claim("sms")
        told.report(sending, SendResult.NOT_SENT, "CONNECT")
        attempts += 1
        told.clock.pass_time(timedelta(minutes=30))

    found = told.notice(name)
    assert found.state is NoticeState.DEAD
    assert attempts == 49

    told.storage.transact(
        lambda unit: unit.keep_notice(resent(unit.lock_notice(name), at=told.clock()))
    )
    (sending,) = told.claim("sms")
    told.report(sending, SendResult.SENT)
    assert told.notice(name).state is NoticeState.SENT


def test_what_nobody_reports_is_uncertain_and_is_never_sent_again_by_itself(told: Told) -> None:
    told.reach(("sms", f"+86{told.name}"))
    name = told.ask()
    told.compose()
    told.claim("sms")

    told.clock.pass_time(LEASE + timedelta(seconds=1))
    while told.noticing.lapse_due():
        pass

    assert told.notice(name).state is NoticeState.UNCERTAIN
    told.clock.pass_time(timedelta(days=7))
    assert told.claim("sms") == []


@pytest.mark.parametrize("state", [NoticeState.SENT, NoticeState.WAITING])
def test_a_person_says_what_became_of_what_is_uncertain(told: Told, state: NoticeState) -> None:
    told.reach(("sms", f"+86{told.name}"))
    name = told.ask()
    told.compose()
    (sending,) = told.claim("sms")
    told.report(sending, SendResult.UNCERTAIN, "TIMEOUT")

    def settle() -> None:
        told.storage.transact(
            lambda unit: unit.keep_notice(
                settled(unit.lock_notice(name), arrived=state is NoticeState.SENT, at=told.clock())
            )
        )

    settle()

    assert told.notice(name).state is state
    with pytest.raises(NoticeNotUncertainError):
        settle()


def test_a_report_that_comes_late_still_tells_what_is_true(told: Told) -> None:
    told.reach(("sms", f"+86{told.name}"))
    name = told.ask()
    told.compose()
    (sending,) = told.claim("sms")
    told.clock.pass_time(LEASE + timedelta(seconds=1))
    while told.noticing.lapse_due():
        pass

    told.report(sending, SendResult.SENT)

    assert told.notice(name).state is NoticeState.SENT


def test_five_hundred_alerts_go_to_a_robot_in_few_messages_within_its_limits(told: Told) -> None:
    told.reach(("wecom", told.name))
    names = [told.ask(number) for number in range(500)]
    told.compose()

    sent: list[Sending] = []
    for _ in range(60):
        for sending in told.claim("wecom"):
            assert len(sending.text.encode()) <= 4_096
            told.report(sending, SendResult.SENT)
            sent.append(sending)
        told.clock.pass_time(timedelta(seconds=1))

    assert len(sent) <= 20
    assert sorted(one.notice_id for each in sent for one in each.deliveries) == sorted(names)
    assert {told.notice(each).state for each in names} == {NoticeState.SENT}


def test_a_robot_that_wants_fewer_messages_is_left_alone_for_a_minute(told: Told) -> None:
    told.reach(("wecom", told.name))
    name = told.ask()
    told.compose()
    (sending,) = told.claim("wecom")
    told.report(sending, SendResult.THROTTLED, "45009")
    told.ask(1)
    told.compose()

    told.clock.pass_time(timedelta(seconds=59))
    assert told.claim("wecom") == []

    told.clock.pass_time(timedelta(seconds=2))
    (both,) = told.claim("wecom")
    assert len(both.deliveries) == 2
    assert told.notice(name).deliveries[0].attempts == 0

"""What each attempt to ask does to a probe, and which probes stand for which inquiries."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from service.domain.errors import LeaseLostError
from service.domain.inquiries import Inquiry, InquiryKind
from service.domain.lifecycle import State
from service.domain.probing import (
    FRESH,
    REFUSALS_MOST,
    Probe,
    ProbeState,
    Report,
    Result,
    armed,
    case_type_of,
    probe_id_for,
    reported,
    run_now,
    synced,
)
from service.domain.schedules import STRAGGLE, Schedule, Schedules
from tests.builders import EVENING, NOON, a_fact, a_truth, facts_to

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
SCHEDULE = Schedule(
    intervals=(30 * SECOND, MINUTE, 10 * MINUTE),
    give_up_after=HOUR,
    missed_first=10 * SECOND,
    missed_most=MINUTE,
)
SCHEDULES = Schedules(
    {("alipay", each.value): SCHEDULE for each in InquiryKind},
)


def an_inquiry(**given: object) -> Inquiry:
    values: dict[str, object] = {
        "key": "payment|alipay|M1",
        "kind": InquiryKind.PAYMENT,
        "provider": "alipay",
        "account": "alipay-main",
        "trade": "M1",
        "since": NOON,
    }
    return Inquiry(**{**values, **given})  # type: ignore[arg-type]


def a_refund(**given: object) -> Inquiry:
    return an_inquiry(**{"kind": InquiryKind.REFUND, "refund": "R1", "submit": True, **given})


def a_probe(inquiry: Inquiry | None = None, at: datetime = NOON) -> Probe:
    return armed("ord-1", inquiry or an_inquiry(), SCHEDULES, at=at)


def leased(probe: Probe, at: datetime, lease: str = "lease") -> Probe:
    return replace(probe, lease=lease, lease_until=at + MINUTE)


def told(probe: Probe, result: Result, at: datetime, **given: object) -> Probe:
    report = Report("lease", result, **given)  # type: ignore[arg-type]
    return reported(leased(probe, at), report, SCHEDULES, at=at)


def sync(known: list[Probe], *standing: Inquiry, at: datetime = EVENING) -> list[Probe]:
    return list(synced("ord-1", known, standing, SCHEDULES, at=at))


# When it is asked.


def test_it_is_first_asked_an_interval_after_the_wait_began() -> None:
    probe = a_probe()

    assert probe.probe_id == probe_id_for("ord-1", "payment|alipay|M1")
    assert (probe.due_at, probe.lane) == (NOON + 30 * SECOND, FRESH)
    assert probe.give_up_at == NOON + HOUR


def test_old_news_is_asked_about_at_once_and_a_fast_clock_puts_nothing_off() -> None:
    assert a_probe(at=NOON + HOUR).due_at == NOON + HOUR
    assert a_probe(an_inquiry(since=NOON + HOUR)).due_at == NOON + 30 * SECOND


def test_what_is_urgent_and_what_is_ordered_is_due_now() -> None:
    assert a_probe(an_inquiry(urgent=True)).due_at == NOON
    assert a_probe(a_refund()).due_at == NOON
    assert a_probe(a_refund(settles=5 * MINUTE)).due_at == NOON + 5 * MINUTE


def test_the_intervals_grow_with_each_answer_and_the_last_holds_on() -> None:
    probe, at, gaps = a_probe(), NOON + 30 * SECOND, []
    for _ in range(4):
        probe = told(probe, Result.ANSWERED, at)
        gaps.append(probe.due_at - at)
        at = probe.due_at

    assert gaps == [MINUTE, 10 * MINUTE, 10 * MINUTE, 10 * MINUTE]
    assert (probe.asked, probe.lane) == (4, 600_000)


@pytest.mark.parametrize("result", [Result.UNREACHABLE, Result.THROTTLED, Result.REFUSED])
def test_an_attempt_without_answer_is_repeated_sooner_and_uses_nothing_up(result: Result) -> None:
    probe, at, gaps = a_probe(), NOON, []
    for _ in range(5):
        probe = told(probe, result, at)
        gaps.append(probe.due_at - at)
        at = probe.due_at

    assert gaps == [10 * SECOND, 20 * SECOND, 40 * SECOND, MINUTE, MINUTE]
    assert (probe.asked, probe.missed) == (0, 5)
    assert told(probe, Result.NOT_FOUND, at).missed == 0


def test_a_provider_may_ask_for_more_time_and_not_for_a_year() -> None:
    wait = told(a_probe(), Result.THROTTLED, NOON, retry_after=5 * MINUTE)
    year = told(a_probe(), Result.THROTTLED, NOON, retry_after=timedelta(days=365))

    assert wait.due_at == NOON + 5 * MINUTE
    assert year.due_at == NOON + HOUR


def test_a_failed_refund_is_asked_for_as_seldom_as_it_goes() -> None:
    probe = told(a_probe(a_refund(slow=True, submit=False)), Result.ANSWERED, NOON)

    assert probe.due_at == NOON + 10 * MINUTE


# How it ends.


def test_the_last_question_is_asked_just_when_asking_ends() -> None:
    probe = told(a_probe(), Result.ANSWERED, NOON + 59 * MINUTE)
    assert probe.due_at == probe.give_up_at

    after = told(probe, Result.NOT_FOUND, probe.give_up_at)
    assert after.state is ProbeState.EXHAUSTED
    assert case_type_of(probe, after, a_truth()) == "PAYMENT_UNCONFIRMED"


def test_it_is_never_given_up_before() -> None:
    at = NOON + HOUR - SECOND

    assert told(a_probe(), Result.ANSWERED, at).state is ProbeState.ARMED


def test_the_end_of_asking_is_an_answer_unless_nobody_answers_for_a_day() -> None:
    probe = a_probe()
    missed = told(probe, Result.UNREACHABLE, probe.give_up_at)

    assert missed.state is ProbeState.ARMED
    assert told(missed, Result.ANSWERED, probe.give_up_at + HOUR).state is ProbeState.EXHAUSTED
    late = told(missed, Result.UNREACHABLE, probe.give_up_at + STRAGGLE)
    assert late.state is ProbeState.EXHAUSTED


def exhausted(inquiry: Inquiry, result: Result = Result.NOT_FOUND) -> tuple[Probe, Probe]:
    probe = replace(a_probe(inquiry), submitted=True)
    return probe, told(probe, result, probe.give_up_at + STRAGGLE)


def test_a_paid_order_needs_nobody_and_a_cancelled_one_only_where_nobody_answered() -> None:
    paid, cancelled = a_truth(*facts_to(State.PAID)), a_truth(*facts_to(State.CANCELLED))

    assert case_type_of(*exhausted(an_inquiry()), paid) == ""
    assert case_type_of(*exhausted(an_inquiry()), cancelled) == ""
    silent = exhausted(an_inquiry(), Result.UNREACHABLE)
    assert case_type_of(*silent, cancelled) == "PAYMENT_UNCONFIRMED"


def test_a_refund_without_end_is_a_case_whatever_the_order_is() -> None:
    paid = a_truth(*facts_to(State.PAID))

    assert case_type_of(*exhausted(a_refund(), Result.ANSWERED), paid) == "REFUND_UNCONFIRMED"


def test_three_refusals_of_a_refund_end_it() -> None:
    probe = a_probe(a_refund())
    for _ in range(REFUSALS_MOST):
        before, probe = probe, told(probe, Result.REFUSED, NOON, code="ACQ.SELLER_BALANCE")

    assert (probe.state, probe.last_code) == (ProbeState.EXHAUSTED, "ACQ.SELLER_BALANCE")
    assert case_type_of(before, probe, a_truth()) == "REFUND_NOT_ACCEPTED"


def test_three_refusals_of_a_question_call_for_a_person_once_and_it_goes_on() -> None:
    probe, types = a_probe(), []
    for _ in range(REFUSALS_MOST + 2):
        before, probe = probe, told(probe, Result.REFUSED, NOON)
        types.append(case_type_of(before, probe, a_truth()))

    assert types == ["", "", "PROBE_REFUSED", "", ""]
    assert probe.state is ProbeState.ARMED


def test_refusals_count_only_in_a_row() -> None:
    probe = told(told(a_probe(), Result.REFUSED, NOON), Result.ANSWERED, NOON)

    assert probe.refused == 0


# Submitting refunds.


def test_what_was_submitted_is_asked_for_from_then_on() -> None:
    probe = told(a_probe(a_refund()), Result.SUBMITTED, NOON)

    assert (probe.submits, probe.asked) == (False, 1)
    assert not told(probe, Result.ANSWERED, NOON).submits
    assert not told(probe, Result.UNREACHABLE, NOON).submits


def test_what_the_provider_does_not_know_is_submitted_again() -> None:
    probe = told(a_probe(a_refund()), Result.SUBMITTED, NOON)

    assert told(probe, Result.NOT_FOUND, NOON).submits


# Leases.


def test_a_report_under_another_lease_is_refused() -> None:
    probe = leased(a_probe(), NOON, "theirs")

    with pytest.raises(LeaseLostError):
        reported(probe, Report("ours", Result.ANSWERED), SCHEDULES, at=NOON)
    with pytest.raises(LeaseLostError):
        reported(a_probe(), Report("ours", Result.ANSWERED), SCHEDULES, at=NOON)


def test_a_lease_that_ran_out_counts_while_nobody_else_took_the_probe() -> None:
    probe = leased(a_probe(), NOON)

    late = reported(probe, Report("lease", Result.ANSWERED), SCHEDULES, at=NOON + HOUR)

    assert late.asked == 1


def test_the_same_report_again_changes_nothing() -> None:
    probe = told(a_probe(), Result.ANSWERED, NOON)

    again = reported(probe, Report("lease", Result.ANSWERED), SCHEDULES, at=NOON + MINUTE)

    assert again == probe


def test_while_it_is_leased_it_wakes_when_the_lease_ends() -> None:
    probe = leased(a_probe(), NOON + 30 * SECOND)

    assert probe.wake_at == NOON + 90 * SECOND
    assert told(probe, Result.ANSWERED, NOON + 40 * SECOND).wake_at == NOON + 100 * SECOND


def test_what_is_learnt_of_a_disarmed_probe_is_written_down() -> None:
    probe = replace(a_probe(), state=ProbeState.DISARMED)

    after = told(probe, Result.ANSWERED, NOON)

    assert (after.state, after.asked, after.due_at) == (ProbeState.DISARMED, 1, probe.due_at)


# Standing for inquiries.


def test_a_new_inquiry_arms_a_probe_and_a_fallen_one_disarms_it() -> None:
    (probe,) = sync([], an_inquiry())
    (gone,) = sync([probe])

    assert (probe.state, gone.state) == (ProbeState.ARMED, ProbeState.DISARMED)
    assert sync([gone]) == []


def test_news_that_changes_nothing_about_it_puts_nothing_off() -> None:
    probe = told(a_probe(), Result.ANSWERED, NOON)

    assert sync([probe], an_inquiry()) == []
    (renamed,) = sync([probe], an_inquiry(account="alipay-2"))
    assert renamed == replace(probe, inquiry=an_inquiry(account="alipay-2"))


def test_what_stands_again_is_asked_anew() -> None:
    gone = replace(told(a_probe(), Result.ANSWERED, NOON), state=ProbeState.DISARMED)

    (again,) = sync([gone], an_inquiry())

    assert (again.state, again.asked, again.due_at) == (ProbeState.ARMED, 0, EVENING)


def test_another_attempt_to_pay_is_asked_about_soon_and_long_enough() -> None:
    probe = told(a_probe(), Result.ANSWERED, NOON)
    probe = replace(probe, due_at=EVENING + HOUR)

    (after,) = sync([probe], an_inquiry(since=EVENING))

    assert (after.due_at, after.lane) == (EVENING + 30 * SECOND, FRESH)
    assert after.give_up_at == EVENING + HOUR
    (woken,) = sync([replace(probe, state=ProbeState.EXHAUSTED)], an_inquiry(since=EVENING))
    assert woken.state is ProbeState.ARMED


def test_what_becomes_urgent_is_due_now() -> None:
    probe = replace(told(a_probe(), Result.ANSWERED, NOON), due_at=EVENING + HOUR)

    (after,) = sync([probe], an_inquiry(urgent=True))

    assert (after.due_at, after.lane) == (EVENING, FRESH)
    assert sync([after], an_inquiry(urgent=True)) == []


def test_an_exhausted_probe_stays_so_and_ends_with_its_inquiry() -> None:
    spent = replace(a_probe(), state=ProbeState.EXHAUSTED)

    assert sync([spent], an_inquiry()) == []
    assert [each.state for each in sync([spent])] == [ProbeState.DISARMED]


def test_a_person_may_have_it_asked_now_and_once_more_after_the_end() -> None:
    spent = replace(a_probe(), state=ProbeState.EXHAUSTED)

    now = run_now(spent, at=EVENING)

    assert (now.state, now.due_at, now.lane) == (ProbeState.ARMED, EVENING, FRESH)
    assert told(now, Result.NOT_FOUND, EVENING).state is ProbeState.EXHAUSTED


def test_money_that_was_shipped_for_is_a_case_although_it_left() -> None:
    shipped = a_truth(a_fact(), *facts_to(State.SHIPPING)[-1:])

    assert case_type_of(*exhausted(an_inquiry()), shipped) == "PAYMENT_UNCONFIRMED"

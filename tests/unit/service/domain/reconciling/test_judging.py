"""What a file says of an order, what we hold and what was paid: what differs, and what does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from service.domain.facts import FactKind
from service.domain.lifecycle import State
from service.domain.money import Money
from service.domain.reconciling.days import day_of, window_of, zone_for
from service.domain.reconciling.judging import (
    DifferenceKind,
    Ours,
    Pair,
    Scope,
    belongs_in_file,
    judge,
)
from service.domain.reconciling.statements import Line, line_of
from tests.builders import NOON, REF, TOTAL, a_fact, facts_to

# The file was made the night after; Shanghai's day of the order is its day in UTC, too.
MADE = NOON + timedelta(hours=14)
SCOPE = Scope("douyin", date(2026, 11, 22), "Asia/Shanghai", MADE)
OURS = Ours(
    order_id="ord-1",
    channel="douyin",
    state=State.SHIPPING,
    state_since=NOON + timedelta(hours=1),
    total=TOTAL,
    paid=TOTAL,
    refunded=Money.zero("CNY"),
    quantity=2,
    placed_at=NOON,
)
LINE = Line(REF, amount=TOTAL, quantity=2, state=State.SHIPPING, placed_at=NOON, told_at=NOON)


def kinds(line: Line = LINE, ours: Ours | None = OURS, **payments: int) -> list[str]:
    """Return what differs between a line and an order with these payments."""
    came = {name: Money(minor, "CNY") for name, minor in payments.items()}
    return [each.kind.value for each in judge(Pair(REF, (line,), ours, came), SCOPE)]


def test_what_agrees_differs_in_nothing() -> None:
    assert kinds(pay_1=TOTAL.minor) == []


def test_what_a_file_does_not_say_is_not_compared() -> None:
    assert kinds(Line(REF)) == []


def test_an_order_that_we_lack_is_missing_here_and_nothing_else() -> None:
    assert kinds(ours=None) == ["MISSING_HERE"]


def test_a_line_that_could_not_be_read_is_there_all_the_same() -> None:
    assert kinds(Line(REF, is_read=False)) == []


@pytest.mark.parametrize(
    ("theirs", "ours", "differs"),
    [
        # We are behind what the channel says.
        (State.PAID, State.PENDING_PAYMENT, True),
        (State.SHIPPING, State.AWAITING_OUTBOUND, True),
        (State.COMPLETED, State.DELIVERED, True),
        # We went on after the file was made, or a little before the channel learnt of it.
        (State.AWAITING_OUTBOUND, State.SHIPPING, False),
        (State.SHIPPING, State.DELIVERED, False),
        # Two words for one thing.
        (State.AWAITING_OUTBOUND, State.PAID, False),
        (State.PENDING_PAYMENT, State.PAYING, False),
        # One calls off what the other does not.
        (State.CANCELLED, State.PAID, True),
        (State.PAID, State.CANCELLED, True),
        (State.CANCELLED, State.CANCELLED, False),
    ],
)
def test_a_state_differs_where_we_are_behind_or_called_off(
    theirs: State, ours: State, *, differs: bool
) -> None:
    found = kinds(replace(LINE, state=theirs), replace(OURS, state=ours))

    assert found == (["STATE"] if differs else [])


def test_what_we_have_known_for_longer_than_a_day_the_channel_should_know() -> None:
    shipped = replace(OURS, state_since=MADE - timedelta(hours=25))

    assert kinds(replace(LINE, state=State.PAID), shipped) == ["STATE"]


def test_what_we_called_off_after_the_file_was_made_does_not_differ() -> None:
    cancelled = replace(OURS, state=State.CANCELLED, state_since=MADE + timedelta(minutes=1))

    assert kinds(ours=cancelled) == []


def test_an_order_that_was_given_back_may_be_closed_there() -> None:
    given_back = replace(OURS, refunded=TOTAL)

    assert kinds(replace(LINE, state=State.CANCELLED), given_back) == []


def test_a_refund_of_which_we_know_nothing_is_a_state_that_differs() -> None:
    assert kinds(replace(LINE, refunded=Money(100, "CNY"))) == ["STATE"]


@pytest.mark.parametrize("minor", [TOTAL.minor - 1, TOTAL.minor + 1])
def test_a_fen_more_or_less_is_another_amount(minor: int) -> None:
    assert kinds(replace(LINE, amount=Money(minor, "CNY"))) == ["AMOUNT"]


def test_the_same_number_in_another_currency_is_another_amount() -> None:
    assert kinds(replace(LINE, amount=Money(TOTAL.minor, "HKD"))) == ["AMOUNT"]


def test_a_payment_that_is_too_small_is_another_amount() -> None:
    assert kinds(pay_1=TOTAL.minor - 1) == ["AMOUNT"]


def test_two_payments_that_make_up_the_total_do_not_differ() -> None:
    assert kinds(pay_1=TOTAL.minor - 100, pay_2=100) == []


def test_paid_twice_is_doubled_and_no_other_amount() -> None:
    assert kinds(pay_1=TOTAL.minor, pay_2=TOTAL.minor) == ["DOUBLED"]


def test_what_was_paid_twice_and_given_back_once_is_settled() -> None:
    assert kinds(ours=replace(OURS, refunded=TOTAL), pay_1=TOTAL.minor, pay_2=TOTAL.minor) == []


def test_a_file_that_has_an_order_twice_doubles_it() -> None:
    pair = Pair(REF, (LINE, replace(LINE, key="2")), OURS)

    assert [each.kind for each in judge(pair, SCOPE)] == [DifferenceKind.DOUBLED]


def test_eight_hours_may_be_another_day() -> None:
    # 20:00 in Shanghai, taken for UTC: 04:00 of the next day in Shanghai.
    assert kinds(ours=replace(OURS, placed_at=NOON + timedelta(hours=8))) == ["WRONG_DAY"]


def test_an_order_of_another_day_on_which_both_agree_does_not_differ() -> None:
    the_day_before = NOON - timedelta(days=1)
    line = replace(LINE, placed_at=the_day_before)

    assert kinds(line, replace(OURS, placed_at=the_day_before)) == []


def test_an_order_of_another_channel_differs() -> None:
    assert kinds(ours=replace(OURS, channel="jd")) == ["WRONG_CHANNEL"]


def test_a_file_of_paid_orders_does_not_lack_unpaid_ones() -> None:
    unpaid = replace(OURS, paid=Money.zero("CNY"))

    assert belongs_in_file(unpaid)
    assert not belongs_in_file(replace(unpaid, channel="pdd"))
    assert belongs_in_file(replace(OURS, channel="pdd"))


def test_what_a_files_rows_say_is_what_their_facts_prove_together() -> None:
    facts = facts_to(State.SHIPPING)

    line = line_of(facts, "rcp-1")

    assert line is not None
    assert (line.ref, line.state, line.amount) == (REF, State.SHIPPING, TOTAL)
    assert line.placed_at == NOON
    assert line.told_at == max(each.occurred_at for each in facts)


def test_rows_that_create_nothing_say_only_that_the_order_is_there() -> None:
    line = line_of((a_fact(FactKind.REFUND_SUCCEEDED),), "rcp-1")

    assert line is not None
    assert (line.ref, line.state, line.amount) == (REF, None, None)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Asia/Shanghai", date(2025, 12, 28), 24),
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("Europe/London", date(2026, 3, 29), 23),
        ("Europe/London", date(2026, 10, 25), 25),
        ("UTC", date(2028, 2, 29), 24),
    ],
)
def test_a_day_is_as_long_as_its_zone_makes_it(zone: str, day: date, hours: int) -> None:
    begin, end = window_of(day, zone)

    assert end - begin == timedelta(hours=hours)
    assert day_of(begin, zone) == day
    assert day_of(end, zone) == day + timedelta(days=1)
    assert day_of(end - timedelta(microseconds=1), zone) == day


def test_days_of_chinese_channels_are_beijings() -> None:
    assert window_of(date(2025, 12, 29), zone_for("douyin"))[0] == datetime(
        2025, 12, 28, 16, tzinfo=UTC
    )

"""The judge is judged: evidence of a good storm passes, and each thing that is wrong is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
import yaml

from service.schedules import load, read
from tests.storm import judging
from tests.storm.evidence import Blows, Call, Evidence, Held, Step, Stored, Trade
from tests.storm.judging import problems
from tests.storm.plan import VICTIMS, Plan, Shape, plan
from tests.storm.report import report
from tests.storm.stack import scaled_schedules

SHAPE: Final = Shape(seed=1, orders=40, kills=10, per_second=10.0, speed=5.0, database_down_s=60.0)
PLAN: Final = plan(SHAPE)
BY_NUMBER: Final = {each.number: each for each in PLAN.purchases}
NOON: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)


def a_storm() -> Evidence:
    """Return the evidence of a storm that did no harm."""
    bought = [(each, each.pays_after_s is not None) for each in PLAN.purchases]
    called = [each for each, is_paid in bought if is_paid]
    return Evidence(
        plan=PLAN,
        trades={
            each.number: Trade(
                number=each.number,
                provider=each.provider,
                amount_minor=each.amount_minor,
                currency=each.currency,
                is_paid=is_paid,
                paid_at=at(each.begins_s) if is_paid else None,
                paid_wall=at(each.begins_s) if is_paid else None,
            )
            for each, is_paid in bought
        },
        held={
            each.number: Held(
                name=f"orders/{each.number}",
                state="PAID" if is_paid else "PAYING",
                paid_minor=each.amount_minor if is_paid else 0,
                currency=each.currency,
                steps=steps(each.begins_s, is_paid=is_paid),
            )
            for each, is_paid in bought
        },
        calls=[
            *(a_call(each.provider, each.number, by_s=90.0) for each in called[::2]),
            *(a_call(each.provider, each.number, by_s=1.0) for each in called[1::2]),
            replace(a_call("alipay", called[0].number), is_forged=True, verdict="again"),
        ],
        receipts=[
            Stored(each.provider, f"n-{each.number}", "notice", each.number) for each in called
        ],
        known_receipts=frozenset({"receipts/1"}),
        cases=[],
        journal_problem="",
        broken_invariants=[],
        blows=Blows(
            killed=dict.fromkeys(VICTIMS, 2),
            database_down_s=60.0,
            shop_calls_answered=80,
            shop_calls_unanswered=20,
            acknowledged=frozenset({"receipts/1"}),
        ),
        notices={"dropped": 4, "doubled": 8},
        questions={"query 200": 10, "query server_error": 1},
        commit="0123456789",
        unrest=(),
        lasted_s=60.0,
    )


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


def steps(begins_s: float, *, is_paid: bool) -> tuple[Step, ...]:
    placed = (
        Step("PLACED", "", "PENDING_PAYMENT", at(begins_s)),
        Step("MOVED", "PENDING_PAYMENT", "PAYING", at(begins_s)),
    )
    known_at = at(begins_s + 2)
    paid = (
        Step("MONEY_MOVED", "paid 0.00", "paid 1.00", known_at),
        Step("MOVED", "PAYING", "PAID", known_at),
    )
    return (*placed, *paid) if is_paid else placed


def a_call(provider: str, number: str, *, by_s: float = 0.0) -> Call:
    return Call(
        provider=provider,
        number=number,
        notice=f"n-{number}",
        attempt=1,
        is_forged=False,
        is_right=True,
        verdict="taken",
        at=at(BY_NUMBER[number].begins_s + by_s),
        answer="200 ",
    )


def paid(evidence: Evidence) -> str:
    return next(number for number, each in evidence.trades.items() if each.is_paid)


def unpaid(evidence: Evidence) -> str:
    return next(number for number, each in evidence.trades.items() if not each.is_paid)


def with_held(evidence: Evidence, number: str, **changes: object) -> Evidence:
    held = replace(evidence.held[number], **changes)  # type: ignore[arg-type]  # Named as fields.
    return replace(evidence, held={**evidence.held, number: held})


def with_call(evidence: Evidence, **changes: object) -> Evidence:
    call = replace(evidence.calls[0], **changes)  # type: ignore[arg-type]  # As above.
    return replace(evidence, calls=[*evidence.calls, call])


def with_steps_again(evidence: Evidence) -> Evidence:
    held = evidence.held[paid(evidence)]
    return with_held(evidence, paid(evidence), steps=(*held.steps, held.steps[-1]))


def with_money_again(evidence: Evidence) -> Evidence:
    held = evidence.held[paid(evidence)]
    return with_held(evidence, paid(evidence), steps=(*held.steps, held.steps[-2]))


def forgotten(evidence: Evidence) -> Evidence:
    held = {number: each for number, each in evidence.held.items() if number != paid(evidence)}
    return replace(evidence, held=held)


def slow(evidence: Evidence) -> Evidence:
    late = {
        number: replace(each, paid_wall=each.paid_wall - timedelta(seconds=17))
        for number, each in evidence.trades.items()
        if each.paid_wall is not None
    }
    return replace(evidence, trades={**evidence.trades, **late})


def calm(**changes: object) -> Callable[[Evidence], Evidence]:
    def change(evidence: Evidence) -> Evidence:
        blows = replace(evidence.blows, **changes)  # type: ignore[arg-type]  # As above.
        return replace(evidence, blows=blows)

    return change


BROKEN: Final[list[tuple[str, Callable[[Evidence], Evidence]]]] = [
    ("it_was_a_storm", calm(killed={victim: 2 for victim in VICTIMS if victim != "relay"})),
    ("it_was_a_storm", calm(database_down_s=0.0)),
    ("it_was_a_storm", calm(shop_calls_unanswered=80)),
    ("it_was_a_storm", lambda it: replace(it, notices={"dropped": 4})),
    ("it_was_a_storm", lambda it: replace(it, questions={"query 200": 10})),
    ("it_was_a_storm", lambda it: replace(it, calls=it.calls[:-1])),
    ("it_comes_to_rest", lambda it: replace(it, unrest=("not within 240 s: nothing waits",))),
    ("every_order_is_known", forgotten),
    ("what_is_paid_there_is_paid_here", lambda it: with_held(it, paid(it), state="PAYING")),
    ("what_is_paid_there_is_paid_here", lambda it: with_held(it, paid(it), state="CANCELLED")),
    ("what_is_paid_there_is_paid_here", lambda it: with_held(it, paid(it), paid_minor=1)),
    ("what_is_paid_here_is_paid_there", lambda it: with_held(it, unpaid(it), paid_minor=1)),
    ("what_is_paid_here_is_paid_there", lambda it: with_held(it, unpaid(it), state="PAID")),
    ("no_step_is_taken_twice", with_steps_again),
    ("no_step_is_taken_twice", with_money_again),
    ("the_journal_holds", lambda it: replace(it, journal_problem="the hash differs")),
    (
        "every_invariant_holds",
        lambda it: replace(it, broken_invariants=["I4 ord-1: row 2 is missing"]),
    ),
    ("nothing_forged_is_believed", lambda it: with_call(it, is_forged=True)),
    (
        "nothing_forged_is_believed",
        lambda it: replace(it, receipts=[*it.receipts, replace(it.receipts[0], message_id="x")]),
    ),
    ("every_call_is_answered_right", lambda it: with_call(it, is_right=False)),
    ("every_call_is_answered_right", lambda it: replace(it, receipts=it.receipts[1:])),
    ("what_shops_were_promised_is_kept", lambda it: replace(it, known_receipts=frozenset())),
    ("nobody_is_bothered", lambda it: replace(it, cases=[("AMOUNT_DIFFERS", "ord-1")])),
    ("repair_is_quick", slow),
]


def test_a_storm_that_did_no_harm_passes() -> None:
    assert problems(a_storm()) == []


@pytest.mark.parametrize(("rule", "break_it"), BROKEN)
def test_what_is_wrong_is_found(rule: str, break_it: Callable[[Evidence], Evidence]) -> None:
    found = problems(break_it(a_storm()))

    assert rule in {each.partition(":")[0] for each in found}


def test_every_rule_is_broken_once() -> None:
    assert {rule for rule, _ in BROKEN} == {each.__name__ for each in judging.RULES}


def test_the_report_is_one_table() -> None:
    lines = report(a_storm()).strip("\n").splitlines()

    assert "no step is taken twice" in "\n".join(lines)
    assert len(lines) > 20
    assert max(len(line) for line in lines) < 100


def test_a_plan_is_its_seeds_and_kills_everybody_in_turn() -> None:
    one, again, other = plan(SHAPE), plan(SHAPE), plan(replace(SHAPE, seed=2))

    assert one == again != other
    assert all(
        {each.victim for each in one.kills[turn : turn + len(VICTIMS)]} == set(VICTIMS)
        for turn in range(0, len(one.kills), len(VICTIMS))
    )
    moments = [each.at_s for each in one.kills]
    assert moments == sorted(moments)
    assert 0 < moments[0] < moments[-1] < SHAPE.lasts_s
    assert isinstance(one, Plan)


def test_schedules_keep_provider_time() -> None:

    scaled = read(yaml.safe_load(scaled_schedules(5.0))).of("alipay", "PAYMENT")
    shipped = load("shipped").of("alipay", "PAYMENT")

    assert [each * 5 for each in scaled.intervals] == list(shipped.intervals)
    assert scaled.give_up_after * 5 == shipped.give_up_after
    assert scaled.missed_most * 5 == shipped.missed_most

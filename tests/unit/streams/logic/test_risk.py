"""The shipped rules against a plain recomputation, and what makes a rule unusable."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.logic.risk import CustomerAct, Finding, Risk, RuleFailed, flag_id
from streams.logic.rules import Rule, RuleEngine, RuleError
from streams.logic.windows import SECOND_US
from streams.rule_files import load_rules
from tests.unit.streams.logic.test_stage_windows import NOW_US, MemoryRows

DAY_US = 86_400 * SECOND_US
YUAN = 1_000_000
RULES = load_rules()


def an_act(sequence: int, **changes: object) -> CustomerAct:
    act = CustomerAct(
        offset=sequence,
        logged_us=NOW_US,
        event_id=f"e-{sequence}",
        customer="c-1",
        sequence=sequence,
        order=f"orders/{sequence}",
        event_us=NOW_US + sequence,
        kind="PLACED",
        currency="CNY",
        amount_micros=100 * YUAN,
    )
    return replace(act, **changes)  # type: ignore[arg-type]  # Fields by name.


def found(acts: list[CustomerAct]) -> list[tuple[str, str]]:
    outputs = Risk(MemoryRows(), RULES).apply(acts).outputs
    return [(each.act.event_id, each.rule) for each in outputs if isinstance(each, Finding)]


def test_eighty_per_cent_off_is_not_above_eighty_and_a_millionth_more_is() -> None:
    at = an_act(1, list_total_micros=500 * YUAN)
    above = an_act(2, list_total_micros=500 * YUAN, amount_micros=100 * YUAN - 1)

    assert found([at, above]) == [("e-2", "deep-discount")]


def test_a_discount_off_an_unknown_price_is_none() -> None:
    assert found([an_act(1, amount_micros=1)]) == []


def test_five_times_the_mean_is_not_above_it_and_needs_three_earlier_orders() -> None:
    usual = [an_act(number) for number in (1, 2, 3)]
    at = an_act(4, amount_micros=500 * YUAN)
    above = an_act(4, amount_micros=500 * YUAN + 1)

    assert found([*usual, at]) == []
    assert found([*usual, above]) == [("e-4", "unusual-amount")]
    assert found([*usual[:2], replace(above, sequence=3)]) == []


def test_sums_too_large_for_64_bits_are_kept() -> None:
    # The service takes orders of up to 9.2e14 yen, which are 9.2e20 millionths.
    rows = MemoryRows()
    vast = [an_act(n, currency="JPY", amount_micros=9 * 10**20) for n in (1, 2, 3)]
    rows.write(Risk(rows, RULES).apply(vast))

    more = Risk(rows, RULES).apply([an_act(4, currency="JPY", amount_micros=9 * 10**20)])

    assert {type(each) for each in more.outputs} == {RuleFailed}
    assert b"3600000000000000000000" in more.rows[b"c-1"]


def test_a_row_of_usual_sums_can_be_read_by_the_release_before() -> None:
    effects = Risk(MemoryRows(), RULES).apply([an_act(1)])

    assert orjson.loads(effects.rows[b"c-1"]) == [1, {"CNY": [1, 100 * YUAN]}, []]


def test_orders_in_another_currency_say_nothing_about_the_mean() -> None:
    usual = [an_act(number, currency="JPY", amount_micros=1) for number in (1, 2, 3)]

    assert found([*usual, an_act(4)]) == []


def test_the_fourth_return_within_thirty_days_is_flagged_and_the_third_is_not() -> None:
    returns = [an_act(n, kind="RETURNED", event_us=NOW_US + n * 7 * DAY_US) for n in (1, 2, 3, 4)]

    assert found(returns) == [("e-4", "frequent-returns")]


def test_a_return_thirty_days_old_no_longer_counts() -> None:
    returns = [an_act(n, kind="RETURNED", event_us=NOW_US + n * 10 * DAY_US) for n in (1, 2, 3, 4)]

    assert found(returns) == []


def test_two_refunds_of_one_order_are_one_return() -> None:
    returns = [an_act(n, kind="RETURNED", order=f"orders/{n // 2}") for n in (2, 3, 4, 5, 6, 7)]

    assert found(returns) == []


def test_a_flag_names_what_the_rule_saw() -> None:
    acts = [an_act(1, list_total_micros=1000 * YUAN)]
    (finding,) = Risk(MemoryRows(), RULES).apply(acts).outputs

    assert isinstance(finding, Finding)
    assert finding.flag_id == flag_id("deep-discount", "e-1")
    assert dict(finding.inputs) == {
        "order.amount": "100000000",
        "order.list_total": "1000000000",
        "order.currency": "CNY",
    }
    assert (finding.rule_version, finding.action) == (1, "HOLD")


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["PLACED", "RETURNED"]),
            st.integers(1, 1000),
            st.integers(0, 5000),
            st.integers(0, 80),
        ),
        max_size=25,
    ),
    st.lists(st.tuples(st.integers(1, 6), st.booleans()), max_size=12),
)
def test_findings_are_those_of_one_pass_however_chunks_repeat_and_crash(
    drawn: list[tuple[str, int, int, int]], reads: list[tuple[int, bool]]
) -> None:
    acts = [
        an_act(n, kind=kind, amount_micros=amount, list_total_micros=price, event_us=day * DAY_US)
        for n, (kind, amount, price, day) in enumerate(drawn, start=1)
    ]
    plain = set(found(acts))
    rows, position, committed = MemoryRows(), 0, 0
    engine = Risk(rows, RULES)
    seen: set[tuple[str, str]] = set()
    for size, is_crash in [*reads, *[(5, False)] * 6]:
        effects = engine.apply(acts[position : position + size])
        seen |= {(o.act.event_id, o.rule) for o in effects.outputs if isinstance(o, Finding)}
        if is_crash:
            position, engine = committed, Risk(rows, RULES)
            continue
        rows.write(effects)
        # The offset of every other chunk was not committed in time.
        position = min(position + size, len(acts))
        committed = position if size % 2 else committed

    assert seen == plain
    assert engine.lost == 0


def test_everything_that_is_wrong_with_rules_is_said_at_once() -> None:
    fine = {"version": 1, "action": "HOLD", "inputs": ()}
    with pytest.raises(RuleError) as error:
        RuleEngine(
            [
                Rule(id="unknown-value", when="order.colour == 'red'", **fine),  # type: ignore[arg-type]
                Rule(id="wrong-type", when="order.amount > 'much'", **fine),  # type: ignore[arg-type]
                Rule(id="no-condition", when="order.amount", **fine),  # type: ignore[arg-type]
                Rule("bad-action", 1, "true", "PUNISH", ("order.weight",)),
            ]
        )

    faults = str(error.value)
    for part in ("order.colour", "wrong-type", "gives INT, not BOOL", "PUNISH", "order.weight"):
        assert part in faults


def test_a_rule_that_fails_is_told_and_the_others_are_judged() -> None:
    rules = RuleEngine(
        [
            Rule("broken", 1, "1 / (order.amount - order.amount) > 0", "HOLD", ()),
            Rule("sound", 1, "order.amount > 0", "REVIEW", ()),
        ]
    )
    outputs = Risk(MemoryRows(), rules).apply([an_act(1)]).outputs

    assert [type(each) for each in outputs] == [RuleFailed, Finding]
